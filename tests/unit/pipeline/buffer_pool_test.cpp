// SPDX-License-Identifier: Apache-2.0
#include <flotilla/pipeline/buffer_pool.hpp>

#include <poll.h>
#include <support/catch.hpp>

#include <cstring>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace flotilla;
using flotilla::net::Part;
using flotilla::pipeline::BufferPool;

namespace {

BufferPool pool_of(std::size_t bytes, std::uint32_t buffers) {
    auto pool = BufferPool::open(bytes, buffers);
    REQUIRE(pool.has_value());
    return std::move(*pool);
}

bool is_awake(const BufferPool& pool) {
    pollfd descriptor{pool.fd(), POLLIN, 0};
    return ::poll(&descriptor, 1, 0) == 1;
}

} // namespace

TEST_CASE("buffer pool: there are so many buffers and no more", "[unit][pipeline]") {
    BufferPool pool = pool_of(100, 3);
    std::set<char*> buffers;
    for (int i = 0; i < 3; ++i) {
        char* const buffer = pool.take();
        REQUIRE(buffer != nullptr);
        std::memset(buffer, 'x', pool.buffer_bytes());
        buffers.insert(buffer);
    }
    CHECK(buffers.size() == 3);
    CHECK(pool.take() == nullptr);
    pool.put_back(*buffers.begin());
    CHECK(pool.take() == *buffers.begin());
    CHECK(pool.take() == nullptr);
}

TEST_CASE("buffer pool: a lent buffer comes back when its frame is closed, and is counted",
          "[unit][pipeline]") {
    BufferPool pool = pool_of(100, 1);
    char* const buffer = pool.take();
    std::memcpy(buffer, "hello", 5);
    {
        const Part frame = pool.lend(buffer, 5, 7);
        CHECK(frame.view() == "hello");
        CHECK(pool.transport().outstanding() == 1);
        CHECK(pool.messages_out() == 7);
        CHECK(pool.take() == nullptr);
    }
    CHECK(pool.transport().outstanding() == 0);
    CHECK(pool.transport().left == 1);
    CHECK(pool.messages_out() == 0);
    CHECK(pool.take() == buffer);
}

TEST_CASE("buffer pool: a recalled buffer is the caller's again and was never counted",
          "[unit][pipeline]") {
    BufferPool pool = pool_of(100, 1);
    char* const buffer = pool.take();
    std::memcpy(buffer, "hello", 5);
    pool.recall(pool.lend(buffer, 5, 7));
    CHECK(pool.transport().given == 0);
    CHECK(pool.transport().left == 0);
    CHECK(pool.messages_out() == 0);
    CHECK(pool.take() == nullptr); // it is still taken
    CHECK(ByteView{buffer, 5} == "hello");
    pool.put_back(buffer);
    CHECK(pool.take() == buffer);
}

TEST_CASE("buffer pool: bytes of others are lent, counted and recalled too", "[unit][pipeline]") {
    for (const std::size_t size : {0U, 10U, 100'000U}) {
        BufferPool pool = pool_of(100, 1);
        const std::string bytes(size, 'b');
        std::optional<Part> frame = pool.lend(Blob::copy(bytes));
        CHECK(frame->view() == bytes);
        CHECK(pool.messages_out() == 1);
        frame.reset();
        CHECK(pool.messages_out() == 0);
        CHECK(pool.transport().left == 1);
        pool.recall(pool.lend(Blob::copy(bytes)));
        CHECK(pool.messages_out() == 0);
        CHECK(pool.transport().given == 1);
    }
}

TEST_CASE("buffer pool: what is lent outlives the pool", "[unit][pipeline]") {
    std::optional<Part> frame;
    std::optional<Part> foreign;
    {
        BufferPool pool = pool_of(100, 2);
        char* const buffer = pool.take();
        std::memcpy(buffer, "hello", 5);
        frame.emplace(pool.lend(buffer, 5, 1));
        foreign.emplace(pool.lend(Blob::copy(std::string(1000, 'f'))));
    }
    CHECK(frame->view() == "hello");
    CHECK(foreign->size() == 1000);
}

TEST_CASE("buffer pool: wakes once, when few enough frames are out", "[unit][pipeline]") {
    BufferPool pool = pool_of(100, 4);
    std::vector<Part> frames;
    for (int i = 0; i < 4; ++i)
        frames.push_back(pool.lend(pool.take(), 1, 1));
    frames.pop_back();
    CHECK_FALSE(is_awake(pool)); // nobody asked
    pool.wake_below(2);
    frames.pop_back(); // 2 are out
    CHECK_FALSE(is_awake(pool));
    CHECK(pool.is_wake_asked());
    frames.pop_back(); // 1
    CHECK(is_awake(pool));
    CHECK_FALSE(pool.is_wake_asked());
    pool.clear_wake();
    frames.pop_back();
    CHECK_FALSE(is_awake(pool));
}

TEST_CASE("buffer pool: frames may be let go on another thread", "[unit][pipeline]") {
    BufferPool pool = pool_of(64, 8);
    constexpr std::uint64_t rounds = 2'000;
    for (std::uint64_t round = 0; round < rounds; ++round) {
        char* buffer = nullptr;
        while (!(buffer = pool.take()))
            std::this_thread::yield();
        std::memset(buffer, static_cast<char>(round), 64);
        std::thread([frame = pool.lend(buffer, 64, 3)]() mutable {
            const Part gone = std::move(frame);
        }).detach();
    }
    pool.wake_below(BufferPool::any);
    while (pool.messages_out() > 0) {
        pollfd descriptor{pool.fd(), POLLIN, 0};
        ::poll(&descriptor, 1, 1);
    }
    CHECK(pool.transport().given == rounds);
    CHECK(pool.transport().left == rounds);
}
