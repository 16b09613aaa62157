// SPDX-License-Identifier: Apache-2.0
// What is lost when a consumer of a Pusher dies: what it had and what was on its way, no more.
#include <flotilla/net/socket.hpp>
#include <flotilla/pipeline/pusher.hpp>
#include <flotilla/wire/pack.hpp>

#include <support/catch.hpp>
#include <support/patience.hpp>
#include <support/scratch.hpp>

#include <optional>
#include <set>
#include <string>

using namespace flotilla;
using namespace flotilla::pipeline;
using flotilla::net::Attach;
using flotilla::net::Context;
using flotilla::net::Part;
using flotilla::net::Socket;
using flotilla::net::SocketOptions;
using flotilla::net::SocketType;

namespace {

using flotilla::test::patience;
constexpr std::uint64_t messages = 5'000;
constexpr std::uint32_t queue_messages = 100;    // at each end of each connection
constexpr std::uint64_t kernel_bytes = 64 << 10; // asked for; Linux doubles it
constexpr std::size_t message_bytes = 1'000;

SocketOptions small_queues() {
    SocketOptions options;
    options.receive_messages_max = queue_messages;
    options.kernel_send_bytes = kernel_bytes;
    options.kernel_receive_bytes = kernel_bytes;
    return options;
}

Socket consumer(Context& context, const net::Endpoint& at) {
    auto pull = Socket::open(context, SocketType::pull, small_queues());
    REQUIRE(pull);
    REQUIRE(pull->connect(at));
    return std::move(*pull);
}

} // namespace

TEST_CASE("what dies with a consumer is lost to a Pusher, and more than one pipe's worth never is",
          "[integration][pipeline]") {
    auto context = Context::open();
    auto others = Context::open();
    PusherOptions options;
    options.attach.push_back({test::any_tcp(), Attach::bind});
    options.unsent_messages_max = queue_messages;
    options.socket = small_queues();
    auto pusher = Pusher::open(*context, options);
    REQUIRE(pusher);
    Socket reader = consumer(*others, pusher->endpoints()[0]);
    std::optional<Socket> sleeper{consumer(*others, pusher->endpoints()[0])};

    std::set<std::uint64_t> seen;
    std::uint64_t highest = 0;
    const auto read_one = [&](Duration wait) {
        Part part;
        if (!reader.receive(part, wait))
            return false;
        const std::uint64_t number = wire::load_u64(part.view().data());
        CHECK(seen.insert(number).second); // never doubled
        CHECK(number >= highest);          // and in order
        highest = number;
        return true;
    };
    std::string message(message_bytes, 'x');
    for (std::uint64_t i = 0; i < messages; ++i) {
        if (i == messages / 2)
            sleeper.reset();
        wire::store_u64(message.data(), i);
        while (!pusher->send(message, 1ms))
            read_one(0s);
    }
    // The last message went to the only consumer that is left, so reading ends with it.
    while (highest != messages - 1 && read_one(patience)) {
    }
    REQUIRE(highest == messages - 1);

    const std::uint64_t lost = messages - seen.size();
    CHECK(lost >= 1);
    const std::uint64_t pipe_max = 2 * queue_messages + 4 * kernel_bytes / message_bytes + 20;
    CHECK(lost <= pipe_max);
}
