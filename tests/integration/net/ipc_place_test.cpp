// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/socket.hpp>

#include <support/catch.hpp>
#include <support/scratch.hpp>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

using namespace flotilla;
using namespace flotilla::net;

TEST_CASE("of two binds at once to the same ipc path one is refused", "[integration][net]") {
    const test::ScratchFolder folder;
    for (int round = 0; round < 20; ++round) {
        const Endpoint place = folder.ipc("race" + std::to_string(round));
        std::array<bool, 2> bound{};
        std::array<std::thread, 2> threads;
        std::array<std::optional<Socket>, 2> sockets; // both live until both have tried
        Context context = *Context::open();
        for (std::size_t i = 0; i < threads.size(); ++i)
            threads[i] = std::thread([&, i] {
                sockets[i] = *Socket::open(context, SocketType::pull);
                bound[i] = sockets[i]->bind(place).has_value();
            });
        for (std::thread& each : threads)
            each.join();
        CHECK(bound[0] != bound[1]);
    }
}

TEST_CASE("an ipc bind takes the path of a socket that was left behind, and nothing else's",
          "[integration][net]") {
    const test::ScratchFolder folder;
    Context context = *Context::open();
    auto first = Socket::open(context, SocketType::router);
    auto second = Socket::open(context, SocketType::router);
    REQUIRE((first && second));

    std::ofstream(folder.file("letter")) << "keep me";
    auto refused = first->bind(folder.ipc("letter"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::address_in_use);
    CHECK(refused.error().detail.find("is not a socket") != std::string::npos);

    refused = first->bind(folder.ipc("missing/socket"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::address_unavailable);
    CHECK(refused.error().detail.find("there is no folder " + folder.file("missing")) !=
          std::string::npos);
    CHECK(std::filesystem::file_size(folder.file("letter")) == 7);

    REQUIRE(first->bind(folder.ipc("live")));
    refused = second->bind(folder.ipc("live"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::address_in_use);

    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const std::string dead = folder.file("dead");
    dead.copy(name.sun_path, sizeof name.sun_path - 1);
    const int left_behind = ::socket(AF_UNIX, SOCK_STREAM, 0);
    REQUIRE(::bind(left_behind, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
    ::close(left_behind);
    CHECK(second->bind(folder.ipc("dead")));
}
