// SPDX-License-Identifier: Apache-2.0
// `zmq queue ack`, `nack`, `touch`: what becomes of messages that were taken with --keep.
#include <cli/output.hpp>
#include <cli/queue/store_link.hpp>
#include <cli/queue/verbs.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace flotilla::cli {

namespace leased = queue::leased;

namespace {

struct SettleFlags {
    std::vector<std::string> words; // leases
    Duration delay{0};
    std::string reason;
    StoreFlags store;
};

// What was given to one holder: "EPOCH-NUMBER@NAME", as take --keep prints it.
struct Kept {
    leased::Leases leases{};
    std::string name{};
};

Result<Kept> kept_of(const SettleFlags& flags) {
    Kept kept;
    for (const std::string& word : flags.words) {
        const std::size_t at = std::min(word.find('@'), word.size());
        const auto token = leased::parse_token(word.substr(0, at));
        if (!token)
            return fail(Errc::bad_option,
                        "'" + word + "' is no lease; zmq queue take --keep prints them");
        const std::string name = word.substr(std::min(at + 1, word.size()));
        if (!kept.leases.ranges.empty() && (kept.leases.epoch != token->epoch || kept.name != name))
            return fail(Errc::bad_option, "leases of several runs of take: answer them run by run");
        kept.name = name;
        kept.leases.epoch = token->epoch;
        kept.leases.add(token->number);
    }
    return kept;
}

Result<ExitCode> run_settle(const SettleFlags& flags, const std::string& name,
                            leased::Command command, Terminal& terminal) {
    auto link = StoreLink::open(flags.store, told_to(terminal), name);
    if (!link)
        return fail(link.error());
    auto ok = link->ask_for<leased::Ok>(std::move(command), queue::Asked::leased);
    if (!ok)
        return fail(ok.error());
    if (ok->late > 0)
        terminal.note(std::to_string(ok->late) + " of " + std::to_string(ok->done) +
                      " came after the lease was over, or from before the store's start, and "
                      "counted all the same");
    return ExitCode::ok;
}

void add_settle(Parser& parser, SettleFlags& flags) {
    parser.add_option("LEASE", flags.words, "Leases, as zmq queue take --keep printed them")
        .required();
    add_store(parser, flags.store);
}

} // namespace

Run declare_queue_ack(Parser& parser) {
    const auto flags = std::make_shared<SettleFlags>();
    add_settle(parser, *flags);
    parser.set_footer(
        "Exit 4: the lease is not held any more, and the message is somebody else's.\n\n"
        "Example:\n  zmq queue ack 5c9e0000000000a1-17@zmq-0f.. --store tcp://127.0.0.1:5560");
    return [flags](Terminal& terminal) -> Result<ExitCode> {
        auto kept = kept_of(*flags);
        if (!kept)
            return fail(kept.error());
        return run_settle(*flags, kept->name, leased::Ack{std::move(kept->leases)}, terminal);
    };
}

Run declare_queue_nack(Parser& parser) {
    const auto flags = std::make_shared<SettleFlags>();
    add_settle(parser, *flags);
    add_duration(parser, "--delay", flags->delay,
                 "Not delivered again before this is over [the queue's]");
    parser.add_option("--reason", flags->reason, "Why; a dead letter shows it").type_name("TEXT");
    parser.set_footer(
        "Example:\n"
        "  zmq queue nack 5c9e0000000000a1-17@zmq-0f.. --delay 1m --reason 'no such customer'");
    return [flags](Terminal& terminal) -> Result<ExitCode> {
        auto kept = kept_of(*flags);
        if (!kept)
            return fail(kept.error());
        if (flags->reason.size() > leased::limits::name_bytes_max ||
            flags->reason.find('\n') != std::string::npos)
            return fail(Errc::bad_option, "--reason: one line of at most 255 bytes");
        return run_settle(*flags, kept->name,
                          leased::Nack{std::move(kept->leases), flags->delay, flags->reason},
                          terminal);
    };
}

Run declare_queue_touch(Parser& parser) {
    const auto flags = std::make_shared<SettleFlags>();
    add_settle(parser, *flags);
    parser.set_footer(
        "Example:\n  zmq queue touch 5c9e0000000000a1-17@zmq-0f.. --store tcp://127.0.0.1:5560");
    return [flags](Terminal& terminal) -> Result<ExitCode> {
        auto kept = kept_of(*flags);
        if (!kept)
            return fail(kept.error());
        return run_settle(*flags, kept->name, leased::Touch{std::move(kept->leases)}, terminal);
    };
}

} // namespace flotilla::cli
