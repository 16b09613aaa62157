// SPDX-License-Identifier: Apache-2.0
// zmq top on a real terminal, of daemons that come and go.
#include "tmux.hpp"

#include <support/scripted_admin.hpp>

#include <csignal>

using namespace flotilla;
using namespace flotilla::test;

namespace {

std::vector<std::string> top(std::vector<std::string> words) {
    words.insert(words.begin(), {FLOTILLA_ZMQ_PROGRAM, "top"});
    words.insert(words.end(), {"-i", "100ms", "-t", "2s"});
    return words;
}

Process start_store(const ScratchFolder& folder) {
    Process store =
        Process::start({FLOTILLA_STORE_PROGRAM, "--bind", "tcp://127.0.0.1:*", "--admin",
                        folder.ipc("admin").text(), "--data", folder.file("data"),
                        "--write-ahead-bytes", "1MiB", "--instance", "orders", "--ready-json"});
    return store;
}

std::string zmq(const std::string& store, std::vector<std::string> words,
                std::string_view input = {}) {
    words.insert(words.begin(), FLOTILLA_ZMQ_PROGRAM);
    words.insert(words.end(), {"--store", store});
    const Completed done = run_program(words, input);
    INFO(done.error);
    CHECK(done.exit == Exit::with(0));
    return done.output;
}

} // namespace

TEST_CASE("zmq top: keys, a resize, and the way out leave a usable terminal") {
    std::atomic<int> accepted = 0;
    ScriptedAdmin daemon([&](const auto&, const auto&) {
        return AdminReply{200, store_status("ready", accepted += 250)};
    });
    Tmux terminal(100, 20, top({daemon.endpoint()}));
    REQUIRE(terminal.shows("zmq top  1 daemon "));
    REQUIRE(terminal.shows("[daemons]  queues"));
    terminal.press({"Tab"});
    REQUIRE(terminal.shows(" daemons  [queues]"));
    REQUIRE(terminal.shows("> mail   plain      5         250"));
    terminal.press({"Down"});
    REQUIRE(terminal.shows("> work"));
    terminal.press({"s"});
    REQUIRE(terminal.shows("*ready"));
    terminal.press({"/", "m", "a", "Enter"});
    REQUIRE(terminal.stops_showing("work"));
    terminal.press({"Escape"});
    REQUIRE(terminal.shows("work"));
    terminal.press({"?"});
    REQUIRE(terminal.shows("sort by the next column"));
    terminal.press({"x"});
    REQUIRE(terminal.stops_showing("sort by the next column"));
    terminal.press({"Enter"});
    REQUIRE(terminal.shows("Waiting."));
    terminal.press({"Enter", "p"});
    REQUIRE(terminal.shows("PAUSED"));
    terminal.press({"p"});

    terminal.resize(30, 6);
    REQUIRE(terminal.stops_showing("accepted/s"));
    terminal.resize(5, 2);
    REQUIRE(terminal.shows("zmq"));
    REQUIRE(terminal.stops_showing("zmq top"));
    terminal.resize(120, 30);
    REQUIRE(terminal.shows("accepted/s"));
    terminal.press({"q"});
    CHECK(terminal.exit_code() == "0");
}

TEST_CASE("zmq top: daemons that go, come back as others, and are not there at all") {
    ScratchFolder folder;
    const net::Endpoint place = folder.ipc("admin");
    std::atomic<int> accepted = 1'000'000;
    auto daemon = std::make_unique<ScriptedAdmin>(
        [&](const auto&, const auto&) {
            return AdminReply{200, store_status("ready", accepted += 500)};
        },
        place);
    Tmux terminal(110, 20, top({place.text(), folder.ipc("nobody").text(), "--kind", "queue"}));
    REQUIRE(terminal.shows("2 daemons, 1 unreachable"));
    REQUIRE(terminal.shows("nobody: unreachable"));
    REQUIRE(terminal.shows("mail   orders  plain      5         500"));
    daemon.reset();
    REQUIRE(terminal.shows("2 daemons, 2 unreachable"));
    REQUIRE(terminal.stops_showing("mail"));
    // Another process in its place, whose counters begin at nothing.
    std::atomic<int> anew = 0;
    daemon = std::make_unique<ScriptedAdmin>(
        [&](const auto&, const auto&) {
            AdminReply reply{200, store_status("draining", anew += 70)};
            reply.json["process"] = 4712;
            return reply;
        },
        place);
    REQUIRE(terminal.shows("2 daemons, 1 unreachable"));
    REQUIRE(terminal.shows("orders: not ready: draining"));
    REQUIRE(terminal.shows("mail   orders  plain      5          70"));
    terminal.press({"C-c"});
    CHECK(terminal.exit_code() == "130");
}

TEST_CASE("zmq top: a store with traffic") {
    ScratchFolder folder;
    Process store = start_store(folder);
    const auto line = store.wait_line(Stream::output);
    REQUIRE(line);
    const std::string endpoint = nlohmann::json::parse(*line).at("endpoints").at(0);
    zmq(endpoint, {"queue", "create", "mail"});
    zmq(endpoint, {"queue", "create", "work"});
    zmq(endpoint, {"queue", "put", "mail", "-n", "7", "one"});
    Tmux terminal(160, 24, top({folder.ipc("admin").text()}));
    REQUIRE(terminal.shows("orders"));
    REQUIRE(terminal.shows("flotilla-store"));
    REQUIRE(terminal.shows("[daemons]"));
    REQUIRE(terminal.shows(" queues "));
    terminal.press({"Tab"}); // once: what a key does may show later than the next key is pressed
    REQUIRE(terminal.shows("[queues]"));
    REQUIRE(terminal.shows("mail"));
    const auto is_ready = [](const std::string& screen, const std::string& queue,
                             const std::string& count) {
        const std::size_t at = screen.find(" " + queue + " ");
        return at != screen.npos &&
               screen.substr(at, screen.find('\n', at) - at).find(" " + count + " ") != screen.npos;
    };
    const std::string seen =
        terminal.wait_for([&](const std::string& screen) { return is_ready(screen, "mail", "7"); });
    INFO(seen);
    CHECK(is_ready(seen, "mail", "7"));
    zmq(endpoint, {"queue", "put", "work", "-n", "12", "two"});
    const std::string later = terminal.wait_for(
        [&](const std::string& screen) { return is_ready(screen, "work", "12"); });
    INFO(later);
    CHECK(is_ready(later, "work", "12"));
    store.signal(SIGTERM);
    CHECK(store.wait_exit() == Exit::with(0));
    REQUIRE(terminal.shows("1 daemon, 1 unreachable"));
    terminal.press({"q"});
    CHECK(terminal.exit_code() == "0");
}
