// SPDX-License-Identifier: Apache-2.0
// `zmq proxy`: a relay for the time of one command; flotilla-relay is the daemon.
#include <flotilla/net/poller.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/relay/relay.hpp>

#include <cli/commands.hpp>
#include <cli/options.hpp>
#include <cli/signals.hpp>

#include <algorithm>
#include <memory>

namespace flotilla::cli {

namespace {

struct ProxyFlags {
    std::string kind;
    std::vector<std::string> frontend;
    std::vector<std::string> backend;
    std::vector<std::string> capture;
    std::optional<std::uint64_t> hwm;
    std::string overflow = "lossy";
    bool last_value = false;
    Duration linger = 5s;
    SecurityFlags security;
};

bool binds(const relay::SideOptions& side) {
    return std::any_of(side.attachments.begin(), side.attachments.end(),
                       [](const net::Attachment& each) { return each.how == net::Attach::bind; });
}

// A side that binds is a server of its peers, one that connects is a client: each takes the half of
// the flags that is meant for it.
Result<relay::SideOptions> make_side(const char* name, const std::vector<std::string>& endpoints,
                                     SecurityFlags security) {
    relay::SideOptions side;
    for (const std::string& text : endpoints) {
        auto attachment = net::parse_attachment(text, net::AttachRule::bind);
        if (!attachment)
            return fail(attachment.error().code,
                        std::string(name) + ": " + attachment.error().detail);
        side.attachments.push_back(std::move(*attachment));
    }
    const bool serves = security.allow_any_client_key || !security.allow_client_keys.empty();
    if (binds(side)) {
        security.server_key.clear();
    } else {
        security.allow_client_keys.clear();
        security.allow_any_client_key = false;
        if (security.server_key.empty() && serves)
            security.curve_key.clear(); // it is the other side's
    }
    auto made = make_security(security);
    if (!made)
        return fail(made.error().code, std::string(name) + ": " + made.error().detail);
    side.security = std::move(*made);
    return side;
}

Result<relay::RelayOptions> make_options(const ProxyFlags& flags) {
    relay::RelayOptions options;
    options.name = "proxy";
    options.kind = *relay::kind_named(flags.kind);
    auto frontend = make_side("--frontend", flags.frontend, flags.security);
    if (!frontend)
        return fail(frontend.error());
    auto backend = make_side("--backend", flags.backend, flags.security);
    if (!backend)
        return fail(backend.error());
    options.frontend = std::move(*frontend);
    options.backend = std::move(*backend);
    if (!flags.capture.empty()) {
        auto capture = make_side("--capture", flags.capture, flags.security);
        if (!capture)
            return fail(capture.error());
        options.capture = std::move(*capture);
    }
    if (flags.hwm)
        options.messages_max = static_cast<std::uint32_t>(*flags.hwm);
    auto overflow = relay::parse_overflow(flags.overflow);
    if (!overflow)
        return fail(overflow.error().code, "--overflow: " + overflow.error().detail);
    options.overflow = *overflow;
    if (flags.last_value)
        options.last_value.emplace();
    return options;
}

std::string endpoints_text(const std::vector<net::Endpoint>& endpoints) {
    std::string text;
    for (const net::Endpoint& endpoint : endpoints)
        text += (text.empty() ? "" : ",") + endpoint.text();
    return text;
}

// What happened, without what did not.
std::string figures_text(const relay::Counters& counters) {
    std::string text;
    for (const relay::NamedCount& each : relay::list(counters))
        if (each.value > 0)
            text += (text.empty() ? "" : " ") + each.name + "=" + std::to_string(each.value);
    return text.empty() ? "nothing passed" : text;
}

void say_ready(const relay::Relay& relay, const ProxyFlags& flags, Terminal& terminal) {
    std::string text = flags.kind + " ready: frontend " +
                       endpoints_text(relay.endpoints(relay::Side::frontend)) + ", backend " +
                       endpoints_text(relay.endpoints(relay::Side::backend));
    if (!flags.capture.empty())
        text += ", capture " + endpoints_text(relay.capture_endpoints());
    terminal.note(text);
}

// Until a signal; then what was accepted is passed on, within the linger.
Status serve(relay::Relay& relay, net::Poller& poller, const ProxyFlags& flags,
             Terminal& terminal) {
    bool drained = false;
    bool draining = false;
    poller.on_readable(signal_descriptor(), [] {});
    while (!drained) {
        if (signal_caught() != 0 && !draining) {
            draining = true;
            poller.forget(signal_descriptor());
            relay.drain(flags.linger, [&drained] { drained = true; });
        }
        if (Status turned = poller.turn(terminal.shows_progress() ? Duration{1s} : no_limit);
            !turned)
            return turned;
        if (terminal.shows_progress())
            terminal.progress(net::now(), figures_text(relay.counters()));
    }
    return {};
}

Result<ExitCode> run_proxy(const ProxyFlags& flags, Terminal& terminal) {
    auto options = make_options(flags);
    if (!options)
        return fail(options.error());
    auto context = net::Context::open();
    if (!context)
        return fail(context.error());
    auto relay = relay::Relay::open(*context, std::move(*options));
    if (!relay) {
        Error error = relay.error();
        if (error.code == Errc::insecure)
            error.detail += " (--allow-client-keys for CURVE, --allow-plaintext to go without)";
        return fail(std::move(error));
    }
    net::Poller poller;
    relay->attach(poller);
    say_ready(*relay, flags, terminal);
    Status served = serve(*relay, poller, flags, terminal);
    terminal.note(figures_text(relay->counters()));
    if (!served)
        return fail(served.error());
    return relay->counters().not_drained_total() > 0 ? ExitCode::not_flushed : ExitCode::ok;
}

} // namespace

Run declare_proxy(Parser& parser) {
    const auto flags = std::make_shared<ProxyFlags>();
    add_choice(parser, "KIND", flags->kind, {"forwarder", "queue", "streamer"},
               "forwarder (publishers in front, subscribers behind), queue (requesters, "
               "repliers) or streamer (pushers, pullers)")
        .required();
    add_list(parser, "--frontend", flags->frontend, "ENDPOINT",
             "Where senders meet the proxy; binds, or connects after '>'; may be repeated")
        .required();
    add_list(parser, "--backend", flags->backend, "ENDPOINT",
             "Where receivers meet it; binds, or connects after '>'; may be repeated")
        .required();
    add_list(parser, "--capture", flags->capture, "ENDPOINT",
             "Publish a copy of every message here (zmq tap prints it)");
    add_count(parser, "--hwm", flags->hwm, {1, 1'000'000},
              "Messages queued per peer [131072 of a forwarder, which loses what does not fit; "
              "1000 of the others, which push back]");
    parser
        .add_option("--overflow", flags->overflow,
                    "forwarder, when a subscriber does not keep up: it loses messages (lossy), all "
                    "do (drop), or the proxy waits (block, block:250ms) [lossy]")
        .type_name("POLICY");
    parser.add_flag("--last-value", flags->last_value,
                    "forwarder: late subscribers get the last message of each topic first");
    add_duration(parser, "--linger", flags->linger,
                 "At a signal, longest wait until what was accepted is passed on [5s]");
    add_security(parser, flags->security);
    parser.set_footer(
        "Runs until a signal; says on stderr when it is ready, and at the end what it "
        "passed.\n\n"
        "Examples:\n"
        "  zmq proxy forwarder --frontend tcp://127.0.0.1:5555 --backend "
        "tcp://127.0.0.1:5556\n"
        "  zmq proxy streamer --frontend 'tcp://127.0.0.1:*' --backend ipc:///tmp/jobs\n"
        "  zmq proxy queue --frontend tcp://127.0.0.1:5559 --backend "
        "'>tcp://127.0.0.1:5560'");
    return [flags](Terminal& terminal) { return run_proxy(*flags, terminal); };
}

} // namespace flotilla::cli
