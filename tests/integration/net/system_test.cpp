// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/system.hpp>

#include <support/catch.hpp>

using namespace flotilla;
using namespace flotilla::net;

TEST_CASE("system: the recent time is never ahead of the time", "[integration][net]") {
    for (int i = 0; i < 1000; ++i) {
        const Instant recent = recent_now();
        REQUIRE(recent <= now());
        REQUIRE(now() - recent < 10s);
    }
}
