// SPDX-License-Identifier: Apache-2.0
#include <admin/http_wire.hpp>
#include <support/catch.hpp>
#include <sys/resource.h>

using namespace flotilla;
using namespace flotilla::admin;

TEST_CASE("http wire: without a descriptor it is not open, and ends at once", "[unit][admin]") {
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit none = before;
    none.rlim_cur = 0;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    bool is_open = true;
    {
        HttpWire wire([](HttpWire::Request&&) {});
        is_open = wire.is_open();
        wire.stop(30s);
    }
    ::setrlimit(RLIMIT_NOFILE, &before);
    CHECK_FALSE(is_open);
}
