// SPDX-License-Identifier: Apache-2.0
// What clients and workers in the field do, seen from outside flotilla-broker: each frame as they
// send it. Where the RFCs leave it open, only what others notice is checked.
#include <flotilla/base/time.hpp>

#include <process/broker/broker_program.hpp>

#include <csignal>
#include <optional>

using namespace flotilla;
using namespace flotilla::test;

namespace {

// Long enough that silence ends nobody during a test.
Daemon start_patient(std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--heartbeat", "1m", "--drain", "100ms"});
    return start_broker_anywhere(std::move(more));
}

std::string mmi(net::Socket& client, std::string_view service, std::string_view body) {
    ask(client, service, body);
    return answer_of(client);
}

void wait_served(net::Socket& client, std::string_view service, std::string_view status) {
    const Instant deadline = deadline_after(net::now(), patience);
    while (mmi(client, "mmi.service", service) != status)
        REQUIRE(net::now() < deadline);
}

void wait_counters(Daemon& daemon, const std::string& part) {
    std::string seen;
    while (!has(seen, part)) {
        daemon.process.signal(SIGUSR1);
        const auto line = daemon.process.wait_line(Stream::error, "broker_counters");
        REQUIRE(line);
        seen = *line;
    }
}

void check_ends_well(Daemon& daemon) {
    daemon.process.signal(SIGTERM);
    const auto exit = daemon.process.wait_exit();
    REQUIRE(exit);
    CHECK_FALSE(exit->killed);
}

} // namespace

TEST_CASE("habit: a worker that works in silence keeps its request", "[interop][broker]") {
    Daemon daemon = start_broker_anywhere({"--heartbeat", "50ms", "--liveness", "2", "--requeue"});
    auto context = net::Context::open();
    auto worker = dealer(*context, daemon.endpoints[0]);
    auto client = dealer(*context, daemon.endpoints[0]);
    ready(worker, "slow");
    ask(client, "slow", "x");
    const Taken taken = take(worker);
    // The broker's own heartbeats are the clock: ten times what an idle worker may be silent.
    for (int heartbeats = 0; heartbeats < 20; ++heartbeats) {
        const wire::Frames message = next(worker);
        REQUIRE(message.size() == 2);
        REQUIRE(message[1] == ByteView{"\x05"});
    }
    answer(worker, taken, "done at last");
    CHECK(answer_of(client) == "done at last");
    // Idle and still silent, it is given up.
    wait_served(client, "slow", "404");
    check_ends_well(daemon);
}

TEST_CASE("habit: requests of clients that left are not worked on", "[interop][broker]") {
    Daemon daemon = start_patient();
    auto context = net::Context::open();
    for (int i = 0; i < 3; ++i) { // times out, and comes back under a new address
        auto impatient = dealer(*context, daemon.endpoints[0]);
        ask(impatient, "later", "given up");
        wait_counters(daemon, "queued_now=1");
        (void)impatient.close(0s);
        wait_counters(daemon, "queued_now=0");
    }
    auto client = dealer(*context, daemon.endpoints[0]);
    ask(client, "later", "wanted");
    auto worker = dealer(*context, daemon.endpoints[0]);
    ready(worker, "later");
    const Taken taken = take(worker);
    CHECK(taken.body == "wanted");
    answer(worker, taken, "here");
    CHECK(answer_of(client) == "here");
    check_ends_well(daemon);
}

TEST_CASE("habit: a worker that dies at work is found out long before any heartbeat",
          "[interop][broker]") {
    Daemon daemon = start_patient({"--requeue"});
    auto context = net::Context::open();
    auto client = dealer(*context, daemon.endpoints[0]);
    std::optional<net::Socket> first = dealer(*context, daemon.endpoints[0]);
    ready(*first, "work");
    ask(client, "work", "x");
    CHECK(take(*first).body == "x");
    (void)first->close(0s);
    first.reset();
    auto second = dealer(*context, daemon.endpoints[0]);
    ready(second, "work");
    const Taken taken = take(second);
    CHECK(taken.body == "x");
    answer(second, taken, "y");
    CHECK(answer_of(client) == "y");
    check_ends_well(daemon);
}

TEST_CASE("habit: an empty frame before a header of 0.2 is accepted, and answered alike",
          "[interop][broker]") {
    Daemon daemon = start_patient();
    auto context = net::Context::open();
    auto worker = dealer(*context, daemon.endpoints[0]);
    auto client = dealer(*context, daemon.endpoints[0]);
    send(worker, {"", "MDPW02", "\x01", "echo"});
    send(client, {"", "MDPC02", "\x01", "echo", "x"});
    const wire::Frames request = next(worker);
    REQUIRE(request.size() == 6);
    CHECK(request[0].empty());
    CHECK(request[1] == ByteView{"MDPW02"});
    send(worker, {"", "MDPW02", "\x04", request[3], "", "y"});
    const wire::Frames reply = next(client);
    REQUIRE(reply.size() == 5);
    CHECK(reply[0].empty());
    CHECK(reply[1] == ByteView{"MDPC02"});
    CHECK(reply[4] == ByteView{"y"});
    check_ends_well(daemon);
}

TEST_CASE("habit: a reply without the empty frame is accepted", "[interop][broker]") {
    Daemon daemon = start_patient();
    auto context = net::Context::open();
    auto worker = dealer(*context, daemon.endpoints[0]);
    auto client = dealer(*context, daemon.endpoints[0]);
    ready(worker, "echo");
    ask(client, "echo", "x");
    send(worker, {"MDPW02", "\x04", take(worker).address, "y"});
    CHECK(answer_of(client) == "y");
    check_ends_well(daemon);
}

TEST_CASE("habit: a piece after the end goes to nobody, and its worker serves on",
          "[interop][broker]") {
    Daemon daemon = start_patient();
    auto context = net::Context::open();
    auto worker = dealer(*context, daemon.endpoints[0]);
    auto client = dealer(*context, daemon.endpoints[0]);
    ready(worker, "echo");
    ask(client, "echo", "x");
    const Taken taken = take(worker);
    answer(worker, taken, "y");
    send(worker, {"MDPW02", "\x03", taken.address, "", "late"});
    send(worker, {"MDPW02", "\x03", "nonsense", "", "stray"});
    CHECK(answer_of(client) == "y");
    ask(client, "echo", "z");
    answer(worker, take(worker), "again");
    CHECK(answer_of(client) == "again");
    check_ends_well(daemon);
}

TEST_CASE("habit: who is refused again and again is not answered at full speed",
          "[interop][broker]") {
    Daemon daemon = start_patient();
    auto context = net::Context::open();
    auto worker = dealer(*context, daemon.endpoints[0]);
    auto client = dealer(*context, daemon.endpoints[0]);
    constexpr int times = 500;
    for (int i = 0; i < times; ++i)
        ready(worker, "mmi.mine");
    wait_disconnect(worker);
    wait_counters(daemon, " workers_now=0 ");
    CHECK(mmi(client, "mmi.service", "mmi.mine") == "404");
    int more = 0;
    while (worker.receive(100ms))
        ++more;
    CHECK(more < times / 10);
    check_ends_well(daemon);
}

TEST_CASE("habit: a second READY ends the first registration", "[interop][broker]") {
    Daemon daemon = start_patient();
    auto context = net::Context::open();
    auto worker = dealer(*context, daemon.endpoints[0]);
    ready(worker, "one");
    ready(worker, "two");
    wait_disconnect(worker);
    auto client = dealer(*context, daemon.endpoints[0]);
    wait_served(client, "one", "404");
    CHECK(mmi(client, "mmi.service", "two") == "404");
    check_ends_well(daemon);
}

TEST_CASE("known failure of others: names of services are compared whole", "[interop][broker]") {
    Daemon daemon = start_patient();
    auto context = net::Context::open();
    auto client = dealer(*context, daemon.endpoints[0]);
    const std::string with_nul("a\0b", 3);
    const std::string longest(255, '\xff');
    auto first = dealer(*context, daemon.endpoints[0]);
    auto second = dealer(*context, daemon.endpoints[0]);
    ready(first, with_nul);
    ready(second, longest);
    wait_served(client, with_nul, "200");
    wait_served(client, longest, "200");
    for (const std::string& other : {std::string("a"), std::string("a\0", 2),
                                     std::string("a\0c", 3), with_nul + "c", longest.substr(1)})
        CHECK(mmi(client, "mmi.service", other) == "404");
    ask(client, with_nul, "x");
    answer(first, take(first), "y");
    CHECK(answer_of(client) == "y");
    check_ends_well(daemon);
}

TEST_CASE("known failure of others: a request does not make a service", "[interop][broker]") {
    Daemon daemon = start_patient();
    auto context = net::Context::open();
    auto client = dealer(*context, daemon.endpoints[0]);
    auto other = dealer(*context, daemon.endpoints[0]);
    ask(other, "nobody", "x");
    wait_counters(daemon, "queued_now=1");
    CHECK(mmi(client, "mmi.service", "nobody") == "404");
    CHECK(mmi(client, "mmi.nonsense", "") == "501");
    check_ends_well(daemon);
}

TEST_CASE("known failure of others: an idle worker answers for nobody", "[interop][broker]") {
    Daemon daemon = start_patient();
    auto context = net::Context::open();
    auto busy = dealer(*context, daemon.endpoints[0]);
    auto client = dealer(*context, daemon.endpoints[0]);
    ready(busy, "echo");
    ask(client, "echo", "x");
    const Taken taken = take(busy);
    auto idle = dealer(*context, daemon.endpoints[0]);
    ready(idle, "echo");
    answer(idle, taken, "forged");
    wait_counters(daemon, "running_now=1");
    answer(busy, taken, "true");
    CHECK(answer_of(client) == "true");
    check_ends_well(daemon);
}

TEST_CASE("known failure of others: messages that are none end nothing", "[interop][broker]") {
    Daemon daemon = start_patient();
    auto context = net::Context::open();
    auto worker = dealer(*context, daemon.endpoints[0]);
    auto client = dealer(*context, daemon.endpoints[0]);
    ready(worker, "echo");
    const std::string long_name(256, 'x');
    const std::vector<std::vector<std::string>> strange{{""},
                                                        {"", ""},
                                                        {"MDPC02"},
                                                        {"MDPW02"},
                                                        {"", "MDPC01"},
                                                        {"", "MDPW01"},
                                                        {"FLR1"},
                                                        {"MDPC02", "\x01"},
                                                        {"MDPC02", "\x01", "echo"},
                                                        {"MDPC02", "\x01", ""},
                                                        {"MDPC02", "\x01", "", "x"},
                                                        {"MDPC02", "\x01", long_name, "x"},
                                                        {"MDPC02", "\x07", "echo"},
                                                        {"MDPC03", "\x01", "echo", "x"},
                                                        {"MDPW02", "\x01"},
                                                        {"MDPW02", "\x01", ""},
                                                        {"MDPW02", "\x01", long_name},
                                                        {"MDPW02", "\x04"},
                                                        {"MDPW02", "\x04", "x"},
                                                        {"MDPW02", "\x04", "x", "", "y"},
                                                        {"MDPW02", "\x09"},
                                                        {"", "MDPW01", "\x03"},
                                                        {"", "MDPC0X", "echo"},
                                                        {"GET / HTTP/1.1"},
                                                        {"FLR1", "request"},
                                                        {"FLR1", "sing", "1"}};
    for (const auto& texts : strange) {
        auto stranger = dealer(*context, daemon.endpoints[0]);
        wire::Frames frames;
        for (const std::string& text : texts)
            frames.add(ByteView{text});
        send(stranger, std::move(frames));
        (void)stranger.close(1s);
        ask(client, "echo", texts[0]);
        const Taken taken = take(worker);
        CHECK(taken.body == texts[0]);
        answer(worker, taken, taken.body);
        CHECK(answer_of(client) == texts[0]);
    }
    check_ends_well(daemon);
}

TEST_CASE("habit: bodies of one empty frame, of 100 frames and of 10 MiB pass whole",
          "[interop][broker]") {
    Daemon daemon = start_patient();
    auto context = net::Context::open();
    auto worker = dealer(*context, daemon.endpoints[0]);
    auto client = dealer(*context, daemon.endpoints[0]);
    ready(worker, "echo");
    const std::string large(10 << 20, 'x');
    for (const std::vector<std::string>& body :
         {std::vector<std::string>{""}, std::vector<std::string>(100, "frame"), {large}}) {
        wire::Frames request{"MDPC02", "\x01", "echo"};
        for (const std::string& frame : body)
            request.add(ByteView{frame});
        send(client, std::move(request));
        wire::Frames taken = next(worker);
        REQUIRE(taken.size() == 4 + body.size());
        wire::Frames reply{"MDPW02", "\x04", taken[2], ""};
        for (std::size_t i = 0; i < body.size(); ++i) {
            CHECK(taken[4 + i] == ByteView{body[i]});
            reply.add(std::move(taken[4 + i]));
        }
        send(worker, std::move(reply));
        const wire::Frames answer = next(client);
        REQUIRE(answer.size() == 3 + body.size());
        CHECK(answer[3] == ByteView{body[0]});
    }
    check_ends_well(daemon);
}

TEST_CASE("habit: pieces of an answer reach a client of 0.2, and the end one of 0.1",
          "[interop][broker]") {
    Daemon daemon = start_patient();
    auto context = net::Context::open();
    auto worker = dealer(*context, daemon.endpoints[0]);
    ready(worker, "parts");
    const auto serve = [&worker] {
        const Taken taken = take(worker);
        for (const char* piece : {"1", "2"})
            send(worker, {"MDPW02", "\x03", taken.address, "", piece});
        answer(worker, taken, "3");
    };
    auto newer = dealer(*context, daemon.endpoints[0]);
    ask(newer, "parts", "x");
    serve();
    for (const char* piece : {"1", "2"}) {
        const wire::Frames partial = next(newer);
        REQUIRE(partial.size() == 4);
        CHECK(partial[1] == ByteView{"\x02"});
        CHECK(partial[3] == ByteView{piece});
    }
    CHECK(answer_of(newer) == "3");
    auto older = dealer(*context, daemon.endpoints[0]);
    send(older, {"", "MDPC01", "parts", "x"});
    serve();
    const wire::Frames reply = next(older);
    REQUIRE(reply.size() == 4);
    CHECK(reply[1] == ByteView{"MDPC01"});
    CHECK(reply[3] == ByteView{"3"});
    check_ends_well(daemon);
}
