// SPDX-License-Identifier: Apache-2.0
#include "broker_world.hpp"

#include <support/hops.hpp>

using namespace flotilla;
using namespace flotilla::request;
using wire::Frames;

namespace {

Frames traced_request(const std::string& id, const std::string& envelope) {
    return Frames{"FLR1", "request", id, "echo", "", "hello", envelope};
}

} // namespace

TEST_CASE("a broker adds a hop to requests and answers with an envelope, and to no other") {
    BrokerOptions options;
    options.hop_instance = "front";
    BrokerWorld world("inproc://broker", std::move(options));
    net::Socket client = world.connect();
    net::Socket worker = world.connect();
    BrokerWorld::say(client, traced_request("1", test::traced_envelope()));
    REQUIRE(world.hears_nothing(client)); // it waits for a worker
    const WallTime ready = net::wall_now();
    BrokerWorld::say(worker, Frames{"FLR1", "ready", "", "echo", "capacity=4\n"});
    Frames request = world.hear(worker);
    const auto hops = test::hops_in(request.back());
    REQUIRE(hops.size() == 1);
    CHECK(hops[0].kind == "broker");
    CHECK(hops[0].instance == "front");
    CHECK(hops[0].came <= ready);
    CHECK(hops[0].left + 1us > ready);

    BrokerWorld::say(worker, Frames{"FLR1", "final", request[2], "", "", "world", request.back()});
    const Frames answer = world.hear(client);
    CHECK(test::hops_in(answer.back()).size() == 2);

    BrokerWorld::say(client, traced_request("2", "no envelope"));
    CHECK(world.hear(worker).back() == ByteView{"no envelope"});
    BrokerWorld::say(client, Frames{"FLR1", "request", "3", "echo", "", test::traced_envelope()});
    CHECK(world.hear(worker).back() == ByteView{test::traced_envelope()});
}

TEST_CASE("a broker that is not told to records no hops") {
    BrokerWorld world("inproc://broker");
    net::Socket client = world.connect();
    net::Socket worker = world.connect();
    BrokerWorld::say(worker, Frames{"FLR1", "ready", "", "echo", "capacity=4\n"});
    BrokerWorld::say(client, traced_request("1", test::traced_envelope()));
    CHECK(world.hear(worker).back() == ByteView{test::traced_envelope()});
}
