// SPDX-License-Identifier: Apache-2.0
// `zmq bench`: rate, latency, loss and duplicates of a pattern, in this process or between two.
#include <flotilla/base/units.hpp>
#include <flotilla/net/context.hpp>

#include <cli/bench/queue_load.hpp>
#include <cli/bench/report.hpp>
#include <cli/commands.hpp>
#include <cli/options.hpp>
#include <cli/output.hpp>
#include <cli/signals.hpp>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <thread>

namespace flotilla::cli {
namespace {

using bench::Pattern;

struct BenchFlags {
    std::string pattern;
    std::string over = "tcp";
    std::string send; // endpoints, when the other side is another process
    std::string receive;
    std::uint64_t message_bytes = 100;
    std::uint64_t count = 1'000'000;
    std::optional<std::uint64_t> warm_up;
    std::uint64_t rate = 0;
    Duration timeout = 10s;
    bool batch = false;
    bool lossy = false;
    bool json = false;
    std::vector<std::string> stores; // queue
    std::uint64_t producers = 1;
    std::uint64_t window = 1'000;
    std::string durability = "fsync";
    SocketFlags socket;
};

Result<ExitCode> bench_queue(const BenchFlags& flags) {
    if (flags.message_bytes < bench::stamp_bytes)
        return fail(Errc::bad_option, "--size: at least 16B");
    bench::QueueLoad load;
    load.store.stores = flags.stores;
    load.store.timeout = flags.timeout;
    load.store.message_bytes_max = flags.socket.message_bytes_max;
    load.store.security = flags.socket.security;
    load.message_bytes = flags.message_bytes;
    load.count = flags.count;
    load.producers = static_cast<std::uint32_t>(std::min(flags.producers, flags.count));
    load.window = static_cast<std::uint32_t>(flags.window);
    load.durability = flags.durability;
    load.json = flags.json;
    return bench::run_queue_load(load);
}

Result<net::Attachment> attachment_of(const std::string& text) {
    return net::parse_attachment(text, net::AttachRule::bind_if_wildcard);
}

Result<net::Attachment> local_attachment(const std::string& over) {
    if (over == "tcp")
        return attachment_of("@tcp://127.0.0.1:*");
    if (over == "ipc")
        return attachment_of("@ipc://@flotilla-bench-" + std::to_string(::getpid()));
    return attachment_of("@inproc://flotilla.bench");
}

class Bench {
public:
    explicit Bench(const BenchFlags& flags) : flags_(flags), tally_(flags.count) {}

    Result<ExitCode> run() {
        if (Status made = make_load(); !made)
            return fail(made.error());
        Status ran;
        if (!flags_.send.empty())
            ran = run_sender();
        else if (!flags_.receive.empty())
            ran = run_receiver();
        else
            ran = run_both();
        if (!ran)
            return fail(ran.error());
        return report();
    }

private:
    bool requests() const { return pattern_ == Pattern::request; }

    Status make_load() {
        if (!flags_.send.empty() && !flags_.receive.empty())
            return fail(Errc::bad_option, "--send and --receive are the two sides of one "
                                          "benchmark; without either both run here");
        pattern_ = flags_.pattern == "pubsub"    ? Pattern::pubsub
                   : flags_.pattern == "request" ? Pattern::request
                                                 : Pattern::pipeline;
        if (flags_.batch && pattern_ != Pattern::pipeline)
            return fail(Errc::bad_option, "--batch belongs to bench pipeline");
        if (flags_.lossy && pattern_ != Pattern::pubsub)
            return fail(Errc::bad_option, "--lossy belongs to bench pubsub");
        load_.message_bytes = flags_.message_bytes;
        load_.count = flags_.count;
        load_.warm_up = flags_.warm_up.value_or(std::min<std::uint64_t>(flags_.count / 10, 10'000));
        load_.rate = static_cast<double>(flags_.rate);
        load_.timeout = flags_.timeout;
        if (load_.message_bytes < bench::stamp_bytes ||
            load_.message_bytes > flags_.socket.message_bytes_max)
            return fail(Errc::bad_option, "--size: 16B (what each message carries for the "
                                          "measurement) to --max-size");
        return {};
    }

    Result<bench::EndOptions> end_options(const net::Attachment& attachment) const {
        auto socket = make_socket_options(flags_.socket);
        if (!socket)
            return fail(socket.error());
        return bench::EndOptions{pattern_, flags_.batch, flags_.lossy, *socket, attachment};
    }

    Status send_to(net::Context& context, const net::Attachment& attachment) {
        auto options = end_options(attachment);
        if (!options)
            return fail(options.error());
        auto end = bench::open_send_end(context, *options);
        if (!end)
            return fail(end.error());
        sent_ = bench::send_load(**end, load_, stop_, requests() ? &tally_ : nullptr);
        return {};
    }

    Status run_sender() {
        auto attachment = attachment_of(flags_.send);
        if (!attachment)
            return fail(attachment.error());
        over_ = flags_.send;
        auto context = net::Context::open();
        if (!context)
            return fail(context.error());
        return send_to(*context, *attachment);
    }

    Result<std::unique_ptr<bench::ReceiveEnd>> open_receiver(net::Context& context,
                                                             const net::Attachment& attachment) {
        auto options = end_options(attachment);
        if (!options)
            return fail(options.error());
        auto end = bench::open_receive_end(context, *options);
        if (!end)
            return fail(end.error());
        over_ = (*end)->endpoint().text();
        return end;
    }

    Status run_receiver() {
        auto attachment = attachment_of(flags_.receive);
        if (!attachment)
            return fail(attachment.error());
        auto context = net::Context::open();
        if (!context)
            return fail(context.error());
        auto end = open_receiver(*context, *attachment);
        if (!end)
            return fail(end.error());
        received_here_ = true;
        return bench::receive_load(**end, load_, stop_, tally_);
    }

    // Each side has its own I/O thread, as two processes have; inproc needs one context.
    Status run_both() {
        auto attachment = local_attachment(flags_.over);
        if (!attachment)
            return fail(attachment.error());
        auto context = net::Context::open();
        auto other = net::Context::open();
        if (!context || !other)
            return fail(context ? other.error() : context.error());
        auto end = open_receiver(*context, *attachment);
        if (!end)
            return fail(end.error());
        const net::Attachment to{(*end)->endpoint(), net::Attach::connect};
        net::Context& senders = flags_.over == "inproc" ? *context : *other;
        Status sent;
        std::atomic<bool> sender_ended{false};
        std::thread sender([&] {
            sent = send_to(senders, to);
            sender_ended = true;
        });
        received_here_ = true;
        // A request is counted when its reply is back, so its echo counts for nothing.
        bench::Tally echoed(requests() ? load_.count + 1 : 0);
        const Status received =
            bench::receive_load(**end, receiver_load(), sender_ended, requests() ? echoed : tally_);
        if (!received)
            stop_ = true;
        sender.join();
        return sent ? received : sent;
    }

    // The echo of requests goes on until the client has ended.
    bench::Load receiver_load() const {
        bench::Load load = load_;
        if (requests()) {
            load.timeout = 24h;
            load.settle = Duration::zero();
        }
        return load;
    }

    Result<ExitCode> report() {
        const bool measured_here = received_here_ || requests();
        if (sent_ && !sent_->status && sent_->sent == 0)
            return fail(sent_->status.error());
        bench::Measured measured{flags_.pattern, over_, load_, sent_, nullptr};
        if (measured_here)
            measured.received = &tally_;
        Output out;
        ExitCode code = ExitCode::ok;
        if (measured_here && tally_.received() == 0)
            code = ExitCode::nothing;
        if (sent_ && !sent_->status)
            code = ExitCode::not_flushed;
        return out.finish(
            out.write(flags_.json ? bench::json_report(measured) : bench::text_report(measured)),
            code);
    }

    const BenchFlags& flags_;
    Pattern pattern_ = Pattern::pipeline;
    bench::Load load_;
    bench::Tally tally_;
    std::optional<bench::SendOutcome> sent_;
    std::atomic<bool> stop_{false};
    std::string over_;
    bool received_here_ = false;
};

} // namespace

Run declare_bench(Parser& parser) {
    auto flags = std::make_shared<BenchFlags>();
    add_choice(parser, "PATTERN", flags->pattern, {"pipeline", "pubsub", "request", "queue"},
               "pipeline (push to pull), pubsub (pub to sub), request (req to rep and back) or "
               "queue (into a store's queue and out)")
        .required();
    add_bytes(parser, "--size", flags->message_bytes, "Size of each message [100B]; at least 16B");
    add_count(parser, "-n,--count", flags->count, {1, 100'000'000}, "Messages measured [1000000]");
    add_count(parser, "--warm-up", flags->warm_up, {0, 100'000'000},
              "Messages before them [a tenth, at most 10000]");
    add_count(parser, "--rate", flags->rate, {1, 100'000'000},
              "Send so many a second, and measure latency from the intended send time");
    parser.add_flag("--batch", flags->batch, "pipeline: many messages a frame");
    parser.add_flag("--lossy", flags->lossy,
                    "pubsub: let a full subscriber lose messages instead of waiting for it");
    add_list(
        parser, "--store", flags->stores, "ENDPOINT",
        "queue: the store to measure, in a queue made for it [FLOTILLA_STORE in the environment]")
        .variable("FLOTILLA_STORE")
        .group("Queue");
    add_count(parser, "--producers", flags->producers, {1, 64}, "queue: that put at once [1]")
        .group("Queue");
    add_count(parser, "--window", flags->window, {1, 1'000'000},
              "queue: unconfirmed messages of each producer [1000]")
        .group("Queue");
    add_choice(parser, "--durability", flags->durability, {"fsync", "relaxed", "memory"},
               "queue: what a confirm means [fsync]")
        .group("Queue");
    add_duration(parser, "-t,--timeout", flags->timeout,
                 "Longest wait for the other side, for room, and for the next message [10s]");
    parser.add_flag("--json", flags->json, "One JSON object");
    add_choice(parser, "--over", flags->over, {"tcp", "ipc", "inproc"},
               "Both sides here: over which transport [tcp]")
        .group("Connection");
    parser.add_option("--send", flags->send, "Be the sending side only; same -n on both")
        .type_name("ENDPOINT")
        .group("Connection");
    parser.add_option("--receive", flags->receive, "Be the receiving side only")
        .type_name("ENDPOINT")
        .group("Connection");
    add_socket(parser, flags->socket);
    parser.set_footer(
        "Loss, duplicates and order are counted message by message. One-way latencies\n"
        "between two machines would compare two clocks: there, use request.\n\n"
        "Examples:\n"
        "  zmq bench pipeline --size 100B -n 1000000\n"
        "  zmq bench pipeline --batch\n"
        "  zmq bench request --rate 1000 -n 10000 --json\n"
        "  zmq bench queue --producers 4 --store tcp://127.0.0.1:5560\n"
        "  zmq bench pubsub --receive tcp://*:5555 --allow-plaintext\n"
        "  zmq bench pubsub --send tcp://host:5555 --allow-plaintext");
    return [flags](Terminal&) {
        return flags->pattern == "queue" ? bench_queue(*flags) : Bench(*flags).run();
    };
}

} // namespace flotilla::cli
