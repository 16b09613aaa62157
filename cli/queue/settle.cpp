// SPDX-License-Identifier: Apache-2.0
// `zmq queue ack`, `nack`, `touch`: what becomes of messages that were taken with --keep.
#include <CLI/CLI.hpp>
#include <cli/output.hpp>
#include <cli/queue/store_link.hpp>
#include <cli/queue/verbs.hpp>

#include <memory>
#include <utility>

namespace flotilla::cli {

namespace leased = queue::leased;

namespace {

struct SettleFlags {
    std::vector<std::string> words; // the queue, if it is named, and leases
    Duration delay{0};
    std::string reason;
    StoreFlags store;
};

// A token names its message in all queues; a queue's name before it is for the reader.
Result<leased::Leases> leases_of(const SettleFlags& flags) {
    leased::Leases leases;
    for (std::size_t i = 0; i < flags.words.size(); ++i) {
        const auto token = leased::parse_token(flags.words[i]);
        if (!token && i == 0 && flags.words.size() > 1)
            continue;
        if (!token)
            return fail(Errc::bad_option,
                        "'" + flags.words[i] + "' is no lease; zmq queue take --keep prints them");
        if (!leases.ranges.empty() && leases.epoch != token->epoch)
            return fail(Errc::bad_option, "leases from before and after a restart of the store: "
                                          "answer them one by one");
        leases.epoch = token->epoch;
        leases.add(token->number);
    }
    return leases;
}

Result<ExitCode> run_settle(const SettleFlags& flags, leased::Command command, Terminal& terminal) {
    auto link = StoreLink::open(flags.store);
    if (!link)
        return fail(link.error());
    auto ok = link->ask_for<leased::Ok>(std::move(command), queue::Asked::leased);
    if (!ok)
        return fail(ok.error());
    if (ok->late > 0)
        terminal.note(std::to_string(ok->late) + " of " + std::to_string(ok->done) +
                      " came after the lease was over, and counted all the same");
    return ExitCode::ok;
}

void add_settle(CLI::App& app, SettleFlags& flags) {
    app.add_option("LEASE", flags.words, "Leases, as zmq queue take --keep printed them")
        ->required();
    add_store(app, flags.store);
}

} // namespace

Run declare_queue_ack(CLI::App& app) {
    const auto flags = std::make_shared<SettleFlags>();
    add_settle(app, *flags);
    app.footer("Exit 4: the lease is not held any more, and the message is somebody else's.\n\n"
               "Example:\n  zmq queue ack 5c9e0000000000a1-17 --store tcp://127.0.0.1:5560");
    return [flags](Terminal& terminal) -> Result<ExitCode> {
        auto leases = leases_of(*flags);
        if (!leases)
            return fail(leases.error());
        return run_settle(*flags, leased::Ack{std::move(*leases)}, terminal);
    };
}

Run declare_queue_nack(CLI::App& app) {
    const auto flags = std::make_shared<SettleFlags>();
    add_settle(app, *flags);
    add_duration(app, "--delay", flags->delay,
                 "Not delivered again before this is over [the queue's]");
    app.add_option("--reason", flags->reason, "Why; a dead letter shows it")->type_name("TEXT");
    app.footer("Example:\n"
               "  zmq queue nack 5c9e0000000000a1-17 --delay 1m --reason 'no such customer'");
    return [flags](Terminal& terminal) -> Result<ExitCode> {
        auto leases = leases_of(*flags);
        if (!leases)
            return fail(leases.error());
        if (flags->reason.size() > leased::limits::name_bytes_max ||
            flags->reason.find('\n') != std::string::npos)
            return fail(Errc::bad_option, "--reason: one line of at most 255 bytes");
        return run_settle(*flags, leased::Nack{std::move(*leases), flags->delay, flags->reason},
                          terminal);
    };
}

Run declare_queue_touch(CLI::App& app) {
    const auto flags = std::make_shared<SettleFlags>();
    add_settle(app, *flags);
    app.footer("Example:\n  zmq queue touch 5c9e0000000000a1-17 --store tcp://127.0.0.1:5560");
    return [flags](Terminal& terminal) -> Result<ExitCode> {
        auto leases = leases_of(*flags);
        if (!leases)
            return fail(leases.error());
        return run_settle(*flags, leased::Touch{std::move(*leases)}, terminal);
    };
}

} // namespace flotilla::cli
