// SPDX-License-Identifier: Apache-2.0
// `zmq monitor`: what happens to the connections of a socket, one line an event.
#include <flotilla/base/units.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/poller.hpp>
#include <flotilla/net/system.hpp>

#include <cli/commands.hpp>
#include <cli/json_lines.hpp>
#include <cli/options.hpp>
#include <cli/output.hpp>
#include <cli/signals.hpp>
#include <nlohmann/json.hpp>

#include <memory>

namespace flotilla::cli {
namespace {

struct MonitorFlags {
    const Parser* parser = nullptr;
    std::string type;
    std::vector<std::string> words;
    std::optional<std::uint64_t> count;
    std::optional<Duration> timeout;
    bool json = false;
    SocketFlags socket;
};

std::string line_of(const net::ConnectionEvent& event, net::Attach side,
                    const MonitorFlags& flags) {
    const std::string time = format_iso_time(net::wall_now());
    if (!flags.json) {
        std::string text = time + "  " + std::string(net::name(event.kind)) + "  " +
                           (event.endpoint.empty() ? "-" : event.endpoint) + "  ";
        return text + net::explain(event, side) + "\n";
    }
    const nlohmann::ordered_json json{{"ts", time},
                                      {"event", net::name(event.kind)},
                                      {"endpoint", event.endpoint},
                                      {"value", event.value},
                                      {"text", net::explain(event, side)}};
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

// The socket is watched and never read: what peers send fills its queue and stays there.
class Watch {
public:
    Watch(const MonitorFlags& flags, Terminal& terminal) : flags_(flags), terminal_(terminal) {}

    Result<ExitCode> run() {
        auto targets = make_targets(*flags_.parser, flags_.words, Words::endpoints_only);
        if (!targets)
            return fail(targets.error());
        if (Status opened = open(*targets); !opened)
            return fail(opened.error());
        Status ended = loop();
        if (!ended && ended.error().code == Errc::timeout) {
            if (seen_ == 0)
                terminal_.error("nothing happened within " + format_duration(*flags_.timeout));
            return out_.finish({}, seen_ == 0 ? ExitCode::nothing : ExitCode::ok);
        }
        return out_.finish(std::move(ended));
    }

private:
    Status open(const Targets& targets) {
        auto options = make_socket_options(flags_.socket);
        if (!options)
            return fail(options.error());
        auto context = net::Context::open();
        if (!context)
            return fail(context.error());
        context_.emplace(std::move(*context));
        auto socket = net::Socket::open(*context_, *net::socket_type_named(flags_.type), *options);
        if (!socket)
            return fail(socket.error());
        socket_.emplace(std::move(*socket));
        if (Status set = set_options(*socket_, flags_.socket); !set)
            return set;
        auto monitor = net::Monitor::open(*socket_);
        if (!monitor)
            return fail(monitor.error());
        monitor_.emplace(std::move(*monitor));
        for (const net::Attachment& each : targets.attachments) {
            if (auto at = socket_->attach(each); !at)
                return fail(at.error());
            side_ = each.how == net::Attach::connect ? each.how : side_;
        }
        poller_.on_readable(monitor_->socket(), [] {});
        if (signal_descriptor() >= 0)
            poller_.on_readable(signal_descriptor(), [] {});
        return {};
    }

    Status loop() {
        const Instant end = deadline_after(net::now(), flags_.timeout.value_or(no_limit));
        while (signal_caught() == 0 && !out_.closed()) {
            while (const auto event = monitor_->next()) {
                if (Status written = out_.write(line_of(*event, side_, flags_)); !written)
                    return written;
                if (++seen_ == flags_.count)
                    return {};
            }
            if (Status flushed = out_.flush(); !flushed)
                return flushed;
            // A bound socket that nobody reads takes in its peers only when it is looked at.
            (void)socket_->readable();
            const Duration left = time_left(net::now(), end);
            if (left == Duration::zero())
                return fail(Errc::timeout);
            if (Status turned = poller_.turn(left); !turned)
                return turned;
        }
        return {};
    }

    const MonitorFlags& flags_;
    Terminal& terminal_;
    Output out_;
    std::optional<net::Context> context_;
    std::optional<net::Socket> socket_;
    std::optional<net::Monitor> monitor_;
    net::Poller poller_;
    std::uint64_t seen_ = 0;
    net::Attach side_ = net::Attach::bind; // unless it connects somewhere
};

} // namespace

Run declare_monitor(Parser& parser) {
    auto flags = std::make_shared<MonitorFlags>();
    flags->parser = &parser;
    add_choice(
        parser, "TYPE", flags->type,
        {"pub", "sub", "push", "pull", "req", "rep", "dealer", "router", "xpub", "xsub", "pair"},
        "The socket to open: pub, sub, push, pull, req, rep, dealer, router, xpub, xsub or pair")
        .required();
    add_targets(parser, flags->words, Words::endpoints_only);
    add_count(parser, "-n,--count", flags->count, {1}, "End after this many events");
    add_duration(parser, "-t,--timeout", flags->timeout,
                 "End after so long; exit 3 if nothing happened");
    parser.add_flag("--json", flags->json, "One JSON object an event");
    add_socket(parser, flags->socket);
    parser.set_footer(
        "Shows connections, handshakes and their failures, each with what it means. The\n"
        "socket is real: a pull or dealer takes messages from others, which are lost.\n\n"
        "Examples:\n"
        "  zmq monitor sub tcp://127.0.0.1:5555\n"
        "  zmq monitor router @tcp://127.0.0.1:5555 --json | jq -r .text");
    return [flags](Terminal& terminal) { return Watch(*flags, terminal).run(); };
}

} // namespace flotilla::cli
