// SPDX-License-Identifier: Apache-2.0
// Titanic without a store, and without a broker: it says whom it waits for.
#include <process/store/store_program.hpp>

using namespace flotilla;
using namespace flotilla::test;

TEST_CASE("titanic: says that no store answers, that no broker does, and when it serves",
          "[process][titanic]") {
    ScratchFolder scratch;
    const std::string broker_at = scratch.ipc("broker").text();
    const std::string store_at = scratch.ipc("store").text();
    Process titanic =
        Process::start({FLOTILLA_ZMQ_PROGRAM, "titanic", "-b", broker_at, "-s", store_at});
    REQUIRE(titanic.wait_line(Stream::error, "no store answers at " + store_at +
                                                 " yet; it is waited for; this says why: zmq "
                                                 "doctor " +
                                                 store_at));
    Process store = Process::start({store_program, "--bind", store_at, "--data",
                                    scratch.file("data"), "--write-ahead-bytes", "1MiB"});
    REQUIRE(titanic.wait_line(Stream::error, "the store answers"));
    REQUIRE(titanic.wait_line(Stream::error, "no broker answers at " + broker_at));
    CHECK_FALSE(has(titanic.text(Stream::error), "serving"));
    Process broker = Process::start({FLOTILLA_BROKER_PROGRAM, "--bind", broker_at});
    REQUIRE(titanic.wait_line(Stream::error, "serving titanic.request"));
    titanic.signal(15);
    CHECK(titanic.wait_exit() == Exit::with(143));
}
