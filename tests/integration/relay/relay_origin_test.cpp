// SPDX-License-Identifier: Apache-2.0
// Replies of a queue reach who asked, and nobody else.
#include "harness.hpp"

#include <optional>

using namespace flotilla;
using namespace flotilla::relay;
using flotilla::net::SocketType;
using flotilla::wire::Frames;

TEST_CASE("relay: a reply to a request of an earlier relay reaches none of its clients",
          "[integration][relay]") {
    // The first clients of two ROUTERs of two processes have one routing id: libzmq counts from the
    // same number. Here the counting goes on, so the second relay's client is met by its number.
    std::optional<Served> first(on_tcp(Kind::queue));
    net::Socket old_client = first->front(SocketType::dealer);
    net::Socket old_service = first->back(SocketType::dealer);
    first->send(old_client, {"", "asked of the first"});
    const Texts old_request = first->next(old_service);
    REQUIRE(old_request.size() == 3);
    REQUIRE(old_request[0].front() == '\0');
    first.reset();

    Served second(on_tcp(Kind::queue));
    net::Socket client = second.front(SocketType::dealer);
    net::Socket service = second.back(SocketType::dealer);
    second.send(client, {"", "asked of the second"});
    const Texts request = second.next(service);
    REQUIRE(request.size() == 3);
    CHECK(request[0].size() == old_request[0].size());
    // This client's number, and the other relay's mark.
    const std::string stale = request[0].substr(0, 5) + old_request[0].substr(5);
    const std::string bare = request[0].substr(0, 5);
    for (const std::string& each : {stale, bare, std::string(1, '\0')})
        second.send(service, {ByteView{each}, "", "an answer of before"});
    second.send(service, {ByteView{request[0]}, "", "the answer"});
    CHECK(second.next(client) == Texts{"", "the answer"});
    CHECK(second.counters().out.dropped(Drop::unroutable) == 3);
    CHECK(second.counters().out.messages_total == 1);
    CHECK(second.counters().out.bytes_total == 5 + 10);
}

TEST_CASE("relay: a routing id that a client chose is what services see", "[integration][relay]") {
    Served served(on_tcp(Kind::queue));
    net::SocketOptions named;
    named.routing_id = "till 7";
    net::Socket client = served.front(SocketType::dealer, named);
    net::Socket service = served.back(SocketType::dealer);
    served.send(client, {"", "ask"});
    const Texts request = served.next(service);
    CHECK(request == Texts{"till 7", "", "ask"});
    served.send(service, {"till 7", "", "answer"});
    CHECK(served.next(client) == Texts{"", "answer"});
}
