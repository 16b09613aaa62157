// SPDX-License-Identifier: Apache-2.0
// What libzmq holds back from a sender: room that there is again, bytes that nobody has read.
#include <flotilla/net/ipc_tail.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>

#include <sched.h>
#include <support/catch.hpp>
#include <support/patience.hpp>
#include <support/scratch.hpp>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>

using namespace flotilla;
using namespace flotilla::net;

namespace {

using flotilla::test::patience;

SocketOptions queues_of(std::uint32_t messages) {
    SocketOptions options;
    options.send_messages_max = messages;
    options.receive_messages_max = messages;
    return options;
}

// The threads of this process with such a name share one processor with a busy thread that comes
// before them, until this ends.
class StarvedThreads {
public:
    explicit StarvedThreads(std::string_view name) {
        cpu_set_t first;
        CPU_ZERO(&first);
        CPU_SET(::sched_getcpu(), &first);
        for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
            std::string comm;
            std::getline(std::ifstream(task.path() / "comm"), comm);
            if (comm.find(name) == std::string::npos)
                continue;
            const int thread = std::stoi(task.path().filename().string());
            REQUIRE(::sched_setaffinity(thread, sizeof first, &first) == 0);
            REQUIRE(::setpriority(PRIO_PROCESS, static_cast<id_t>(thread), 10) == 0);
        }
        busy_ = std::jthread([first](const std::stop_token& stop) {
            (void)::sched_setaffinity(0, sizeof first, &first);
            while (!stop.stop_requested()) {
            }
        });
    }

private:
    std::jthread busy_;
};

} // namespace

TEST_CASE("socket: a send that does not wait sees room as soon as there is some",
          "[integration][net]") {
    auto context = Context::open();
    REQUIRE(context.has_value());
    auto to = Socket::open(*context, SocketType::pull, queues_of(2));
    auto from = Socket::open(*context, SocketType::push, queues_of(2));
    REQUIRE((to.has_value() && from.has_value()));
    const Endpoint at = test::fresh_inproc();
    REQUIRE(to->bind(at));
    REQUIRE(from->connect(at));
    while (from->send("fill", 0s)) {
    }
    for (int i = 0; i < 1'000; ++i) {
        for (int n = 0; n < 2; ++n) // the reader reports what it took in twos
            REQUIRE(to->receive(patience).has_value());
        for (int n = 0; n < 2; ++n)
            REQUIRE(from->send("again", 0s));
    }
}

TEST_CASE("ipc tail: counts what readers have left in the kernel", "[integration][net]") {
    const test::ScratchFolder folder;
    const Endpoint at = folder.ipc("tail");
    for (const Attach how : {Attach::bind, Attach::connect}) {
        auto context = Context::open();
        REQUIRE(context.has_value());
        auto to = Socket::open(*context, SocketType::pull, queues_of(1));
        auto from = Socket::open(*context, SocketType::push, queues_of(1));
        REQUIRE((to.has_value() && from.has_value()));
        REQUIRE((how == Attach::bind ? from : to)->attach({at, Attach::bind}).has_value());
        REQUIRE((how == Attach::bind ? to : from)->attach({at, Attach::connect}).has_value());
        const Attachment sender{at, how};
        std::uint64_t sent = 0;
        // Refused for a while, although nothing is in the kernel: not connected yet.
        const Instant deadline = net::now() + patience;
        do {
            while (from->send(std::string(10'000, 'm'), 50ms))
                ++sent;
        } while (ipc_unread_bytes(sender) == 0 && net::now() < deadline);
        CHECK(ipc_unread_bytes(sender) > 0);
        CHECK(ipc_unread_bytes({folder.ipc("other"), how}) == 0);
        CHECK(ipc_unread_bytes({*Endpoint::parse("tcp://127.0.0.1:1"), how}) == 0);
        IpcTail tail;
        tail.add(sender);
        CHECK_FALSE(tail.wait_read(net::now() + 5ms));
        for (std::uint64_t i = 0; i < sent; ++i)
            REQUIRE(to->receive(patience).has_value());
        CHECK(tail.wait_read(net::now() + patience));
        CHECK(ipc_unread_bytes(sender) == 0);
    }
}

TEST_CASE("ipc tail: what libzmq has yet to write is not read", "[integration][net]") {
    const test::ScratchFolder folder;
    const Endpoint at = folder.ipc("starved");
    auto context = Context::open();
    REQUIRE(context.has_value());
    auto to = Socket::open(*context, SocketType::pull, queues_of(10'000));
    auto from = Socket::open(*context, SocketType::push, queues_of(10'000));
    REQUIRE((to.has_value() && from.has_value()));
    REQUIRE(to->bind(at).has_value());
    REQUIRE(from->connect(at));
    REQUIRE(from->send("greeting", patience));
    REQUIRE(to->receive(patience).has_value());
    IpcTail tail;
    tail.add({at, Attach::connect});
    REQUIRE(tail.wait_read(net::now() + patience));

    // From here on libzmq's thread runs when nobody else wants its processor, and somebody does.
    const StarvedThreads starved("ZMQbg/IO");
    constexpr int messages = 5'000;
    for (int i = 0; i < messages; ++i)
        REQUIRE(from->send("message", patience));
    REQUIRE(tail.wait_read(net::now() + patience));
    for (int i = 0; i < messages; ++i)
        REQUIRE(to->receive(0s).has_value());
}

TEST_CASE("socket: close tells whether everything was sent", "[integration][net]") {
    const test::ScratchFolder folder;
    auto context = Context::open();
    REQUIRE(context.has_value());
    auto nobody = Socket::open(*context, SocketType::push);
    REQUIRE(nobody.has_value());
    REQUIRE(nobody->connect(folder.ipc("nobody")));
    REQUIRE(nobody->send("lost", 0s));
    CHECK_FALSE(nobody->close(5ms));

    auto to = Socket::open(*context, SocketType::pull);
    auto from = Socket::open(*context, SocketType::push);
    REQUIRE((to.has_value() && from.has_value()));
    const auto at = to->bind(test::any_tcp());
    REQUIRE(at.has_value());
    REQUIRE(from->connect(*at));
    for (int i = 0; i < 500; ++i)
        REQUIRE(from->send("message", patience));
    CHECK(from->close(patience));
    for (int i = 0; i < 500; ++i)
        REQUIRE(to->receive(patience).has_value());
}
