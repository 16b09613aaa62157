// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/settings.hpp>
#include <flotilla/base/units.hpp>
#include <flotilla/wire/foreign.hpp>

#include <cli/doctor/diagnose.hpp>
#include <cli/doctor/judge_told.hpp>
#include <cli/hints.hpp>

#include <algorithm>
#include <array>
#include <cctype>

namespace flotilla::cli::doctor {
namespace {

using net::SocketType;
using OptionalVerdict = std::optional<Verdict>;

constexpr Duration slow_handshake = 1s; // half of the time that a greeting is waited for

constexpr std::size_t reasons_shown_max = 8;

const Attempt* connected_attempt(const Facts& facts) {
    const auto found =
        std::find_if(facts.attempts.begin(), facts.attempts.end(),
                     [](const Attempt& each) { return each.outcome == Reached::connected; });
    return found == facts.attempts.end() ? nullptr : &*found;
}

Verdict ipc_refused(const std::string& where) {
    return {Finding::nobody_listens,
            "the socket file is there, but nobody listens on " + where +
                ": the program that made it has ended",
            "start the program that binds it; it replaces the file"};
}

Verdict judge_failed_connect(const Facts& facts) {
    const std::string& where = facts.visit.endpoint;
    const Attempt last = facts.attempts.empty() ? Attempt{} : facts.attempts.back();
    const std::string why = last.detail.empty() ? "" : " (" + last.detail + ")";
    switch (last.outcome) {
    case Reached::refused:
        if (facts.visit.is_ipc)
            return ipc_refused(where);
        return {Finding::nobody_listens,
                "nobody listens on " + where + ": the connection is refused",
                "start the program that binds it, or compare the port and the address that it "
                "binds (one bound to 127.0.0.1 is not reached through another address)"};
    case Reached::no_socket_file:
        if (facts.told.lost_listener(where))
            return {Finding::no_socket_file,
                    "the socket file of " + where + " was deleted while the daemon runs",
                    "restart the daemon; a second one at this path would divide its peers"};
        return {Finding::no_socket_file, "there is no socket file for " + where,
                "start the program that binds it, or compare the path, letter by letter"};
    case Reached::not_a_socket:
        return {Finding::not_a_socket, "the path of " + where + " is not a socket",
                "give the path that the program binds; nothing can bind over another file"};
    case Reached::no_permission:
        return {Finding::not_permitted, "the file system does not let us connect to " + where,
                "run this as the user who owns the socket, or widen the mode of it and its "
                "folders"};
    case Reached::unresolved:
        return {Finding::host_unknown, "the host of " + where + " has no address" + why,
                "check its spelling, or give its address"};
    case Reached::timed_out:
        return {Finding::unreachable, "no answer from " + where + " within the time",
                "a firewall drops the packets, or the host is down: try another port of it"};
    default:
        return {Finding::unreachable, where + " cannot be reached" + why,
                "check the network and the address"};
    }
}

std::string or_ask_daemon(const Facts& facts, const std::string& next) {
    return facts.told.asked ? next : next + "; --admin ENDPOINT asks the daemon for its reason";
}

OptionalVerdict judge_answer(const Facts& facts) {
    const Answer& answer = facts.answer;
    const std::string& where = facts.visit.endpoint;
    switch (answer.kind) {
    case Answer::Kind::none:
        return judge_failed_connect(facts);
    case Answer::Kind::silent:
        return Verdict{Finding::silent,
                       where + " accepts connections and says nothing: it is not ZeroMQ, or a "
                               "ZeroMQ program that is stopped or hangs",
                       "look which program has the port (ss -ltnp), and whether it runs"};
    case Answer::Kind::stalled:
        return Verdict{Finding::handshake_stalls,
                       where + " began to greet and did not finish within the time",
                       "the peer or the network is very slow, or the program is stopped; look "
                       "longer (--timeout 30s)",
                       {}};
    case Answer::Kind::closed:
        if (auto told = judge_told(facts.told))
            return told;
        return Verdict{Finding::closes_at_once,
                       where + " closes the connection at once: it is not ZeroMQ, or it "
                               "takes no more connections, or none of this address for a while",
                       or_ask_daemon(facts, "look which program has the port (ss -ltnp) and what "
                                            "its log says")};
    case Answer::Kind::stranger:
        return Verdict{Finding::not_zeromq,
                       where + " is not ZeroMQ: " +
                           (answer.protocol.empty() ? "it answers \"" + answer.excerpt + "\""
                                                    : answer.protocol + " answers there"),
                       "this is another program's port; find the one that the ZeroMQ program "
                       "binds (ss -ltnp)"};
    case Answer::Kind::greeting:
        break;
    }
    if (!facts.hangs_up)
        return std::nullopt;
    if (auto told = judge_told(facts.told))
        return told;
    return Verdict{Finding::closes_at_once,
                   where + " greets and hangs up, whoever comes: it takes no more connections, or "
                           "denies this address, or makes it wait for a while",
                   or_ask_daemon(facts, "look at its log, and at connections_max and the "
                                        "[[address]] rules of its access file")};
}

OptionalVerdict judge_mechanism(const Facts& facts) {
    const Greeting& greeting = facts.answer.greeting;
    const bool keyed = facts.visit.has_server_key;
    if (greeting.major < 3) {
        if (!keyed)
            return std::nullopt;
        return Verdict{Finding::too_old,
                       "the peer speaks ZMTP " + std::to_string(greeting.major) +
                           ", which knows no encryption",
                       "update the peer's ZeroMQ library, or come without --server-key"};
    }
    if (greeting.mechanism == "NULL" && keyed)
        return Verdict{Finding::peer_is_plaintext,
                       "the peer speaks plaintext (NULL), and we came with a key (CURVE)",
                       "give the peer its own key pair and an allow-list, or come without "
                       "--server-key"};
    if (greeting.mechanism == "CURVE") {
        if (!keyed)
            return Verdict{Finding::peer_encrypts,
                           "the peer speaks CURVE only, and we came in plaintext",
                           "give the public key of the server: --server-key KEY|FILE, and "
                           "--curve-key FILE if it knows its clients"};
        return std::nullopt;
    }
    if (greeting.mechanism != "NULL")
        return Verdict{Finding::mechanism_unknown,
                       "the peer asks for the mechanism " + excerpt(greeting.mechanism) +
                           ", which this tool does not speak",
                       greeting.mechanism == "PLAIN"
                           ? "it has users with passwords ([[plain]] in its access file), for "
                             "peers that know no CURVE; connect with such a user, or give the "
                             "daemon CURVE keys instead"
                           : "configure the peer for CURVE or NULL"};
    return std::nullopt;
}

OptionalVerdict judge_curve(const Facts& facts) {
    const CurveWalk& walk = facts.curve;
    switch (walk.end) {
    case CurveWalk::End::closed_after_hello:
        // Whom it denies for another reason it may hang up on just as early.
        if (auto told = judge_told(facts.told);
            told && !facts.told.counted("refused_wrong_server_key"))
            return told;
        return Verdict{Finding::wrong_server_key,
                       "the server key is wrong: the peer cannot open what was encrypted to it",
                       "compare --server-key with the peer's public key (zmq keys fingerprint)"};
    case CurveWalk::End::denied:
        if (walk.status == "400") {
            if (auto told = judge_told(facts.told))
                return told;
            return Verdict{Finding::key_not_allowed,
                           "the server knows its key, but does not let ours in (400): it is not on "
                           "its list or was revoked, or this address is denied or has to wait",
                           or_ask_daemon(facts,
                                         "add our public key to the server's allow-list (zmq keys "
                                         "allow), or give the key that is on it: --curve-key FILE"),
                           {}};
        }
        return Verdict{Finding::server_cannot_judge,
                       "the server refused us with " + excerpt(walk.status) +
                           ": its authentication handler failed",
                       "look at the server's log; its ZAP handler or its key store is at fault"};
    case CurveWalk::End::peer_is_client:
        return Verdict{Finding::both_are_clients,
                       "the peer speaks CURVE as a client too; one side has to be the server",
                       "make one side the CURVE server: its own key, and who may connect "
                       "(--curve-key and --allow-client-keys in this tool)"};
    case CurveWalk::End::unanswered:
        return Verdict{Finding::server_cannot_judge,
                       "the server did not finish the handshake within the time",
                       "a server that asks a ZAP handler which is not there waits for ever; look "
                       "whether it runs"};
    case CurveWalk::End::closed_after_initiate:
        if (auto told = judge_told(facts.told)) // also how an address that has to wait is sent away
            return told;
        if (facts.visit.type)
            return Verdict{Finding::type_mismatch,
                           "the server key is right, but the peer ended the handshake with a " +
                               shown(*facts.visit.type) +
                               ": its socket is of another type, and so it did not say whether "
                               "our key is allowed",
                           "the peer's socket has to be " + partners_of(*facts.visit.type)};
        return Verdict{Finding::type_mismatch,
                       "the server key is right, but the peer is none of PUB, SUB, PULL, REP and "
                       "ROUTER: it is probably a PUSH, and did not say whether our key is allowed",
                       "say what your program's socket is; joining a PUSH takes messages from it: "
                       "--type pull --take"};
    default:
        return std::nullopt;
    }
}

// "flotilla-store", where the peer bears the name of one of our daemons.
std::string daemon_name(const Facts& facts) {
    return std::string(wire::daemon_of(facts.introduction.identity));
}

OptionalVerdict judge_introduction(const Facts& facts) {
    const Introduction& said = facts.introduction;
    if (said.error) {
        if (auto told = judge_told(facts.told))
            return told;
        return Verdict{Finding::refused_by_peer,
                       "the peer refused the handshake: " + excerpt(*said.error),
                       or_ask_daemon(facts,
                                     "its address or domain rules do not let us in, or make this "
                                     "address wait; look at its log"),
                       {}};
    }
    const auto peer = said.socket_type ? type_of(*said.socket_type) : std::nullopt;
    if (peer && facts.visit.type && !are_compatible(*peer, *facts.visit.type))
        return Verdict{Finding::type_mismatch,
                       "the peer is a " +
                           (daemon_name(facts).empty() ? "" : daemon_name(facts) + ", a ") +
                           shown(*peer) + ", which does not talk to a " + shown(*facts.visit.type),
                       "the partner of " + shown(*peer) + " is " + partners_of(*peer)};
    return std::nullopt;
}

std::string topics_beginning(const Facts& facts) {
    std::string all;
    for (std::size_t i = 0; i < facts.heard.topics.size() && i < 5; ++i)
        all += (i == 0 ? "" : ", ") + excerpt(facts.heard.topics[i].name);
    return all;
}

Verdict judge_topic(const Facts& facts) {
    std::vector<std::string> names;
    for (const Topic& topic : facts.heard.topics)
        names.push_back(topic.name);
    const auto near = nearest_word(*facts.visit.topic, names);
    return {Finding::topic_unmatched,
            "messages arrive, but none begins with \"" + excerpt(*facts.visit.topic) + "\"",
            near ? "did you mean \"" + excerpt(*near) + "\"? A topic is matched by its first bytes"
                 : "subscribe to one of: " + topics_beginning(facts)};
}

bool is_push(const Facts& facts) {
    return facts.introduction.socket_type == "PUSH" || facts.curve.joined_as == SocketType::pull;
}

std::string next_when_silent(const Facts& facts) {
    if (facts.told.counted(subscribers_cut))
        return "the relay cuts off subscribers that ask for too many topics, again whenever they "
               "come back: its log names them (subscriber_cut); let them subscribe to a prefix, or "
               "raise subscriptions_bytes_max";
    return std::string(is_push(facts) ? "it has no work now, or gives it to others"
                                      : "the publisher sends nothing now") +
           "; look whether it does, or listen longer (--listen 30s)";
}

Verdict judge_messages(const Facts& facts) {
    const Heard& heard = facts.heard;
    const std::string within = " within " + format_duration(facts.visit.listened);
    if (heard.messages == 0 && facts.visit.subscribes == Subscribes::topic_only &&
        facts.told.counted(subscribe_not_allowed))
        return {Finding::topic_not_allowed,
                "the daemon refused our subscription to \"" +
                    excerpt(facts.visit.topic.value_or("")) + "\"",
                "ask for a [[rule]] in its access file that allows it to subscribe to this topic"};
    if (heard.messages == 0 && heard.heartbeats > 0)
        return {Finding::nothing_arrives,
                "connected, and nothing but heartbeats arrives" + within +
                    ": the publisher is alive and sends nothing",
                "look whether its program sends, or listen longer (--listen 30s)"};
    if (heard.messages == 0)
        return {Finding::nothing_arrives,
                "connected, and the peer lets us in, but nothing arrives" + within,
                next_when_silent(facts)};
    if (facts.visit.topic && heard.messages_matching == 0)
        return judge_topic(facts);
    const std::uint64_t count = facts.visit.topic ? heard.messages_matching : heard.messages;
    const bool published = !is_push(facts);
    return {Finding::healthy,
            std::to_string(count) + (count == 1 ? " message" : " messages") + " arrived" + within,
            !published          ? "they were taken from its workers, and are lost"
            : facts.visit.topic ? ""
                                : "a subscriber that gets nothing subscribes to something else, or "
                                  "to nothing"};
}

Verdict judge_subscriptions(const Facts& facts) {
    if (facts.heard.subscriptions.empty())
        return {Finding::nothing_subscribed,
                "connected, but the subscriber has subscribed to nothing",
                "it has to set a subscription (an empty one means everything), and to read its "
                "socket: a program that is busy elsewhere announces nothing"};
    return {Finding::healthy,
            "the subscriber wants " + std::to_string(facts.heard.subscriptions.size()) +
                (facts.heard.subscriptions.size() == 1 ? " topic" : " topics"),
            "a message reaches it when its first frame begins with one of them"};
}

// What somebody does next who meant this peer.
std::string advice_for_router(const Facts& facts) {
    const std::string daemon = daemon_name(facts);
    const std::string at = shell_word(facts.visit.endpoint);
    if (daemon == "flotilla-store")
        return "nothing was sent to it; this lists its queues: zmq queue ls --store " + at;
    if (daemon == "flotilla-broker")
        return "nothing was sent to it; this lists its services: zmq services --broker " + at;
    if (!daemon.empty())
        return "nothing was sent to it";
    return "nothing was sent to it; if it is a broker, this lists its services: zmq services "
           "--broker " +
           at;
}

// "PUB" where it said so; under CURVE what the type that it let in tells.
std::string peer_name(const Facts& facts) {
    if (const std::string daemon = daemon_name(facts); !daemon.empty())
        return daemon + " (" + excerpt(facts.introduction.socket_type.value_or("ROUTER")) + ")";
    if (facts.introduction.socket_type)
        return excerpt(*facts.introduction.socket_type);
    return facts.curve.joined_as ? partners_of(*facts.curve.joined_as) : std::string("peer");
}

Verdict judge_heard(const Facts& facts) {
    const auto said = facts.introduction.socket_type;
    const std::string peer = peer_name(facts);
    if (!facts.heard.listened)
        return {Finding::healthy, "a " + peer + " is there, and lets us in",
                said && *said == "PUSH"
                    ? "nothing was taken from it; --take joins as a worker and shows what it gives"
                : said && *said == "REP"
                    ? "nothing was sent to it; if it is a daemon's admin endpoint, this shows the "
                      "daemon: zmq status " +
                          shell_word(facts.visit.endpoint)
                : said && *said == "ROUTER" ? advice_for_router(facts)
                                            : std::string("nothing was sent to it")};
    if (auto told = facts.heard.handshake ? std::nullopt : judge_told(facts.told))
        return *told;
    if (!facts.heard.handshake)
        return {Finding::refused_by_peer,
                "the peer answered, but the connection does not come about" +
                    (facts.heard.failure ? ": " + *facts.heard.failure : std::string{}),
                "look at the peer's log"};
    const auto joined = facts.curve.joined_as;
    if (said == "SUB" || said == "XSUB" || joined == SocketType::xpub || joined == SocketType::pub)
        return judge_subscriptions(facts);
    return judge_messages(facts);
}

// The way is free, but what is asked there will be refused, for now or for good.
Verdict judge_state(const Facts& facts, Verdict verdict) {
    const Told& told = facts.told;
    if (told.state.empty() || told.state == "ready")
        return verdict;
    std::string summary =
        told.state == "not_ready" ? "the daemon is not ready" : "the daemon is " + told.state;
    if (verdict.finding != Finding::healthy) {
        verdict.notes.push_back(std::move(summary));
        return verdict;
    }
    for (const std::string& each : told.not_ready)
        summary += "; " + each;
    return {Finding::daemon_not_ready, std::move(summary),
            told.state == "draining"
                ? "it takes nothing new and ends soon: go to another, or wait until it is back"
                : "mend what it names, or wait until it is ready: zmq status shows it",
            std::move(verdict.notes)};
}

Verdict with_notes(const Facts& facts, Verdict verdict) {
    const auto took = [&verdict](const char* what, Duration time) {
        if (time < slow_handshake)
            return;
        const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time);
        verdict.notes.push_back(std::string(what) + " took " + format_duration(ms) +
                                ": the peer is busy, or the network slow");
    };
    took("the greeting", facts.answer.kind == Answer::Kind::greeting ? facts.answer.took : 0ms);
    took("the handshake",
         facts.curve.end == CurveWalk::End::succeeded ? facts.curve.took : Duration{0});
    for (std::size_t i = 0; i < std::min(facts.told.turned_away.size(), reasons_shown_max); ++i) {
        const auto& [reason, count] = facts.told.turned_away[i];
        verdict.notes.push_back("turned away since the daemon started: " + std::to_string(count) +
                                " " + std::string(name(reason)) + ", " +
                                std::string(explain(reason)));
    }
    if (facts.told.endless_messages > 0)
        verdict.notes.push_back(
            "cut off since the daemon started: " + std::to_string(facts.told.endless_messages) +
            " endless_message, much more came of one message than a message "
            "may have; its log has the addresses");
    return verdict;
}

} // namespace

Verdict diagnose(const Facts& facts) {
    if (!connected_attempt(facts))
        return judge_failed_connect(facts);
    for (const auto judge : {judge_answer, judge_mechanism, judge_curve, judge_introduction})
        if (auto verdict = judge(facts))
            return with_notes(facts, std::move(*verdict));
    return with_notes(facts, judge_state(facts, judge_heard(facts)));
}

} // namespace flotilla::cli::doctor
