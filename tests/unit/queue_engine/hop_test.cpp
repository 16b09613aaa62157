// SPDX-License-Identifier: Apache-2.0
#include "engine_rig.hpp"

#include <support/hops.hpp>

using namespace flotilla;
using namespace flotilla::queue;
using namespace flotilla::queue::test;
using flotilla::test::hops_in;
using flotilla::test::traced_envelope;

namespace {

StoreLimits recording() {
    StoreLimits limits;
    limits.hop_instance = "orders";
    return limits;
}

Put put_of(std::initializer_list<std::string> frames) {
    Put put;
    put.queue = "q";
    for (const std::string& frame : frames)
        put.body.add(ByteView{frame});
    return put;
}

std::string last_frame(const std::string& joined) {
    return joined.substr(joined.find('|') + 1);
}

} // namespace

TEST_CASE("a delivery notes when its message was stored and left, where it has an envelope") {
    for (const bool packed : {false, true}) {
        INFO("packed " << packed);
        EngineRig rig(recording());
        rig.create("q");
        const WallTime stored = rig.times.wall;
        rig.ask<PutOk>("producer", put_of({"body", traced_envelope()}));
        rig.ask<PutOk>("producer", put_of({"body", "no envelope"}));
        rig.ask<PutOk>("producer", put_of({traced_envelope()}));
        rig.pass(3s);
        rig.hello("worker", "q", 10, packed);
        const auto seen = rig.seen("worker");
        REQUIRE(seen.size() == 3);
        CHECK(seen[0].body.substr(0, 5) == "body|");
        CHECK(hops_in(last_frame(seen[0].body)) ==
              std::vector<wire::Hop>{{stored, stored + 3s, "store", "orders"}});
        CHECK(seen[1].body == "body|no envelope");
        CHECK(seen[2].body == traced_envelope());
    }
}

TEST_CASE("a message that is delivered again tells of this delivery alone") {
    EngineRig rig(recording());
    rig.create("q");
    rig.ask<PutOk>("producer", put_of({"body", traced_envelope()}));
    CHECK(hops_in(last_frame(rig.take("one", "q").at(0).body)).size() == 1);
    rig.pass(1h); // its lease is over
    rig.turns();
    const auto again = rig.take("two", "q");
    REQUIRE(again.size() == 1);
    const auto hops = hops_in(last_frame(again[0].body));
    REQUIRE(hops.size() == 1);
    CHECK(hops[0].left - hops[0].came == 1h);
}

TEST_CASE("a message that would grow beyond the store's limit goes out as it is") {
    StoreLimits limits = recording();
    limits.message_bytes_max = 1'200;
    EngineRig rig(limits);
    rig.create("q");
    rig.ask<PutOk>("producer", put_of({std::string(1'100, 'b'), traced_envelope()}));
    CHECK(last_frame(rig.take("one", "q").at(0).body) == traced_envelope());
}
