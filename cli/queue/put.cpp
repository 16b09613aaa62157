// SPDX-License-Identifier: Apache-2.0
// `zmq queue put`: messages out of arguments, a file or standard input into a queue.
#include <flotilla/base/units.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/poller.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/queue/producer.hpp>

#include <cli/hints.hpp>
#include <cli/queue/put_flags.hpp>
#include <cli/queue/store_link.hpp>
#include <cli/queue/verbs.hpp>
#include <cli/refused_key.hpp>
#include <cli/signals.hpp>
#include <cli/words.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace flotilla::cli {

namespace {

constexpr int read_batch_max = 1024; // messages read before the loop looks around again
constexpr std::uint64_t refusals_shown_max = 5;

class PutRun {
public:
    PutRun(const PutFlags& flags, Terminal& terminal)
        : flags_(flags), terminal_(terminal), refused_key_(flags.store.stores.size()) {}

    Status prepare();
    Result<ExitCode> run();

private:
    Status put_some();
    Result<std::optional<wire::Frames>> next_message();
    void note(const queue::Confirm& confirm);
    void hear(const net::ConnectionEvent& event);
    void tell_left(std::uint64_t left);
    void show_progress();
    void tell_connection();
    Status loop();
    Result<ExitCode> tell_end();

    const PutFlags& flags_;
    Terminal& terminal_;
    std::optional<Input> input_;
    std::optional<net::Context> context_;
    std::optional<queue::Producer> producer_;
    net::Poller poller_;
    std::optional<wire::Frames> pending_; // read, and not yet in the outbox
    std::uint64_t put_ = 0;
    std::uint64_t stored_ = 0;
    std::uint64_t duplicates_ = 0;
    std::uint64_t refused_ = 0;
    std::uint64_t shown_ = 0;  // refusals
    std::string connection_{}; // as last told
    Instant progress_at_{};    // when something was last confirmed
    ConnectionHint hint_{};
    RefusedKey refused_key_;
    Status input_ended_{}; // else by what is wrong with the message behind those that were put
    bool no_more_ = false;
    bool needs_input_ = false;
    InputWatch input_watch_{};
};

Status PutRun::prepare() {
    auto input = bodies_of(flags_);
    if (!input)
        return fail(input.error());
    input_.emplace(std::move(*input));
    auto plan = make_store_plan(flags_.store);
    if (!plan)
        return fail(plan.error());
    queue::ProducerOptions producer;
    producer.stores = std::move(plan->stores);
    producer.security = std::move(plan->security);
    producer.outbox_directory = flags_.outbox;
    producer.linger = Duration::zero(); // what is not confirmed is told, or waits in the outbox
    producer.on_connection = [this](const net::ConnectionEvent& event) { hear(event); };
    auto context = net::Context::open();
    if (!context)
        return fail(context.error());
    context_.emplace(std::move(*context));
    auto opened = queue::Producer::open(*context_, std::move(producer));
    if (!opened)
        return fail(opened.error());
    producer_.emplace(std::move(*opened));
    if (const std::string cut = producer_->outbox_cut(); !cut.empty())
        terminal_.error("the outbox " + cut);
    producer_->on_confirm = [this](const queue::Confirm& confirm) { note(confirm); };
    return {};
}

void PutRun::note(const queue::Confirm& confirm) {
    using Outcome = queue::Confirm::Outcome;
    progress_at_ = net::now();
    stored_ += confirm.outcome == Outcome::stored ? 1 : 0;
    duplicates_ += confirm.outcome == Outcome::duplicate ? 1 : 0;
    if (confirm.outcome == Outcome::duplicate && !flags_.id.empty())
        tell_repeat(flags_, confirm.id, terminal_);
    if (confirm.outcome != Outcome::refused)
        return;
    ++refused_;
    if (shown_++ < refusals_shown_max)
        terminal_.error("message " + std::to_string(confirm.ticket) + ": " + confirm.error.detail);
}

void PutRun::hear(const net::ConnectionEvent& event) {
    hint_.hear(event);
    refused_key_.hear(event, net::now());
}

// Nothing: there is none now. What is wrong with one ends the input; those before it are put.
Result<std::optional<wire::Frames>> PutRun::next_message() {
    auto next = input_->next(net::wall_now());
    if (next && *next && put_ == 1 && !flags_.id.empty())
        return fail(Errc::bad_option, "--id names one message, and the input has more: they would "
                                      "be dropped as its repeats");
    return next;
}

Status PutRun::put_some() {
    needs_input_ = false;
    for (int i = 0; i < read_batch_max; ++i) {
        if (flags_.count && put_ == *flags_.count)
            no_more_ = true;
        if (no_more_)
            return {};
        if (!pending_) {
            auto next = next_message();
            if (!next)
                return fail(next.error());
            pending_ = std::move(*next);
        }
        if (!pending_) {
            no_more_ = input_->ended();
            needs_input_ = !no_more_;
            return {};
        }
        const auto options = put_options(flags_, *input_);
        if (!options)
            return fail(options.error());
        auto ticket = producer_->put(flags_.queue, *pending_, *options);
        if (!ticket && ticket.error().code == Errc::would_block)
            return {}; // the outbox is full: what is confirmed makes room
        if (!ticket)
            return fail(ticket.error());
        pending_.reset();
        ++put_;
    }
    return {};
}

void PutRun::show_progress() {
    if (!terminal_.shows_progress())
        return;
    const std::string state = producer_->state_text();
    terminal_.progress(net::now(), std::to_string(stored_ + duplicates_) + " stored, " +
                                       std::to_string(producer_->unconfirmed()) + " under way" +
                                       (state.empty() ? "" : "; " + state));
}

void PutRun::tell_connection() {
    const std::string state = producer_->is_connected() && producer_->state_text().empty()
                                  ? "connected, and the store answers"
                                  : producer_->state_text();
    if (state != connection_)
        terminal_.detail(connection_ = state);
}

Status PutRun::loop() {
    poller_.on_readable(producer_->fd(), [] {});
    poller_.on_readable(signal_descriptor(), [] {});
    progress_at_ = net::now();
    while (signal_caught() == 0) {
        const std::uint64_t put_before = put_;
        if (input_ended_)
            input_ended_ = put_some();
        if (!input_ended_) { // what was put before is confirmed all the same
            no_more_ = true;
            pending_.reset();
        }
        if (Status served = producer_->process(Duration::zero()); !served)
            return served;
        show_progress();
        tell_connection();
        const std::uint64_t left = producer_->unconfirmed();
        if ((no_more_ && !pending_ && left == 0) || producer_->has_only_strangers() ||
            refused_key_.is_everywhere(net::now()))
            return {};
        // Only a store can keep us waiting for longer than the timeout, not our input.
        if (left == 0)
            progress_at_ = net::now();
        const Duration patience =
            time_left(net::now(), deadline_after(progress_at_, flags_.store.timeout));
        if (patience == Duration::zero())
            return {};
        const bool more = producer_->has_input() || put_ != put_before;
        input_watch_.set(poller_, *input_, needs_input_);
        const Duration wait = std::min(producer_->wait_max(), patience);
        if (Status turned = poller_.turn(more ? Duration::zero() : wait); !turned)
            return turned;
    }
    return {};
}

Result<ExitCode> PutRun::tell_end() {
    const std::uint64_t left = producer_->unconfirmed() + (pending_ ? 1 : 0);
    terminal_.detail(std::to_string(stored_) + " stored, " + std::to_string(duplicates_) +
                     " were there already, " + std::to_string(refused_) + " refused");
    if (refused_ > refusals_shown_max)
        terminal_.error(counted_were(refused_, "message") + " refused in all");
    if (left > 0)
        tell_left(left);
    if (!input_ended_)
        return fail(input_ended_.error().code,
                    "message " + std::to_string(put_ + 1) + ": " + input_ended_.error().detail +
                        "; of the " + std::to_string(put_) + " before it " +
                        std::to_string(stored_ + duplicates_) +
                        " are stored, and it and what follows were not put");
    if (producer_->has_only_strangers() || refused_key_.is_everywhere(net::now()))
        return ExitCode::refused;
    if (left == 0 && refused_ == 0 && duplicates_ == 0 && !flags_.id.empty())
        tell_without_window(flags_, terminal_);
    return left > 0 ? ExitCode::not_flushed : refused_ > 0 ? ExitCode::refused : ExitCode::ok;
}

// What is not confirmed, why, and how much of the input was not even read.
void PutRun::tell_left(std::uint64_t left) {
    std::string why;
    if (refused_key_.is_everywhere(net::now()))
        why = refused_key_.text();
    else if (producer_->is_connected() || producer_->has_only_strangers())
        why = producer_->state_text();
    else if (hint_.text().empty())
        why = draining_text(flags_);
    if (why.empty() && !producer_->is_connected())
        why = no_answer(flags_.store, hint_);
    terminal_.error(counted_are(left, "message") + " not confirmed" +
                    (why.empty() ? "" : ": " + why) +
                    (flags_.outbox.empty() ? "" : "; what was read waits in " + flags_.outbox));
    if (!no_more_)
        terminal_.error("the input was read as far as message " +
                        std::to_string(put_ + (pending_ ? 1 : 0)) + "; what follows was not put");
}

Result<ExitCode> PutRun::run() {
    if (Status ended = loop(); !ended)
        return fail(ended.error());
    return tell_end();
}

// Not confirmed as asked: 5, whatever was waited for.
Result<ExitCode> ended_put(Result<ExitCode> ended, Terminal& terminal) {
    if (ended || (ended.error().code != Errc::timeout && ended.error().code != Errc::no_peer))
        return ended;
    terminal.error(ended.error().detail);
    return ExitCode::not_flushed;
}

Result<ExitCode> run_put(const PutFlags& flags, Terminal& terminal) {
    if (Status right = check_put(flags); !right)
        return fail(right.error());
    if (flags.acked)
        return ended_put(put_acked(flags, terminal), terminal);
    PutRun run(flags, terminal);
    if (Status prepared = run.prepare(); !prepared)
        return fail(prepared.error());
    return run.run();
}

} // namespace

Run declare_queue_put(Parser& parser) {
    const auto flags = std::make_shared<PutFlags>();
    parser.add_option("QUEUE", flags->queue, "Where to").required();
    parser.add_option("BODY", flags->bodies,
                      "Messages, each of one frame; {{count}} {{rand MIN MAX}} {{time}} {{id}} are "
                      "replaced; - reads standard input");
    const char* group = "Message";
    add_count(parser, "-n,--count", flags->count, {1},
              "End after this many messages; arguments are repeated up to it")
        .group(group);
    parser.add_option("-k,--key", flags->key, "With order=key, messages of one key stay in order")
        .type_name("TEXT")
        .group(group);
    add_count(parser, "-p,--priority", flags->priority, {0, 7},
              "0, delivered first, to the queue's priority_levels - 1 [0]")
        .group(group);
    add_duration(parser, "--delay", flags->delay, "Not delivered before this is over [0s]")
        .group(group);
    add_duration(parser, "--ttl", flags->ttl, "Not delivered after this is over [the queue's]")
        .group(group);
    parser
        .add_option("--id", flags->id,
                    "Of this one message, for the queue's duplicate window: another with it is not "
                    "stored")
        .type_name("TEXT")
        .group(group);
    parser
        .add_flag("--wait-acked", flags->acked,
                  "One after the other, each until a consumer has acknowledged it")
        .group(group);
    parser
        .add_option("--outbox", flags->outbox,
                    "Keep what is not confirmed in this directory; the next run with it sends it")
        .type_name("DIR")
        .group(group);
    add_store(parser, flags->store, StoreUse::stores);
    add_input(parser, flags->input);
    parser.set_footer(
        "Each argument, or each line of standard input, is a message. Exit 0: all are "
        "stored; 4: some were\nrefused, which is told, or it is no store that is there; 5: some "
        "are not confirmed, also\nwhen no store answers. With --json, what take, peek and export "
        "print is put with its key,"
        "\npriority and times; a flag goes before. A record that cannot be read ends the run: what "
        "was "
        "put\nbefore it is confirmed, and counted.\n\n"
        "Examples:\n"
        "  zmq queue put orders 'one order' --store tcp://127.0.0.1:5560\n"
        "  seq 1000000 | zmq queue put orders\n"
        "  zmq queue put mail --delay 1h --len-prefix u32 -f mails.bin\n"
        "  zmq queue put orders -n 100 'order {{count}} {{rand 1 6}}'");
    return [flags](Terminal& terminal) { return run_put(*flags, terminal); };
}

} // namespace flotilla::cli
