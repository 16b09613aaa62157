// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/system.hpp>

#include <cli/doctor/curve_walk.hpp>
#include <cli/doctor/diagnose.hpp>
#include <cli/doctor/greet.hpp>
#include <cli/doctor/listen.hpp>
#include <cli/doctor/visit.hpp>

#include <algorithm>

namespace flotilla::cli::doctor {
namespace {

using net::SocketType;

// A peer that greets does so at once; a silent one should not use up the whole time.
constexpr Duration greeting_wait = 2s;
constexpr Duration browser_wait = 1s;
// A daemon hangs up when it hears of the connection, which libzmq has greeted by then.
constexpr Duration hang_up_wait = 500ms; // and longer where the greeting took its time
constexpr std::int64_t greetings_waited = 5;
constexpr Duration hang_up_wait_in_doubt = 1500ms; // where that is what tells two causes apart

Instant sooner(Instant deadline, Duration wait) {
    return std::min(deadline, deadline_after(net::now(), wait));
}

// A connection on which a handshake may go on, if there is one.
std::optional<PlainConnection> greet_peer(const VisitOptions& options, Instant deadline,
                                          Facts& facts) {
    Connecting connecting = connect_plainly(options.endpoint, deadline);
    facts.attempts = std::move(connecting.attempts);
    if (!connecting.connection)
        return std::nullopt;
    Greeted greeted = greet(*connecting.connection, sooner(deadline, greeting_wait));
    facts.answer = std::move(greeted.answer);
    facts.introduction = std::move(greeted.introduction);
    if (facts.answer.kind == Answer::Kind::greeting && !facts.introduction.error)
        facts.hangs_up =
            facts.introduction.closed ||
            hangs_up(*connecting.connection,
                     sooner(deadline, std::max<Duration>(hang_up_wait,
                                                         facts.answer.took * greetings_waited)));
    const bool unnamed =
        facts.answer.kind == Answer::Kind::silent || facts.answer.kind == Answer::Kind::closed ||
        (facts.answer.kind == Answer::Kind::stranger && facts.answer.protocol.empty());
    if (facts.answer.kind == Answer::Kind::greeting && !facts.hangs_up &&
        greeted.sent == Greeted::Sent::opening)
        return std::move(connecting.connection);
    if (!unnamed)
        return std::nullopt;
    Connecting again = connect_plainly(options.endpoint, sooner(deadline, browser_wait));
    if (!again.connection)
        return std::nullopt;
    if (auto name = ask_as_browser(*again.connection, sooner(deadline, browser_wait))) {
        facts.answer.kind = Answer::Kind::stranger;
        facts.answer.protocol = std::move(*name);
        facts.answer.excerpt = excerpt(again.connection->received());
    }
    return std::nullopt;
}

// As what to listen to a peer that introduced itself; nothing when that would take or send
// something, or is of no use.
std::optional<SocketType> type_for(const Facts& facts) {
    const auto peer =
        facts.introduction.socket_type ? type_of(*facts.introduction.socket_type) : std::nullopt;
    const auto& ours = facts.visit.type;
    if (!peer)
        return facts.answer.greeting.major < 3 && ours == SocketType::sub ? ours : std::nullopt;
    if (ours && !are_compatible(*ours, *peer))
        return std::nullopt;
    switch (*peer) {
    case SocketType::pub:
    case SocketType::xpub:
        return SocketType::sub;
    case SocketType::sub:
    case SocketType::xsub:
        return SocketType::xpub;
    case SocketType::push:
        return facts.visit.may_take ? std::optional(SocketType::pull) : std::nullopt;
    default:
        return std::nullopt;
    }
}

Status listen_as(net::Context& context, const VisitOptions& options, SocketType type,
                 Instant deadline, Facts& facts) {
    ListenOptions listening;
    listening.type = type;
    listening.topic = options.topic;
    listening.subscribes = options.subscribes;
    listening.listen = options.listen;
    listening.handshake = std::max<Duration>(time_left(net::now(), deadline), 100ms);
    // Nothing of ours is sent, so there is nothing that plaintext could give away.
    listening.security = net::Plaintext{net::Plaintext::Where::anywhere};
    if (options.curve)
        listening.security = *options.curve;
    auto heard = listen(context, options.endpoint, listening);
    if (!heard)
        return fail(heard.error());
    facts.heard = std::move(*heard);
    return {};
}

// Of one that ended a CURVE handshake before our key was read: also where nothing is wrong with it?
bool hangs_up_on_anybody(const net::Endpoint& endpoint, Instant deadline) {
    Connecting connecting = connect_plainly(endpoint, sooner(deadline, hang_up_wait_in_doubt));
    if (!connecting.connection)
        return false;
    (void)greet(*connecting.connection, sooner(deadline, hang_up_wait_in_doubt));
    return hangs_up(*connecting.connection, sooner(deadline, hang_up_wait_in_doubt));
}

Status look_encrypted(net::Context& context, const VisitOptions& options, Instant deadline,
                      std::optional<PlainConnection> begun, Facts& facts) {
    auto types = harmless_types();
    if (options.type)
        types = {*options.type};
    auto walk =
        walk_curve(context, options.endpoint, *options.curve, types, deadline, std::move(begun));
    if (!walk)
        return fail(walk.error());
    facts.curve = std::move(*walk);
    if (facts.curve.end == CurveWalk::End::closed_after_hello)
        facts.hangs_up = hangs_up_on_anybody(options.endpoint, deadline);
    const auto joined = facts.curve.joined_as;
    const bool listens = joined == SocketType::sub || joined == SocketType::xsub ||
                         joined == SocketType::xpub || joined == SocketType::pub ||
                         joined == SocketType::pull;
    if (!listens)
        return {};
    const bool publishes = joined == SocketType::xpub || joined == SocketType::pub;
    const SocketType type = publishes                    ? SocketType::xpub
                            : joined == SocketType::pull ? SocketType::pull
                                                         : SocketType::sub;
    return listen_as(context, options, type, deadline, facts);
}

} // namespace

std::vector<SocketType> harmless_types() {
    return {SocketType::sub, SocketType::xpub, SocketType::push, SocketType::req};
}

Result<Facts> visit(const VisitOptions& options) {
    const Instant deadline = deadline_after(net::now(), options.timeout);
    Facts facts;
    facts.visit = {options.endpoint.text(),
                   options.endpoint.transport() == net::Transport::ipc,
                   options.curve.has_value(),
                   options.type,
                   options.topic,
                   options.subscribes,
                   options.listen,
                   options.may_take};
    auto begun = greet_peer(options, deadline, facts);
    if (facts.answer.kind != Answer::Kind::greeting || facts.hangs_up)
        return facts;
    auto context = net::Context::open();
    if (!context)
        return fail(context.error());
    Status looked;
    const Greeting& greeting = facts.answer.greeting;
    if (greeting.mechanism == "CURVE" && options.curve)
        looked = look_encrypted(*context, options, deadline, std::move(begun), facts);
    else if ((greeting.mechanism == "NULL" || greeting.major < 3) && !options.curve)
        if (const auto type = type_for(facts))
            looked = listen_as(*context, options, *type, deadline, facts);
    if (!looked)
        return fail(looked.error());
    return facts;
}

} // namespace flotilla::cli::doctor
