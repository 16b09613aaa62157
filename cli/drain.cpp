// SPDX-License-Identifier: Apache-2.0
// `zmq drain`: ends a daemon as SIGTERM does, and waits until it has gone.
#include <flotilla/base/units.hpp>
#include <flotilla/net/poller.hpp>
#include <flotilla/net/system.hpp>

#include <cli/admin/bounded_json.hpp>
#include <cli/admin/drain_watch.hpp>
#include <cli/admin/flags.hpp>
#include <cli/commands.hpp>
#include <cli/signals.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>

namespace flotilla::cli {

namespace {

constexpr Duration drain_looked_at_every = 200ms;
// Beyond the deadline that the daemon states: it then closes, flushes and exits.
constexpr Duration grace = 5s;

struct DrainFlags {
    AdminFlags admin;
    bool no_wait = false;
};

std::string arguments(const std::string& token) {
    nlohmann::json json = nlohmann::json::object();
    if (!token.empty())
        json["token"] = token;
    return json.dump();
}

Duration deadline_in(const std::string& answer) {
    const auto json = parse_bounded(answer);
    const std::int64_t ms =
        json.is_object() && json.contains("deadline_ms") && json["deadline_ms"].is_number_integer()
            ? json["deadline_ms"].get<std::int64_t>()
            : 0;
    return std::chrono::milliseconds{std::clamp<std::int64_t>(ms, 0, std::int64_t{24} * 3'600'000)};
}

Status turn(AdminLink& link, Duration wait) {
    net::Poller poller;
    poller.on_readable(signal_descriptor(), [] {});
    link.wake(poller);
    if (Status turned = poller.turn(wait); !turned)
        return turned;
    if (signal_caught() != 0)
        return fail(Errc::stopped, "ended by a signal; the daemon goes on draining");
    return {};
}

// What the daemon is, before it is told to go. Errors: timeout, and those of accepted().
Result<DaemonView> look(AdminLinks& links, Duration wait) {
    auto answer = ask_one(links, "status", R"({"rows":0})", wait);
    if (!answer)
        return fail(answer.error());
    return read_status(*answer);
}

Result<ExitCode> wait_until_gone(AdminLink& link, DrainWatch watch, Terminal& terminal) {
    Instant next_look = net::now();
    for (;;) {
        const Instant now = net::now();
        if (!link.is_asking() && now >= next_look) {
            link.ask("status", R"({"rows":0})");
            next_look = now + drain_looked_at_every;
        }
        if (auto answer = link.work())
            if (auto json = accepted(*answer))
                if (auto view = read_status(*json))
                    watch.saw(*view);
        if (!link.is_connected())
            watch.disconnected();
        terminal.progress(now, watch.progress(now));
        switch (watch.end(now)) {
        case DrainWatch::End::none:
            break;
        case DrainWatch::End::gone:
            terminal.note(watch.summary());
            return ExitCode::ok;
        case DrainWatch::End::overdue:
            terminal.note(watch.summary());
            return ExitCode::nothing;
        }
        if (Status turned = turn(link, drain_looked_at_every); !turned)
            return fail(turned.error());
    }
}

Result<ExitCode> run_drain(const DrainFlags& flags, Terminal& terminal) {
    auto session = open_session(flags.admin);
    if (!session)
        return fail(session.error());
    auto before = look(session->links, flags.admin.timeout);
    if (!before)
        return fail(before.error());
    auto answer = ask_one(session->links, "drain", arguments(session->token), flags.admin.timeout,
                          AdminLink::Asking::once);
    if (!answer && answer.error().code == Errc::peer_gone) {
        // What holds nothing is gone at once, and libzmq drops an answer that was not read by then.
        DrainWatch gone(*before, net::now(), never);
        gone.disconnected();
        terminal.note(gone.summary());
        return ExitCode::ok;
    }
    if (!answer)
        return fail(with_token_hint(answer.error(), flags.admin));
    const Duration allowed = deadline_in(*answer);
    if (flags.no_wait) {
        terminal.note(before->instance + " drains, and is gone within " + format_duration(allowed));
        return ExitCode::ok;
    }
    const Instant now = net::now();
    return wait_until_gone(*session->links.front(),
                           DrainWatch(*before, now, deadline_after(now, allowed + grace)),
                           terminal);
}

} // namespace

Run declare_drain(Parser& parser) {
    const auto flags = std::make_shared<DrainFlags>();
    add_admin_endpoint(parser, flags->admin);
    parser.add_flag("--no-wait", flags->no_wait, "Only tell it");
    add_token(parser, flags->admin);
    add_admin(parser, flags->admin);
    parser.set_footer(
        "The daemon takes nothing new, finishes what it holds within its own deadline (its "
        "setting\n`drain`) and ends. Exit status: 0 when it has gone, or another has taken "
        "its place; 3 when\nit is still there after its deadline; 4 when it refused.\n\n"
        "Example:\n"
        "  zmq drain ipc:///run/flotilla-store/admin --token-file "
        "/etc/flotilla/admin-token");
    return [flags](Terminal& terminal) { return run_drain(*flags, terminal); };
}

} // namespace flotilla::cli
