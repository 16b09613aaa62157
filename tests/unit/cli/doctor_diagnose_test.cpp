// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/foreign.hpp>

#include <cli/doctor/diagnose.hpp>
#include <cli/doctor/listen.hpp>
#include <cli/doctor/report.hpp>
#include <cli/doctor/told.hpp>
#include <cli/doctor/visit.hpp>
#include <support/catch.hpp>

#include <set>
#include <string>

using namespace flotilla;
using namespace flotilla::cli::doctor;
using net::SocketType;

namespace {

Facts unreached(Reached outcome) {
    Facts facts;
    facts.visit.endpoint = "tcp://10.0.0.1:5555";
    facts.attempts = {{"10.0.0.1:5555", outcome, "why"}};
    return facts;
}

Facts answered(Answer::Kind kind) {
    Facts facts = unreached(Reached::connected);
    facts.answer.kind = kind;
    return facts;
}

Facts greeted(Greeting greeting = {}) {
    Facts facts = answered(Answer::Kind::greeting);
    facts.answer.greeting = std::move(greeting);
    return facts;
}

Facts introduced(const char* socket_type) {
    Facts facts = greeted();
    facts.introduction.socket_type = socket_type;
    return facts;
}

Facts listening_to(const char* socket_type) {
    Facts facts = introduced(socket_type);
    facts.visit.listened = 3s;
    facts.heard.listened = true;
    facts.heard.handshake = true;
    return facts;
}

Facts walked(CurveWalk::End end, const char* status = "") {
    Facts facts = greeted({3, 1, "CURVE", true});
    facts.visit.has_server_key = true;
    facts.curve.end = end;
    facts.curve.status = status;
    return facts;
}

// Every verdict says something, and all but the healthy ones what to do.
Finding found(const Facts& facts) {
    const Verdict verdict = diagnose(facts);
    CHECK_FALSE(verdict.summary.empty());
    if (verdict.finding != Finding::healthy)
        CHECK_FALSE(verdict.next.empty());
    const std::string text = text_report(facts, verdict);
    CHECK(text.find(verdict.summary) != std::string::npos);
    CHECK(json_report(facts, verdict).find(name(verdict.finding)) != std::string::npos);
    return verdict.finding;
}

} // namespace

TEST_CASE("doctor: each way of not getting there has its finding", "[unit][doctor]") {
    CHECK(found(unreached(Reached::refused)) == Finding::nobody_listens);
    CHECK(found(unreached(Reached::no_socket_file)) == Finding::no_socket_file);
    CHECK(found(unreached(Reached::not_a_socket)) == Finding::not_a_socket);
    CHECK(found(unreached(Reached::no_permission)) == Finding::not_permitted);
    CHECK(found(unreached(Reached::unresolved)) == Finding::host_unknown);
    CHECK(found(unreached(Reached::unreachable)) == Finding::unreachable);
    CHECK(found(unreached(Reached::timed_out)) == Finding::unreachable);
    CHECK(found(unreached(Reached::failed)) == Finding::unreachable);
    CHECK(found(Facts{}) == Finding::unreachable);
    Facts stale = unreached(Reached::refused);
    stale.visit.is_ipc = true;
    CHECK(diagnose(stale).summary.find("socket file is there") != std::string::npos);
}

TEST_CASE("doctor: one address that answers is enough", "[unit][doctor]") {
    Facts facts = introduced("REP");
    facts.attempts.insert(facts.attempts.begin(), {"[::1]:5555", Reached::refused, ""});
    CHECK(found(facts) == Finding::healthy);
}

TEST_CASE("doctor: what answers without a greeting is not ZeroMQ", "[unit][doctor]") {
    CHECK(found(answered(Answer::Kind::silent)) == Finding::silent);
    CHECK(found(answered(Answer::Kind::closed)) == Finding::closes_at_once);
    Facts stranger = answered(Answer::Kind::stranger);
    stranger.answer.excerpt = "hello";
    CHECK(found(stranger) == Finding::not_zeromq);
    CHECK(diagnose(stranger).summary.find("hello") != std::string::npos);
    stranger.answer.protocol = "an HTTP server";
    CHECK(diagnose(stranger).summary.find("an HTTP server") != std::string::npos);
}

TEST_CASE("doctor: mechanisms that do not fit are found in the greeting", "[unit][doctor]") {
    CHECK(found(greeted({3, 1, "CURVE", true})) == Finding::peer_encrypts);
    CHECK(found(greeted({3, 1, "PLAIN", true})) == Finding::mechanism_unknown);
    CHECK(found(greeted({3, 1, "GSSAPI", false})) == Finding::mechanism_unknown);
    Facts keyed = greeted();
    keyed.visit.has_server_key = true;
    CHECK(found(keyed) == Finding::peer_is_plaintext);
    keyed.answer.greeting = {2, 0, "", false};
    CHECK(found(keyed) == Finding::too_old);
    CHECK(found(greeted({2, 0, "", false})) == Finding::healthy);
}

TEST_CASE("doctor: a wrong server key is told from a client key that is not wanted",
          "[unit][doctor]") {
    CHECK(found(walked(CurveWalk::End::closed_after_hello)) == Finding::wrong_server_key);
    CHECK(found(walked(CurveWalk::End::denied, "400")) == Finding::key_not_allowed);
    CHECK(found(walked(CurveWalk::End::denied, "500")) == Finding::server_cannot_judge);
    CHECK(found(walked(CurveWalk::End::peer_is_client)) == Finding::both_are_clients);
    CHECK(found(walked(CurveWalk::End::unanswered)) == Finding::server_cannot_judge);
    CHECK(found(walked(CurveWalk::End::closed_after_initiate)) == Finding::type_mismatch);
    Facts typed = walked(CurveWalk::End::closed_after_initiate);
    typed.visit.type = SocketType::sub;
    CHECK(diagnose(typed).summary.find("SUB") != std::string::npos);
    CHECK(diagnose(typed).next.find("PUB or XPUB") != std::string::npos);
    Facts in = walked(CurveWalk::End::succeeded);
    in.curve.joined_as = SocketType::req;
    CHECK(found(in) == Finding::healthy);
    CHECK(diagnose(in).summary.find("REP or ROUTER") != std::string::npos);
}

TEST_CASE("doctor: a refused NULL handshake and a wrong socket type are told", "[unit][doctor]") {
    Facts refused = greeted();
    refused.introduction.error = "400 denied";
    CHECK(found(refused) == Finding::refused_by_peer);
    Facts mismatch = introduced("PULL");
    mismatch.visit.type = SocketType::sub;
    CHECK(found(mismatch) == Finding::type_mismatch);
    mismatch.visit.type = SocketType::push;
    CHECK(found(mismatch) == Finding::healthy);
}

TEST_CASE("doctor: our own daemons are named, and how to ask them", "[unit][doctor]") {
    Facts facts = introduced("ROUTER");
    CHECK(diagnose(facts).next.find("if it is a broker") != std::string::npos);
    facts.introduction.identity = wire::daemon_identity("flotilla-store", 7);
    CHECK(found(facts) == Finding::healthy);
    CHECK(diagnose(facts).summary.find("a flotilla-store (ROUTER) is there") != std::string::npos);
    CHECK(diagnose(facts).next.find("zmq queue ls --store tcp://10.0.0.1:5555") !=
          std::string::npos);
    facts.introduction.identity = wire::daemon_identity("flotilla-broker", 7);
    CHECK(diagnose(facts).next.find("zmq services --broker tcp://10.0.0.1:5555") !=
          std::string::npos);
    CHECK(json_report(facts, diagnose(facts)).find("\"daemon\":\"flotilla-broker\"") !=
          std::string::npos);
    facts.visit.type = SocketType::sub;
    CHECK(found(facts) == Finding::type_mismatch);
    CHECK(diagnose(facts).summary.find("a flotilla-broker, a ROUTER") != std::string::npos);
    facts.introduction.identity = "flotilla-\x1b[2J-0000000000000007"; // somebody else's
    CHECK(diagnose(facts).summary.find('\x1b') == std::string::npos);
}

TEST_CASE("doctor: listening tells silence, messages and topics apart", "[unit][doctor]") {
    Facts facts = listening_to("PUB");
    CHECK(found(facts) == Finding::nothing_arrives);
    facts.heard.heartbeats = 3;
    CHECK(found(facts) == Finding::nothing_arrives);
    CHECK(diagnose(facts).summary.find("nothing but heartbeats") != std::string::npos);
    facts.heard.messages = 5;
    facts.heard.topics = {{"weather.london", 3}, {"weather.paris", 2}};
    CHECK(found(facts) == Finding::healthy);
    facts.visit.topic = "wether.london";
    CHECK(found(facts) == Finding::topic_unmatched);
    CHECK(diagnose(facts).next.find("weather.london") != std::string::npos);
    facts.visit.topic = "quite.another.thing";
    CHECK(diagnose(facts).next.find("weather.london, weather.paris") != std::string::npos);
    facts.visit.topic = "weather.p";
    facts.heard.messages_matching = 2;
    CHECK(found(facts) == Finding::healthy);
    facts.heard.handshake = false;
    facts.heard.failure = "the peer closed";
    CHECK(found(facts) == Finding::refused_by_peer);
}

TEST_CASE("doctor: of a subscriber, what it wants is shown", "[unit][doctor]") {
    Facts facts = listening_to("SUB");
    CHECK(found(facts) == Finding::nothing_subscribed);
    facts.heard.subscriptions = {"weather.", ""};
    CHECK(found(facts) == Finding::healthy);
    const std::string text = text_report(facts, diagnose(facts));
    CHECK(text.find("\"weather.\"") != std::string::npos);
    CHECK(text.find("\"\" (everything)") != std::string::npos);
}

TEST_CASE("doctor: exit codes and names are one a finding, as documented", "[unit][doctor]") {
    CHECK(exit_code(Finding::healthy) == ExitCode::ok);
    for (const Finding each :
         {Finding::nobody_listens, Finding::no_socket_file, Finding::host_unknown,
          Finding::unreachable, Finding::nothing_arrives, Finding::topic_unmatched,
          Finding::nothing_subscribed})
        CHECK(exit_code(each) == ExitCode::nothing);
    for (const Finding each : {Finding::not_a_socket, Finding::not_permitted, Finding::silent,
                               Finding::closes_at_once, Finding::not_zeromq, Finding::too_old})
        CHECK(exit_code(each) == ExitCode::runtime_error);
    for (const Finding each :
         {Finding::peer_encrypts, Finding::peer_is_plaintext, Finding::mechanism_unknown,
          Finding::both_are_clients, Finding::wrong_server_key, Finding::key_not_allowed,
          Finding::server_cannot_judge, Finding::refused_by_peer, Finding::type_mismatch})
        CHECK(exit_code(each) == ExitCode::refused);
    std::set<std::string_view> names;
    for (int i = 0; i <= static_cast<int>(Finding::type_mismatch); ++i)
        names.insert(name(static_cast<Finding>(i)));
    CHECK(names.size() == static_cast<std::size_t>(Finding::type_mismatch) + 1);
    CHECK(names.count("unknown") == 0);
}

TEST_CASE("doctor: compatibility is symmetric, and everybody has a partner", "[unit][doctor]") {
    const std::vector<SocketType> all{SocketType::pair,   SocketType::pub,  SocketType::sub,
                                      SocketType::req,    SocketType::rep,  SocketType::dealer,
                                      SocketType::router, SocketType::pull, SocketType::push,
                                      SocketType::xpub,   SocketType::xsub};
    for (const SocketType a : all) {
        for (const SocketType b : all)
            CHECK(are_compatible(a, b) == are_compatible(b, a));
        CHECK_FALSE(partners_of(a).empty());
        CHECK(type_of(shown(a)) == a);
    }
    CHECK(partners_of(SocketType::push) == "PULL");
    CHECK_FALSE(type_of("SERVER"));
    // What is tried on an unknown encrypted peer must not be given work by it.
    for (const SocketType each : harmless_types())
        for (const SocketType peer : {SocketType::push, SocketType::dealer, SocketType::pair})
            CHECK_FALSE(are_compatible(each, peer));
}

TEST_CASE("doctor: topics are counted, sorted, cut and bounded", "[unit][doctor]") {
    TopicCount count(std::string("b"));
    for (int i = 0; i < 3; ++i)
        count.add("b1", 10);
    count.add("a", 1);
    count.add(std::string(1'000, 'x'), 1);
    count.add(std::string_view{"\0flotilla.heartbeat", 19}, 40);
    Heard heard;
    count.report(2, heard);
    CHECK(heard.messages == 5);
    CHECK(heard.messages_matching == 3);
    CHECK(heard.bytes == 32);
    CHECK(heard.heartbeats == 1);
    REQUIRE(heard.topics.size() == 2);
    CHECK(heard.topics[0].name == "b1");
    CHECK(heard.topics[0].messages == 3);
    CHECK(heard.more_topics);
    count.report(10, heard);
    CHECK(heard.topics[2].name.size() == TopicCount::topic_bytes_max);
    CHECK_FALSE(heard.more_topics);
    for (std::size_t i = 0; i < TopicCount::topics_max; ++i)
        count.add(std::to_string(i), 1);
    count.report(SIZE_MAX, heard);
    CHECK(heard.topics.size() == TopicCount::topics_max);
    CHECK(heard.more_topics);
    CHECK(heard.messages == 5 + TopicCount::topics_max);
}

TEST_CASE("doctor: what the daemon counted says why it sent us away", "[unit][cli]") {
    const auto told = [](const char* counter) {
        Facts facts = walked(CurveWalk::End::denied, "400");
        facts.told.asked = true;
        facts.told.state = "ready";
        facts.told.refusals = {counter};
        return facts;
    };
    CHECK(found(told("refused_revoked_key")) == Finding::key_revoked);
    CHECK(found(told("refused_unknown_key")) == Finding::key_not_allowed);
    CHECK(found(told("refused_penalty")) == Finding::address_waits);
    CHECK(found(told("refused_address")) == Finding::address_denied);
    CHECK(found(told("refused_of_a_later_version")) == Finding::key_not_allowed);
    CHECK(found(told("refused_out_of_files")) == Finding::too_many_connections);
    CHECK(diagnose(told("refused_not_allowed")).next.find("[[rule]]") != std::string::npos);
    Facts plain = greeted();
    plain.introduction.error = "400";
    CHECK(found(plain) == Finding::refused_by_peer);
    plain.told.refusals = {"refused_penalty"};
    CHECK(found(plain) == Finding::address_waits);
    Facts closed = answered(Answer::Kind::closed);
    closed.told.refusals = {"refused_connections"};
    CHECK(found(closed) == Finding::too_many_connections);
    Facts early = walked(CurveWalk::End::closed_after_hello);
    CHECK(found(early) == Finding::wrong_server_key);
    early.told.refusals = {"refused_address"};
    CHECK(found(early) == Finding::address_denied);
    early.told.refusals = {"refused_address", "refused_wrong_server_key"}; // one of another's
    CHECK(found(early) == Finding::wrong_server_key);
    Facts waits = walked(CurveWalk::End::closed_after_initiate);
    waits.told.refusals = {"refused_penalty"};
    CHECK(found(waits) == Finding::address_waits);
    const std::string asks = diagnose(walked(CurveWalk::End::denied, "400")).next;
    CHECK(asks.find("--admin") != std::string::npos);
}

TEST_CASE("doctor: who greets and hangs up has neither a wrong key nor lets us in",
          "[unit][doctor]") {
    for (Facts facts : {walked(CurveWalk::End::closed_after_hello), introduced("PUB")}) {
        facts.hangs_up = true;
        CHECK(found(facts) == Finding::closes_at_once);
        CHECK(diagnose(facts).summary.find("denies this address") != std::string::npos);
        facts.told.refusals = {"refused_connections"};
        CHECK(found(facts) == Finding::too_many_connections);
    }
}

TEST_CASE("doctor: a daemon that lost its socket file is not started twice", "[unit][doctor]") {
    Facts facts = unreached(Reached::no_socket_file);
    facts.told.not_ready = {"the socket file of " + facts.visit.endpoint +
                            " was deleted or replaced: nobody new gets in; restart"};
    CHECK(found(facts) == Finding::no_socket_file);
    CHECK(diagnose(facts).next.starts_with("restart the daemon"));
}

TEST_CASE("doctor: a subscriber that asks for too much is told from a silent publisher",
          "[unit][doctor]") {
    Facts facts = listening_to("XPUB");
    CHECK(diagnose(facts).next.find("publisher") != std::string::npos);
    facts.told.refusals = {"subscribers_cut"};
    CHECK(found(facts) == Finding::nothing_arrives);
    CHECK(diagnose(facts).next.find("subscriptions_bytes_max") != std::string::npos);
}

TEST_CASE("doctor: a subscription that rules refuse is told from a silent publisher",
          "[unit][doctor]") {
    Facts facts = listening_to("XPUB");
    facts.visit.topic = "feed.";
    facts.told.refusals = {"subscribe_not_allowed"};
    CHECK(found(facts) == Finding::nothing_arrives); // perhaps only everything was refused
    facts.visit.subscribes = Subscribes::topic_only;
    CHECK(found(facts) == Finding::topic_not_allowed);
    CHECK(exit_code(Finding::topic_not_allowed) == ExitCode::refused);
    facts.told.refusals.clear();
    CHECK(found(facts) == Finding::nothing_arrives);
    facts.told.refusals = {"subscribe_not_allowed"}; // of somebody else's
    facts.heard.messages = facts.heard.messages_matching = 1;
    CHECK(found(facts) == Finding::healthy);
}

TEST_CASE("doctor: a daemon that is not ready is no healthy one, however free the way is",
          "[unit][cli]") {
    Facts facts = introduced("ROUTER");
    facts.told.asked = true;
    facts.told.state = "ready";
    CHECK(found(facts) == Finding::healthy);
    facts.told.state = "draining";
    CHECK(found(facts) == Finding::daemon_not_ready);
    CHECK(exit_code(Finding::daemon_not_ready) == ExitCode::refused);
    CHECK(diagnose(facts).summary == "the daemon is draining");
    facts.told.state = "not_ready";
    facts.told.not_ready = {"short of disk"};
    CHECK(found(facts) == Finding::daemon_not_ready);
    CHECK(diagnose(facts).summary == "the daemon is not ready; short of disk");
    // What stands in the way comes first.
    facts.answer.greeting.mechanism = "CURVE";
    CHECK(found(facts) == Finding::peer_encrypts);
}

TEST_CASE("doctor: slow handshakes are noted", "[unit][cli]") {
    CHECK(found(answered(Answer::Kind::stalled)) == Finding::handshake_stalls);
    CHECK(exit_code(Finding::handshake_stalls) == ExitCode::runtime_error);
    CHECK(exit_code(Finding::address_waits) == ExitCode::refused);
    Facts slow = listening_to("PUB");
    slow.heard.messages = 1;
    CHECK(diagnose(slow).notes.empty());
    slow.answer.took = 1800ms;
    const Verdict verdict = diagnose(slow);
    REQUIRE(verdict.notes.size() == 1);
    CHECK(verdict.notes[0].find("1800ms") != std::string::npos);
    CHECK(json_report(slow, verdict).find("\"notes\":[") != std::string::npos);
}

TEST_CASE("doctor: counters of refusals that grew are those of one run of the daemon",
          "[unit][cli]") {
    using flotilla::cli::read_status;
    const auto status = [](int process, int unknown, int commits) {
        return read_status(R"({"program": "p", "state": "ready", "totals_kind": "store",
            "columns": {"store": [{"name": "refused_unknown_key", "kind": "counter"},
                                  {"name": "commits", "kind": "counter"}]},
            "process": )" + std::to_string(process) +
                           R"(, "totals": {"refused_unknown_key": )" + std::to_string(unknown) +
                           R"(, "commits": )" + std::to_string(commits) + "}}");
    };
    const std::vector<std::string> grown{"refused_unknown_key"};
    CHECK(told(status(1, 3, 1), status(1, 4, 2)).refusals == grown);
    CHECK(told(status(1, 3, 1), status(1, 3, 2)).refusals.empty());
    CHECK(told(status(1, 3, 1), status(2, 4, 2)).refusals.empty());
    CHECK(told(fail(Errc::timeout, "no answer"), status(1, 1, 1)).trouble == "no answer");
}

TEST_CASE("doctor: floods show in what the daemon has turned away since it started",
          "[unit][cli]") {
    const auto status = flotilla::cli::read_status(
        R"({"program": "p", "state": "ready", "process": 1, "totals_kind": "broker",
            "columns": {"broker": [{"name": "refused_timeout", "kind": "counter"},
                                   {"name": "refused_not_zmtp", "kind": "counter"},
                                   {"name": "refused_closed", "kind": "counter"},
                                   {"name": "endless_messages", "kind": "counter"}]},
            "totals": {"refused_timeout": 500, "refused_not_zmtp": 0, "refused_closed": 9988,
                       "endless_messages": 3}})");
    Facts facts = greeted();
    facts.told = told(status, status);
    CHECK(facts.told.refusals.empty());
    REQUIRE(facts.told.turned_away.size() == 2);
    CHECK(facts.told.turned_away[0].count == 9988);
    const Verdict verdict = diagnose(facts);
    REQUIRE(verdict.notes.size() == 3);
    CHECK(verdict.notes[2].starts_with("cut off since the daemon started: 3 endless_message, "));
    CHECK(verdict.notes[0] == "turned away since the daemon started: 9988 closed, it closed the "
                              "connection before the handshake was done");
    CHECK(json_report(facts, verdict)
              .find("\"turned_away\":{\"closed\":9988,\"timeout\":500},"
                    "\"endless_messages\":3") != std::string::npos);
}
