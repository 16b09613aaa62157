// SPDX-License-Identifier: Apache-2.0
// The verbs that speak to admin endpoints, against daemons that the test plays.
#include <flotilla/net/curve.hpp>

#include <support/process.hpp>
#include <support/scripted_admin.hpp>
#include <support/text.hpp>
#include <sys/stat.h>

#include <fstream>

using namespace flotilla;
using namespace flotilla::test;
using Json = nlohmann::ordered_json;

namespace {

std::vector<std::string> zmq(std::vector<std::string> words) {
    words.insert(words.begin(), FLOTILLA_ZMQ_PROGRAM);
    return words;
}

Completed run(std::vector<std::string> words) {
    return run_program(zmq(std::move(words)));
}

std::string secret_file(const ScratchFolder& folder, const std::string& text, mode_t mode = 0600) {
    const std::string path = folder.file("token-" + std::to_string(mode));
    std::ofstream(path) << text;
    REQUIRE(chmod(path.c_str(), mode) == 0);
    return path;
}

AdminReply ready(const std::string&, const nlohmann::json&) {
    return {200, store_status()};
}
AdminReply draining(const std::string&, const nlohmann::json&) {
    return {200, store_status("draining")};
}

} // namespace

TEST_CASE("zmq: what a daemon says cannot drive the terminal") {
    ScriptedAdmin liar([](const std::string&, const nlohmann::json&) {
        return AdminReply{403, Json{{"why", "\x1b]0;pwned\x07 \x1b[2J\"no\""}}};
    });
    const Completed refused = run({"drain", liar.endpoint()});
    CHECK(refused.exit != Exit::with(0));
    CHECK(has(refused.error, R"(\x1b]0;pwned\x07 \x1b[2J)"));
    CHECK_FALSE(has(refused.error, "\x1b"));
}

TEST_CASE("zmq status: each of several daemons may have a server key of its own") {
    const ScratchFolder folder;
    const auto serve = [](const net::CurveKeyPair& keys) {
        return ScriptedAdmin(ready, any_tcp(), net::CurveServer{keys, net::AnyClientKey{}});
    };
    const net::CurveKeyPair first = *net::generate_key_pair();
    const net::CurveKeyPair second = *net::generate_key_pair();
    ScriptedAdmin one = serve(first);
    ScriptedAdmin two = serve(second);
    ScriptedAdmin open(ready);
    const std::string first_key = first.public_key.z85();
    const std::string second_key = second.public_key.z85();
    const Completed all =
        run({"status", one.endpoint(), two.endpoint(), open.endpoint(), "--server-key", first_key,
             "--server-key", second_key, "--server-key", "none"});
    INFO(all.error);
    CHECK(all.exit == Exit::with(0));
    CHECK(run({"status", one.endpoint(), one.endpoint(), "--server-key", first_key}).exit ==
          Exit::with(0));
    CHECK(run({"status", one.endpoint(), two.endpoint(), "--server-key", second_key, "--server-key",
               first_key, "-t", "2s"})
              .exit != Exit::with(0));
    const Completed unclear = run({"status", one.endpoint(), two.endpoint(), open.endpoint(),
                                   "--server-key", first_key, "--server-key", second_key});
    CHECK(unclear.exit == Exit::with(2));
    CHECK(has(unclear.error, "2 times --server-key, 3 endpoints"));
}

TEST_CASE("zmq status: ready, not ready, and nobody there are three exit codes") {
    ScriptedAdmin one(ready);
    const Completed good = run({"status", one.endpoint()});
    CHECK(good.exit == Exit::with(0));
    CHECK(has(good.output, "flotilla-store  orders    0.1.0    ready"));
    CHECK(has(good.output, "sessions  3  Consumers."));

    ScriptedAdmin two(draining);
    const Completed mixed = run({"status", one.endpoint(), two.endpoint()});
    CHECK(mixed.exit == Exit::with(4));
    CHECK(has(mixed.output, "draining"));

    ScratchFolder folder;
    const std::string nowhere = folder.ipc("gone").text();
    const Completed partly = run({"status", one.endpoint(), nowhere, "-t", "300ms"});
    CHECK(partly.exit == Exit::with(4));
    CHECK(has(partly.output, "unreachable"));
    CHECK(run({"status", nowhere, "-t", "300ms"}).exit == Exit::with(3));
}

TEST_CASE("zmq status: objects of a kind, JSON, and again and again") {
    ScriptedAdmin one(ready);
    const Completed table = run({"status", one.endpoint(), "--kind", "queue", "--prefix", "m"});
    CHECK(has(table.output, "QUEUE  ORDER  READY  ACCEPTED\nmail   plain      5         0\n"));
    CHECK(has(one.heard().back(), R"("kind":"queue")"));
    CHECK(has(one.heard().back(), R"("prefix":"m")"));
    const Completed lines = run({"status", one.endpoint(), "--json", "-n", "2", "-i", "10ms"});
    CHECK(lines.exit == Exit::with(0));
    const auto line = Json::parse(lines.output.substr(0, lines.output.find('\n')));
    CHECK(line.at("endpoint") == one.endpoint());
    CHECK(line.at("objects").at("queue").size() == 2);
    CHECK(std::count(lines.output.begin(), lines.output.end(), '\n') == 2);
}

TEST_CASE(
    "zmq status and top: a kind that does not exist is wrong usage, and those that do are named") {
    for (const char* verb : {"status", "top"}) {
        const Completed wrong = run({verb, "tcp://127.0.0.1:1", "--kind", "queues"});
        CHECK(wrong.exit == Exit::with(2));
        CHECK(has(wrong.error, "session"));
        CHECK(has(wrong.error, "connection"));
    }
}

TEST_CASE("zmq status: what is no admin endpoint is not believed") {
    ScriptedAdmin odd([](const auto&, const auto&) { return AdminReply{200, {{"x", 1}}}; });
    const Completed strange = run({"status", odd.endpoint()});
    CHECK(strange.exit == Exit::with(3));
    CHECK(has(strange.output, "names no program"));
    ScriptedAdmin busy([](const auto&, const auto&) {
        return AdminReply{503, {{"error", "busy"}, {"why", "too many at once"}}};
    });
    CHECK(has(run({"status", busy.endpoint()}).output, "503: too many at once"));
}

TEST_CASE("orders carry the token of a file that nobody else may read") {
    ScratchFolder folder;
    ScriptedAdmin daemon([](const std::string& verb, const nlohmann::json& arguments) {
        if (arguments.value("token", "") != "s3cret")
            return AdminReply{403, {{"error", "not allowed"}}};
        if (verb == "pause" && arguments.value("relay", "") != "feed")
            return AdminReply{404, {{"error", "no relay 'x'; there is: feed"}}};
        if (verb == "reload")
            return AdminReply{200, {{"changed", {"log_level", "access"}}}};
        if (verb == "audit")
            return AdminReply{200, {{"audit", {{{"event", "admin_done"}, {"verb", "pause"}}}}}};
        return AdminReply{};
    });
    const std::string file = secret_file(folder, "s3cret\n");
    const Completed paused = run({"pause", daemon.endpoint(), "feed", "--token-file", file});
    CHECK(paused.exit == Exit::with(0));
    CHECK(has(paused.error, "relay 'feed' reads nothing now"));
    CHECK(run({"resume", daemon.endpoint(), "feed", "--token-file", file}).exit == Exit::with(0));
    const Completed unknown = run({"pause", daemon.endpoint(), "x", "--token-file", file});
    CHECK(unknown.exit == Exit::with(4));
    CHECK(has(unknown.error, "404: no relay 'x'; there is: feed"));
    CHECK(has(run({"reload", daemon.endpoint(), "--token-file", file}).error,
              "changed: log_level, access"));
    CHECK(has(run({"audit", daemon.endpoint(), "--token-file", file}).output,
              "EVENT       VERB\nadmin_done  pause\n"));
    CHECK(run({"audit", daemon.endpoint(), "--token-file", file, "--json"}).output ==
          "{\"event\":\"admin_done\",\"verb\":\"pause\"}\n");

    const Completed without = run({"reload", daemon.endpoint()});
    CHECK(without.exit == Exit::with(4));
    CHECK(has(without.error, "--token-file"));
    const std::string open = secret_file(folder, "s3cret", 0644);
    CHECK(run({"reload", daemon.endpoint(), "--token-file", open}).exit == Exit::with(2));
    const std::string empty = secret_file(folder, " \n", 0400);
    CHECK(has(run({"reload", daemon.endpoint(), "--token-file", empty}).error, "no token in"));
    CHECK(run({"reload", daemon.endpoint(), "--token-file", folder.file("no")}).exit ==
          Exit::with(1));
}

TEST_CASE("zmq drain waits until the daemon has gone") {
    ScratchFolder folder;
    auto daemon = std::make_unique<ScriptedAdmin>([](const std::string& verb, const auto&) {
        return verb == "drain" ? AdminReply{200, {{"deadline_ms", 60'000}}}
                               : AdminReply{200, store_status("draining")};
    });
    Process drain = Process::start(zmq({"drain", daemon->endpoint()}));
    const auto told = [&] {
        const auto heard = daemon->heard();
        // A look before, the order, and a look while it drains.
        return heard.size() >= 3 && heard[1].substr(0, 5) == "drain";
    };
    const Instant deadline = deadline_after(net::now(), 30s);
    while (!told() && net::now() < deadline)
        std::this_thread::yield();
    REQUIRE(told());
    daemon.reset();
    CHECK(drain.wait_exit() == Exit::with(0));
    CHECK(has(drain.text(Stream::error), "orders has gone"));
}

TEST_CASE("zmq drain takes a daemon that goes at once, without an answer, for gone") {
    for (const bool waits : {true, false}) {
        ScriptedAdmin daemon([](const std::string& verb, const nlohmann::json&) {
            return verb == "drain" ? AdminReply{0, {}} : AdminReply{200, store_status()};
        });
        std::vector<std::string> words{"drain", daemon.endpoint()};
        if (!waits)
            words.push_back("--no-wait");
        const Completed drained = run(words);
        CHECK(drained.exit == Exit::with(0));
        CHECK(has(drained.error, "orders has gone"));
    }
}

TEST_CASE("zmq reload says what holds only from the next start on") {
    ScriptedAdmin daemon([](const std::string&, const nlohmann::json&) {
        return AdminReply{200, {{"changed", {"log_level"}}, {"restart_needed", {"bind", "data"}}}};
    });
    const Completed reload = run({"reload", daemon.endpoint()});
    CHECK(reload.exit == Exit::with(0));
    CHECK(has(reload.error, "changed: log_level"));
    CHECK(has(reload.error, "only from the next start on: bind, data"));
}

TEST_CASE("zmq drain says when a daemon refuses, is not there, or is replaced") {
    ScriptedAdmin refuses([](const std::string& verb, const auto&) {
        return verb == "drain" ? AdminReply{403, {{"error", "not allowed"}}}
                               : AdminReply{200, store_status()};
    });
    const Completed refused = run({"drain", refuses.endpoint()});
    CHECK(refused.exit == Exit::with(4));
    CHECK(has(refused.error, "403: not allowed; name the file"));

    ScratchFolder folder;
    CHECK(run({"drain", folder.ipc("gone").text(), "-t", "300ms"}).exit == Exit::with(3));

    std::atomic<bool> drained = false;
    ScriptedAdmin replaced([&](const std::string& verb, const auto&) {
        AdminReply reply{200, store_status()};
        if (drained)
            reply.json["process"] = 4712;
        if (verb == "drain") {
            drained = true;
            reply.json = nlohmann::ordered_json{{"deadline_ms", 60'000}};
        }
        return reply;
    });
    const Completed again = run({"drain", replaced.endpoint()});
    CHECK(again.exit == Exit::with(0));
    CHECK(has(again.error, "another process took its place"));

    ScriptedAdmin told([](const std::string& verb, const auto&) {
        return verb == "drain" ? AdminReply{200, {{"deadline_ms", 60'000}}}
                               : AdminReply{200, store_status()};
    });
    const Completed left = run({"drain", told.endpoint(), "--no-wait"});
    CHECK(left.exit == Exit::with(0));
    CHECK(has(left.error, "gone within 1m"));
}

TEST_CASE("zmq top: frames as text where there is no terminal") {
    std::atomic<int> accepted = 100;
    ScriptedAdmin daemon([&](const auto&, const auto&) {
        return AdminReply{200, store_status("ready", accepted += 50)};
    });
    ScratchFolder folder;
    const Completed frames = run({"top", daemon.endpoint(), folder.ipc("gone").text(), "--batch",
                                  "2", "-i", "10ms", "-t", "1s"});
    CHECK(frames.exit == Exit::with(4));
    CHECK(has(frames.output, "2 daemons, 1 unreachable"));
    CHECK(has(frames.output, "mail   orders  plain      5           -\n"));
    CHECK(has(frames.output, "mail   orders  plain      5          50\n"));
    const Completed queues = run({"top", daemon.endpoint(), "--batch", "1", "--kind", "queue"});
    CHECK(queues.exit == Exit::with(0));
    CHECK_FALSE(has(queues.output, "program"));
    ScriptedAdmin drains(draining);
    CHECK(run({"top", drains.endpoint(), "--batch", "1"}).exit == Exit::with(4));
    const Completed dead =
        run({"top", folder.ipc("gone").text(), "--batch", "1", "-i", "10ms", "-t", "300ms"});
    CHECK(dead.exit == Exit::with(3));
    CHECK(has(dead.output, "1 daemon, 1 unreachable"));
    const Completed none = run({"top", daemon.endpoint()});
    CHECK(none.exit == Exit::with(2));
    CHECK(has(none.error, "--batch"));
}
