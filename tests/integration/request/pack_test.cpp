// SPDX-License-Identifier: Apache-2.0
//
// Packs between a broker and its workers, over sockets.
#include "broker_world.hpp"

#include <flotilla/request/codec.hpp>
#include <flotilla/request/message_pack.hpp>

#include <support/catch.hpp>

#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::request;
using wire::Frames;

namespace {

Frames ready_saying(std::string_view options) {
    return {"FLR1", "ready", "", "work", options};
}

// Each asks, and nobody waits in between, so that the broker decides over many at once.
void ask(net::Socket& client, int first, int behind) {
    for (int i = first; i < behind; ++i)
        BrokerWorld::say(client, {"MDPC02", "\x01", "work", std::to_string(i)});
}

struct Heard {
    std::vector<Message> requests{};
    int packs = 0;
};

Heard hear_requests(BrokerWorld& world, net::Socket& worker, std::size_t count) {
    Heard heard;
    while (heard.requests.size() < count) {
        Frames frames = world.hear(worker);
        if (!PackReader::is_pack(frames)) {
            heard.requests.push_back(std::move(*read_at_worker(frames)));
            continue;
        }
        ++heard.packs;
        PackReader reader(std::move(frames), PackReader::At::worker);
        while (auto message = reader.next())
            heard.requests.push_back(std::move(**message));
    }
    return heard;
}

} // namespace

TEST_CASE("pack: a worker that reads packs is given them, and answers in them") {
    BrokerWorld world("inproc://packs");
    net::Socket client = world.connect();
    net::Socket worker = world.connect();
    ask(client, 0, 40); // before anybody is there
    world.until([&] { return world.broker->levels().queued == 40; });
    BrokerWorld::say(worker, ready_saying("capacity=100\npacks=yes\n"));
    Heard heard = hear_requests(world, worker, 40);
    CHECK(heard.packs == 1);
    PackWriter answers;
    for (int i = 0; i < 40; ++i) {
        Message& request = heard.requests[static_cast<std::size_t>(i)];
        CHECK(request.body[0] == ByteView{std::to_string(i)});
        Message answer;
        answer.side = Side::worker;
        answer.verb = Verb::final;
        answer.address = std::move(request.address);
        answer.body = std::move(request.body);
        answers.add(answer);
    }
    Frames pack;
    answers.finish(pack);
    BrokerWorld::say(worker, std::move(pack));
    for (int i = 0; i < 40; ++i)
        CHECK(world.hear(client).back() == ByteView{std::to_string(i)});
    CHECK(world.broker->counters().answered_total == 40);
    CHECK(world.broker->levels().workers_waiting == 1);
}

TEST_CASE("pack: a worker that does not say so is given no packs") {
    BrokerWorld world("inproc://no-packs");
    net::Socket client = world.connect();
    net::Socket worker = world.connect();
    ask(client, 0, 40);
    world.until([&] { return world.broker->levels().queued == 40; });
    BrokerWorld::say(worker, ready_saying("capacity=100\n"));
    CHECK(hear_requests(world, worker, 40).packs == 0);
}

TEST_CASE("pack: what is wrong in a pack ends the worker, and its requests go to another") {
    BrokerOptions options;
    options.limits.service.requeue = true;
    BrokerWorld world("inproc://wrong-pack", options);
    net::Socket client = world.connect();
    net::Socket first = world.connect();
    ask(client, 0, 10);
    world.until([&] { return world.broker->levels().queued == 10; });
    BrokerWorld::say(first, ready_saying("capacity=100\npacks=yes\n"));
    hear_requests(world, first, 10);
    BrokerWorld::say(first, {"FLR1", "pack", "", "", "", "nonsense"});
    CHECK(world.hear(first)[1] == ByteView{"disconnect"});
    CHECK(world.broker->counters().malformed_total == 1);
    net::Socket second = world.connect();
    BrokerWorld::say(second, ready_saying("capacity=100\n"));
    CHECK(hear_requests(world, second, 10).requests.size() == 10);
}

TEST_CASE("pack: packs that wait for a worker that never reads go to another, whole") {
    BrokerOptions options;
    options.backlog_messages_max = 10;
    options.limits.held_messages_max = 10'000; // more than libzmq takes
    options.limits.heartbeat = 1h;             // so that only requests wait
    BrokerWorld world("inproc://deaf-packs", options);
    net::SocketOptions small;
    small.receive_messages_max = 1;
    net::Socket deaf = world.connect(net::SocketType::dealer, small);
    BrokerWorld::say(deaf, ready_saying("capacity=10000\npacks=yes\n"));
    world.until([&] { return world.broker->levels().workers == 1; });
    net::Socket client = world.connect();
    int asked = 0;
    while (world.broker->counters().peers_too_slow_total == 0) {
        ask(client, asked, asked + 3);
        asked += 3;
        REQUIRE(asked < 9'000);
        REQUIRE(world.broker->process(0ms));
    }
    world.until([&] { return world.broker->levels().workers == 0; });
    const auto all = static_cast<std::uint64_t>(asked);
    world.until([&] { return world.broker->counters().accepted_total == all; });
    // Those in the ten packs that waited, in the one too many, and what came after it.
    const BrokerShellCounters counters = world.broker->counters();
    CHECK(counters.requeued_total >= 22);
    CHECK(counters.failed_total + world.broker->levels().queued == all);
    net::Socket worker = world.connect();
    BrokerWorld::say(worker, ready_saying("capacity=10000\n"));
    const auto left = static_cast<std::size_t>(all - counters.failed_total);
    const Heard heard = hear_requests(world, worker, left);
    for (std::size_t i = 0; i < left; ++i)
        CHECK(heard.requests[i].body[0] == ByteView{std::to_string(counters.failed_total + i)});
}
