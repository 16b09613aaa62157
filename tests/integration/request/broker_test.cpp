// SPDX-License-Identifier: Apache-2.0
//
// The broker and bare sockets that speak each dialect by hand, over every transport.
#include "broker_world.hpp"

#include <support/catch.hpp>
#include <support/scratch.hpp>

#include <string>

using namespace flotilla;
using namespace flotilla::request;
using wire::Frames;

namespace {

// A request to a worker with its token at `at`, handed back.
Blob token_of(const Frames& request, std::size_t at) {
    return request[at].share();
}

Frames with_token(std::initializer_list<ByteView> before, Blob token,
                  std::initializer_list<ByteView> behind) {
    Frames frames(before);
    frames.add(std::move(token));
    for (const ByteView each : behind)
        frames.add(each);
    return frames;
}

// Whoever speaks a dialect, as client and as worker.
struct Speaker {
    const char* name;
    net::SocketType client;
    Frames ask;                    // service echo, body "hello"
    Frames answered;               // body "world"
    Frames ready;                  // for echo
    std::size_t token_at;          // in the request
    Frames (*reply)(Blob&& token); // body "world"
};

std::vector<Speaker> speakers() {
    std::vector<Speaker> all;
    all.push_back({"0.1",
                   net::SocketType::req,
                   {"MDPC01", "echo", "hello"},
                   {"MDPC01", "echo", "world"},
                   {"", "MDPW01", "\x01", "echo"},
                   3,
                   [](Blob&& token) {
                       return with_token({"", "MDPW01", "\x03"}, std::move(token), {"", "world"});
                   }});
    all.push_back({"0.2",
                   net::SocketType::dealer,
                   {"MDPC02", "\x01", "echo", "hello"},
                   {"MDPC02", "\x03", "echo", "world"},
                   {"MDPW02", "\x01", "echo"},
                   2,
                   [](Blob&& token) {
                       return with_token({"MDPW02", "\x04"}, std::move(token), {"", "world"});
                   }});
    all.push_back({"flotilla",
                   net::SocketType::dealer,
                   {"FLR1", "request", "id", "echo", "", "hello"},
                   {"FLR1", "final", "id", "echo", "", "world"},
                   {"FLR1", "ready", "", "echo", "capacity=4\n"},
                   2,
                   [](Blob&& token) {
                       return with_token({"FLR1", "final"}, std::move(token), {"", "", "world"});
                   }});
    return all;
}

void mixed(const std::string& endpoint) {
    for (Speaker& asker : speakers())
        for (Speaker& doer : speakers()) {
            INFO(endpoint << ": a client of " << asker.name << " with a worker of " << doer.name);
            BrokerWorld world(endpoint);
            net::Socket client = world.connect(asker.client);
            net::Socket worker = world.connect();
            BrokerWorld::say(worker, std::move(doer.ready));
            BrokerWorld::say(client, asker.ask.share());
            Frames request = world.hear(worker);
            CHECK(request.back() == ByteView{"hello"});
            BrokerWorld::say(worker, doer.reply(token_of(request, doer.token_at)));
            CHECK(world.hear(client) == asker.answered);
            CHECK(world.broker->counters().answered_total == 1);
            CHECK(world.broker->levels().workers_waiting == 1);
        }
}

} // namespace

TEST_CASE("clients and workers of all dialects serve each other over tcp") {
    mixed("tcp://127.0.0.1:*");
}

TEST_CASE("clients and workers of all dialects serve each other over inproc") {
    mixed("inproc://broker");
}

TEST_CASE("clients and workers of all dialects serve each other over ipc") {
    test::ScratchFolder folder;
    mixed("ipc://" + folder.file("broker.sock"));
}
