// SPDX-License-Identifier: Apache-2.0
// Producers and consumers of other libraries, written from docs/protocol/queue.md, at one store.
#include <process/store/store_program.hpp>

#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::test;

namespace {

const std::string examples = FLOTILLA_QUEUE_EXAMPLES;
const std::string script = FLOTILLA_INTEROP_FOLDER "/peers/queue.js";

std::string messages(int count) {
    std::string lines;
    for (int i = 0; i < count; ++i)
        lines += "message " + std::to_string(i) + "\n";
    return lines;
}

Completed run(std::vector<std::string> command, std::string_view input = {}) {
    Completed done = run_program(command, input);
    INFO(command[0] << ": " << done.error);
    REQUIRE(done.exit == Exit::with(0));
    return done;
}

struct Shop {
    ScratchFolder scratch{};
    Store store = start_store_in(scratch.file("data"), {"--auto-create", "q"});
    std::string at = store.endpoints[0];
};

} // namespace

TEST_CASE("store: zeromq.js puts, pyzmq takes", "[interop][store]") {
    Shop shop;
    run({"node", script, "put", shop.at, "q", "100"});
    CHECK(run({"/usr/bin/python3", examples + "/consumer.py", shop.at, "q"}).output ==
          messages(100));
}

TEST_CASE("store: pyzmq puts, zeromq.js takes", "[interop][store]") {
    Shop shop;
    run({"/usr/bin/python3", examples + "/producer.py", shop.at, "q"}, messages(100));
    CHECK(run({"node", script, "take", shop.at, "q", "100"}).output == messages(100));
}

TEST_CASE("store: a put that zeromq.js repeats is stored once", "[interop][store]") {
    Shop shop;
    run({"node", script, "put", shop.at, "q", "50"});
    run({"node", script, "put", shop.at, "q", "60"}); // the same producer, from the first on
    CHECK(run({"node", script, "take", shop.at, "q", "60"}).output == messages(60));
    net::Context context = *net::Context::open();
    RawPeer peer(context, shop.at);
    CHECK(peer.ask("take", "queue=q").verb == "empty");
}
