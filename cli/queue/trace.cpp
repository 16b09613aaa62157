// SPDX-License-Identifier: Apache-2.0
// `zmq queue trace`: where messages of a queue spent their time; takes them.
#include <flotilla/net/system.hpp>

#include <cli/queue/printed_acks.hpp>
#include <cli/queue/store_link.hpp>
#include <cli/queue/take_session.hpp>
#include <cli/queue/verbs.hpp>
#include <cli/signals.hpp>
#include <cli/trace/teller.hpp>

#include <algorithm>
#include <memory>

namespace flotilla::cli {

namespace {

constexpr std::uint32_t trace_window_max = 1'000;
constexpr Duration moment = 50ms; // a store may need it for a message that is there

struct QueueTraceFlags {
    std::string queue;
    std::uint64_t count = 1;
    bool all = false;
    Duration wait{0};
    StoreFlags store;
    trace::TellFlags tell;
};

Result<ExitCode> run_queue_trace(const QueueTraceFlags& flags, Terminal& terminal) {
    if (Status right = check_queue(flags.queue); !right)
        return fail(right.error());
    auto link = StoreLink::open(flags.store, told_to(terminal));
    if (!link)
        return fail(link.error());
    const std::uint64_t wanted = flags.all ? UINT64_MAX : flags.count;
    auto session = TakeSession::open(*link, flags.queue, {wanted, trace_window_max});
    if (!session)
        return fail(session.error());
    trace::Teller teller(flags.tell);
    PrintedAcks acks(teller.out());
    std::uint64_t taken = 0;
    while (taken < wanted && !teller.out().closed()) {
        auto message = session->next(Duration::zero());
        if (message && !*message) { // nothing is at hand: show what was
            if (Status flushed = teller.flush(); !flushed)
                return fail(flushed.error());
            acks.acknowledge(*session);
            if (teller.out().closed())
                break;
            message = session->next(std::max(flags.wait, moment));
        }
        if (!message && message.error().code == Errc::stopped)
            break; // by a signal
        if (!message)
            return fail(message.error());
        if (!*message)
            break;
        if (Status told = teller.tell((*message)->body, net::wall_now()); !told)
            return fail(told.error());
        acks.printed(**message);
        ++taken;
    }
    auto finished =
        teller.finish(taken < wanted && !flags.all ? ExitCode::nothing : ExitCode::ok, terminal);
    acks.acknowledge(*session);
    const Status closed = session->close();
    if (!finished)
        return finished;
    if (!closed)
        return fail(closed.error());
    return acks.ended(*finished, terminal);
}

} // namespace

Run declare_queue_trace(Parser& parser) {
    const auto flags = std::make_shared<QueueTraceFlags>();
    parser.add_option("QUEUE", flags->queue, "From where").required();
    const char* group = "Messages";
    add_count(parser, "-n,--count", flags->count, {1}, "Take so many [1]; fewer is exit 3")
        .group(group);
    parser.add_flag("-a,--all", flags->all, "Take all that are there").group(group);
    add_duration(parser, "-w,--wait", flags->wait, "Longest wait for the next message [0s]")
        .group(group);
    trace::add_telling(parser, flags->tell);
    add_store(parser, flags->store);
    parser.set_footer(
        "The messages are taken and acknowledged, as by zmq queue take. See zmq trace.\n\n"
        "Examples:\n"
        "  zmq queue put orders --trace 'one order' --store tcp://127.0.0.1:5560\n"
        "  zmq queue trace orders --store tcp://127.0.0.1:5560");
    return [flags](Terminal& terminal) { return run_queue_trace(*flags, terminal); };
}

} // namespace flotilla::cli
