// SPDX-License-Identifier: Apache-2.0
// `zmq queue take`: messages to standard output, or to a command each.
#include <flotilla/base/encoding.hpp>
#include <flotilla/base/units.hpp>
#include <flotilla/net/system.hpp>

#include <cli/output.hpp>
#include <cli/queue/message_shown.hpp>
#include <cli/queue/printed_acks.hpp>
#include <cli/queue/take_command.hpp>
#include <cli/queue/take_session.hpp>
#include <cli/queue/verbs.hpp>
#include <cli/raw.hpp>
#include <cli/serve/child.hpp>
#include <cli/serve/command_mark.hpp>
#include <cli/signals.hpp>
#include <cli/words.hpp>

#include <memory>
#include <optional>
#include <utility>

namespace flotilla::cli {

namespace leased = queue::leased;

namespace {

constexpr std::uint32_t print_window_max = 1'000; // of messages on their way to be printed

struct TakeFlags {
    std::string queue;
    std::vector<std::string> command;
    std::optional<std::uint64_t> count;
    bool all = false;
    bool follow = false;
    bool keep = false;
    Duration wait{0};
    std::uint64_t jobs = 1;
    Duration command_timeout = 1h;
    Duration retry_delay{0};
    std::string separator = "\\t";
    StoreFlags store;
    OutputFlags output;
};

std::uint64_t wanted(const TakeFlags& flags) {
    return flags.all || flags.follow ? UINT64_MAX : flags.count.value_or(1);
}
// How long to wait for the next message. A store may need a moment for one that is there.
Duration patience(const TakeFlags& flags) {
    constexpr Duration moment = 50ms;
    return flags.follow ? no_limit : std::max(flags.wait, moment);
}

StoreReturn::Patience store_patience(const TakeFlags& flags) {
    return flags.follow ? StoreReturn::Patience::endless : StoreReturn::Patience::timeout;
}

class TakenPrinter {
public:
    static Result<TakenPrinter> make(const TakeFlags& flags, std::string endpoint) {
        auto format = make_format(flags.output);
        if (!format)
            return fail(format.error());
        return TakenPrinter{flags.queue, std::move(endpoint), std::move(*format)};
    }
    // `lease`: as others may name it; empty: nobody else may.
    Status print(const Taken& message, const std::string& lease = {}) {
        text_.clear();
        if (Status formatted =
                append(text_, format_, {queue_, endpoint_, ++number_}, message, lease);
            !formatted)
            return formatted;
        return out_->write(text_);
    }
    Output& out() { return *out_; }

private:
    TakenPrinter(std::string queue, std::string endpoint, Format format)
        : queue_(std::move(queue)), endpoint_(std::move(endpoint)), format_(std::move(format)) {}
    std::string queue_;
    std::string endpoint_;
    Format format_;
    std::unique_ptr<Output> out_ = std::make_unique<Output>();
    std::string text_{};
    std::uint64_t number_ = 0;
};

// The next one. When none is at hand, what was printed is shown and acknowledged before it is
// waited for. Nothing: none came, or nobody reads what is printed.
Result<std::optional<Taken>> next_to_print(const TakeFlags& flags, TakeSession& session,
                                           TakenPrinter& printer, PrintedAcks& acks) {
    auto message = session.next(Duration::zero());
    if (!message || *message)
        return message;
    if (Status flushed = printer.out().flush(); !flushed)
        return fail(flushed.error());
    acks.acknowledge(session);
    return printer.out().closed() ? std::optional<Taken>{} : session.next(patience(flags));
}

// Printed, and only then acknowledged.
Result<ExitCode> print_all(const TakeFlags& flags, StoreLink& link, TakenPrinter& printer,
                           Terminal& terminal) {
    StoreReturn store(store_patience(flags),
                      [&terminal](const std::string& text) { terminal.note(text); });
    auto session = TakeSession::open(link, flags.queue, {wanted(flags), print_window_max}, &store);
    if (!session)
        return fail(session.error());
    PrintedAcks acks(printer.out());
    std::uint64_t taken = 0;
    Status ended;
    while (ended && taken < wanted(flags) && !printer.out().closed()) {
        auto message = next_to_print(flags, *session, printer, acks);
        if (message && !*message)
            break;
        ended = message ? printer.print(**message) : fail(message.error());
        if (!ended)
            break;
        acks.printed(**message);
        ++taken;
    }
    const Status flushed = printer.out().flush();
    acks.acknowledge(*session);
    const Status closed = session->close();
    if (session->forgotten() > 0)
        terminal.note("the store went away before it had said that it knows of " +
                      counted(session->forgotten(), "message") +
                      " printed here: what it does not know of comes again, marked");
    for (const Status& each : {flushed, ended, closed})
        if (!each && each.error().code != Errc::stopped)
            return fail(each.error());
    const bool enough = taken > 0 && (taken == wanted(flags) || flags.all || flags.follow);
    return acks.ended(enough || signal_caught() != 0 ? ExitCode::ok : ExitCode::nothing, terminal);
}

// Who a lease belongs to: the store knows a holder by the name of its connection.
std::string fresh_name() {
    std::string name = "zmq-";
    const std::uint64_t seed = net::system_seed();
    append_hex(name, ByteView{reinterpret_cast<const char*>(&seed), sizeof seed});
    return name;
}

// One message, or that there is none; a store that is away is waited for.
Result<queue::Event> take_one(const TakeFlags& flags, StoreLink& link, StoreReturn& store) {
    const Duration wait = flags.follow ? leased::limits::wait_max : flags.wait;
    const auto take = [&](Duration longest) {
        return link.ask(queue::Take{flags.queue, longest}, queue::Asked::leased, longest);
    };
    const auto has_message = [](const queue::Event& event) {
        const auto* said = std::get_if<leased::Event>(&event);
        return said != nullptr && std::holds_alternative<leased::Deliver>(*said);
    };
    auto event = take(wait);
    while (!event && link.refused_with() != leased::ErrorCode::not_allowed &&
           store.is_worth_waiting(link, event.error())) {
        // Only its answer to a take, at once, shows that it is back and refuses no more.
        Result<queue::Event> first = fail(Errc::timeout);
        const auto begin = [&]() -> Status {
            first = take(Duration::zero());
            return first ? Status{} : fail(first.error());
        };
        if (Status back = store.wait(link, event.error(), begin); !back)
            return fail(back.error());
        event = has_message(*first) ? std::move(first) : take(wait);
    }
    return event;
}

// Without a session: the lease stays with whoever has its token and the name.
Result<ExitCode> keep_all(const TakeFlags& flags, StoreLink& link, TakenPrinter& printer,
                          const std::string& name, Terminal& terminal) {
    StoreReturn store(store_patience(flags),
                      [&terminal](const std::string& text) { terminal.note(text); });
    for (std::uint64_t taken = 0; taken < wanted(flags); ++taken) {
        auto event = take_one(flags, link, store);
        if (!event)
            return fail(event.error());
        auto* said = std::get_if<leased::Event>(&*event);
        auto* one = said ? std::get_if<leased::Deliver>(said) : nullptr;
        if (!one)
            return taken > 0 && flags.all ? ExitCode::ok : ExitCode::nothing;
        const Taken message{one->lease,       one->id,  one->attempt,
                            one->redelivered, one->key, std::move(one->body)};
        const std::string lease = to_text(message.lease) + "@" + name;
        if (Status printed = printer.print(message, lease); !printed)
            return fail(printed.error());
        if (Status flushed = printer.out().flush(); !flushed)
            return fail(flushed.error());
        const std::string told = "lease " + lease + ", for " + format_duration(one->lease_time);
        if (flags.output.format == "json")
            terminal.note(told);
        else // nothing else says it
            terminal.error(told);
        if (printer.out().closed()) { // its lease was told all the same
            terminal.error("what reads standard output has gone: the last message is not printed");
            return ExitCode::not_flushed;
        }
    }
    return ExitCode::ok;
}

Result<ExitCode> run_take(TakeFlags& flags, Terminal& terminal) {
    if (flags.queue == command_mark)
        return fail(Errc::bad_option, "from which queue? Its name comes before --, for example: "
                                      "zmq queue take orders -- ./handle");
    if (Status command = take_mark(flags.command); !command)
        return fail(command.error());
    if (Status right = check_queue(flags.queue); !right)
        return fail(right.error());
    if (flags.all && flags.follow)
        return fail(Errc::bad_option, "--all ends when the queue is empty, and --follow never");
    if (flags.count && (flags.all || flags.follow))
        return fail(Errc::bad_option,
                    std::string("-n ends after so many messages, ") +
                        (flags.all ? "and --all when the queue is empty" : "and --follow never") +
                        ": give one of them");
    if (flags.keep && !flags.command.empty())
        return fail(Errc::bad_option, "--keep leaves the answer to you, and a command gives it");
    if (!flags.command.empty()) {
        TakeCommand command;
        command.queue = flags.queue;
        command.command = flags.command;
        command.jobs = static_cast<std::uint32_t>(flags.jobs);
        command.wanted = wanted(flags);
        command.wait = patience(flags);
        command.timeout = flags.command_timeout;
        command.retry_delay = flags.retry_delay;
        command.separator = flags.separator;
        command.endless = flags.all || flags.follow;
        command.patience = store_patience(flags);
        return run_command_each(command, flags.store, terminal);
    }
    const std::string name = flags.keep ? fresh_name() : std::string{};
    StoreReturn first(store_patience(flags),
                      [&terminal](const std::string& text) { terminal.note(text); });
    auto link = first.open(flags.store, told_to(terminal), name);
    if (!link && link.error().code == Errc::stopped)
        return ExitCode::ok; // the signal says how it ended
    if (!link)
        return fail(link.error());
    auto printer = TakenPrinter::make(flags, link->endpoint());
    if (!printer)
        return fail(printer.error());
    const Result<ExitCode> code = flags.keep ? keep_all(flags, *link, *printer, name, terminal)
                                             : print_all(flags, *link, *printer, terminal);
    if (!code && code.error().code == Errc::stopped)
        return ExitCode::ok; // the signal says how it ended
    if (code && *code == ExitCode::nothing)
        terminal.note("'" + flags.queue + "' has no message to give" +
                      (flags.wait > Duration::zero() ? " for " + format_duration(flags.wait)
                                                     : "; -w waits for one"));
    return code;
}

} // namespace

Run declare_queue_take(Parser& parser) {
    const auto flags = std::make_shared<TakeFlags>();
    parser.add_option("QUEUE", flags->queue, "From where").required();
    parser.add_option(
        "CMD", flags->command,
        "After --: a command and its arguments, run for each message, which it finds on "
        "its standard input");
    const char* group = "Messages";
    add_count(parser, "-n,--count", flags->count, {1}, "Take so many [1]; fewer is exit 3")
        .group(group);
    parser.add_flag("-a,--all", flags->all, "Take all that are there; none is exit 3").group(group);
    parser
        .add_flag("--follow", flags->follow,
                  "Go on until a signal; wait for a store that is not there, or goes away")
        .group(group);
    add_duration(parser, "-w,--wait", flags->wait, "Longest wait for the next message [0s]")
        .group(group);
    parser
        .add_flag("--keep", flags->keep,
                  "Do not acknowledge: print the lease, for zmq queue ack, nack and touch")
        .group(group);
    add_count(parser, "-j,--jobs", flags->jobs, {1, 256}, "Commands at once [1]").group("Command");
    add_duration(parser, "--command-timeout", flags->command_timeout,
                 "Longest that a command may take [1h]; then it is killed, and its message "
                 "given back")
        .group("Command");
    add_duration(parser, "--retry-delay", flags->retry_delay,
                 "A message given back is not delivered before this is over [the queue's]")
        .group("Command");
    add_store(parser, flags->store);
    add_output(parser, flags->output);
    parser.set_footer(
        "A message is acknowledged when it was printed, or when its command ended with 0; "
        "75 gives it back\nto be tried again, anything else gives it back as failed, and "
        "the run ends with 4; so it does\nwhen the store did not take the answer, which is said. "
        "When what reads the output goes away,\nwhat was not written to it is given back, and "
        "the run ends with 5. A signal lets the commands that\nrun end and settles their "
        "messages; a second one ends it at once. The command finds\nFLOTILLA_QUEUE, FLOTILLA_ID, "
        "FLOTILLA_ATTEMPT, FLOTILLA_REDELIVERED and FLOTILLA_KEY in its\nenvironment; its lease "
        "is renewed while it runs.\n\n"
        "Examples:\n"
        "  zmq queue take orders --store tcp://127.0.0.1:5560\n"
        "  zmq queue take orders -n 100 --wait 10s --format json\n"
        "  zmq queue take orders --follow -j 4 -- ./handle\n"
        "  zmq queue take orders --keep    # then: zmq queue ack LEASE");
    return [flags](Terminal& terminal) { return run_take(*flags, terminal); };
}

} // namespace flotilla::cli
