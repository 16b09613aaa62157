// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/outbox.hpp>

#include <support/catch.hpp>
#include <support/scratch.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::queue;

namespace {

std::size_t append(Outbox& outbox, std::uint32_t lane, std::string_view body,
                   const PutRecord& head = {}) {
    const ByteView frames[] = {body};
    const auto bytes = outbox.append(lane, head, frames);
    REQUIRE(bytes);
    return *bytes;
}

// The bodies of up to `messages` from `number` on, as a store would read them.
std::vector<std::string> read(Outbox& outbox, std::uint32_t lane, std::uint64_t number,
                              std::uint64_t messages, std::size_t bytes_max = 1 << 20) {
    const auto cut = outbox.measure(lane, number, messages, bytes_max);
    REQUIRE(cut);
    std::string region(wire::region_overhead_bytes + cut->bytes, '\0');
    wire::write_plain_region_head(region.data(), cut->bytes);
    outbox.copy(lane, region.data() + wire::region_overhead_bytes);
    wire::Expander expander;
    auto reader = PutReader::open(region, expander);
    REQUIRE(reader);
    REQUIRE(reader->records() == cut->messages);
    std::vector<std::string> bodies;
    while (const auto record = reader->next())
        bodies.emplace_back(record->body.substr(6));
    return bodies;
}

Outbox open(const std::filesystem::path& directory, std::uint64_t bytes_max = 8 << 20,
            std::uint64_t memory_bytes_max = 1 << 20) {
    auto outbox = Outbox::open({1'000'000, bytes_max, directory, memory_bytes_max});
    if (!outbox)
        FAIL(to_string(outbox.error()));
    return std::move(*outbox);
}

std::vector<std::filesystem::path> segments(const std::filesystem::path& directory) {
    std::vector<std::filesystem::path> found;
    for (const auto& each : std::filesystem::directory_iterator(directory))
        if (each.path().extension() == ".outbox")
            found.push_back(each.path());
    std::sort(found.begin(), found.end());
    return found;
}

} // namespace

TEST_CASE("outbox: records are read in order, cut by both limits, and again", "[unit][queue]") {
    Outbox outbox = open({});
    const auto lane = *outbox.add_lane("q");
    for (int i = 1; i <= 5000; ++i)
        append(outbox, lane, "message " + std::to_string(i));
    CHECK(read(outbox, lane, 1, 3) ==
          std::vector<std::string>{"message 1", "message 2", "message 3"});
    CHECK(read(outbox, lane, 4, 1) == std::vector<std::string>{"message 4"});
    CHECK(read(outbox, lane, 4000, 2) == std::vector<std::string>{"message 4000", "message 4001"});
    CHECK(read(outbox, lane, 1, 5000, 40) == std::vector<std::string>{"message 1", "message 2"});
    CHECK(read(outbox, lane, 1, 5000, 1) == std::vector<std::string>{"message 1"}); // one at least
    CHECK(read(outbox, lane, 1, 5000).size() == 5000);
    REQUIRE(outbox.settle(lane, 3999));
    CHECK(read(outbox, lane, 4000, 5000).size() == 1001);
    CHECK(outbox.messages() == 1001);
    REQUIRE(outbox.settle(lane, 5000));
    CHECK(outbox.messages() == 0);
    CHECK(outbox.bytes() == 0);
}

TEST_CASE("outbox: it is bounded in messages and bytes", "[unit][queue]") {
    auto outbox = Outbox::open({3, 1000, {}, 0});
    REQUIRE(outbox);
    const auto lane = *outbox->add_lane("q");
    append(*outbox, lane, std::string(900, 'x'));
    const std::string body(200, 'x');
    const ByteView frames[] = {body};
    CHECK(outbox->append(lane, {}, frames).error().code == Errc::would_block);
    const std::string huge(2000, 'x');
    const ByteView too_large[] = {huge};
    CHECK(outbox->append(lane, {}, too_large).error().code == Errc::too_large);
    append(*outbox, lane, "a");
    append(*outbox, lane, "b");
    const ByteView small[] = {"c"};
    CHECK(outbox->append(lane, {}, small).error().code == Errc::would_block);
    REQUIRE(outbox->settle(lane, 1));
    append(*outbox, lane, "c");
}

TEST_CASE("outbox: what is on disk is there after a crash", "[unit][queue]") {
    const test::ScratchFolder directory;
    {
        Outbox outbox = open(directory.path());
        const auto one = *outbox.add_lane("one");
        const auto two = *outbox.add_lane("two");
        REQUIRE(outbox.set_epoch(one, "feed", 0, "tcp://127.0.0.1:5560"));
        PutRecord head;
        head.key = "k";
        for (int i = 1; i <= 100; ++i) {
            append(outbox, one, "one " + std::to_string(i));
            append(outbox, two, "two " + std::to_string(i), head);
        }
        REQUIRE(outbox.settle(one, 40));
        // Nothing is closed in an orderly way that a crash would not do too.
    }
    Outbox outbox = open(directory.path());
    REQUIRE(outbox.restored().size() == 2);
    const OutboxLaneState& one = outbox.restored()[0];
    CHECK(one.queue == "one");
    CHECK(one.producer == "feed");
    CHECK(one.store == "tcp://127.0.0.1:5560");
    CHECK(one.settled == 40);
    CHECK(one.appended == 100);
    CHECK(outbox.messages() == 160);
    const auto left = read(outbox, 0, 41, 1000);
    REQUIRE(left.size() == 60);
    CHECK(left.front() == "one 41");
    CHECK(left.back() == "one 100");
    // Key and frame: flags, a key of one byte, the frame's head.
    CHECK(read(outbox, 1, 1, 1) == std::vector<std::string>{"two 1"});
    append(outbox, 0, "one 101");
    CHECK(read(outbox, 0, 101, 5) == std::vector<std::string>{"one 101"});
}

TEST_CASE("outbox: a torn tail is cut, whatever byte it ends at", "[unit][queue]") {
    const test::ScratchFolder directory;
    {
        Outbox outbox = open(directory.path());
        const auto lane = *outbox.add_lane("q");
        for (int i = 1; i <= 10; ++i)
            append(outbox, lane, "message " + std::to_string(i));
    }
    const auto path = segments(directory.path()).at(0);
    std::string whole;
    {
        std::ifstream in(path, std::ios::binary);
        whole.assign(std::istreambuf_iterator<char>(in), {});
    }
    const std::size_t end = whole.find_last_not_of('\0') + 1;
    const std::size_t last = whole.rfind("message 10");
    for (std::size_t cut = last - 20; cut < end; ++cut) {
        {
            std::string torn = whole;
            std::fill(torn.begin() + static_cast<std::ptrdiff_t>(cut), torn.end(), '\0');
            std::ofstream(path, std::ios::binary)
                .write(torn.data(), static_cast<std::ptrdiff_t>(torn.size()));
        }
        INFO(cut);
        Outbox outbox = open(directory.path());
        REQUIRE(outbox.restored().size() == 1);
        CHECK(outbox.restored()[0].appended == 9);
        CHECK(read(outbox, 0, 1, 100).size() == 9);
        append(outbox, 0, "another");
        CHECK(read(outbox, 0, 10, 1) == std::vector<std::string>{"another"});
    }
}

TEST_CASE("outbox: damage before the last segment is told, not passed over", "[unit][queue]") {
    const test::ScratchFolder directory;
    {
        Outbox outbox = open(directory.path(), 1 << 20);
        const auto lane = *outbox.add_lane("q");
        for (int i = 0; i < 2000; ++i)
            append(outbox, lane, std::string(100, 'x'));
    }
    const auto files = segments(directory.path());
    REQUIRE(files.size() > 1);
    {
        std::fstream file(files[0], std::ios::binary | std::ios::in | std::ios::out);
        file.seekp(5000);
        file.put('y');
    }
    const auto outbox = Outbox::open({1000, 1 << 20, directory.path(), 0});
    REQUIRE_FALSE(outbox);
    CHECK(outbox.error().code == Errc::damaged);
}

TEST_CASE("outbox: segments go when all they hold is settled", "[unit][queue]") {
    const test::ScratchFolder directory;
    Outbox outbox = open(directory.path(), 512 << 10, 100'000);
    const auto lane = *outbox.add_lane("q");
    const auto other = *outbox.add_lane("other");
    std::uint64_t number = 0;
    for (int round = 0; round < 50; ++round) {
        for (int i = 0; i < 500; ++i, ++number)
            append(outbox, lane, std::string(100, 'x'));
        append(outbox, other, "straggler");
        REQUIRE(outbox.settle(lane, number));
        REQUIRE(outbox.settle(other, static_cast<std::uint64_t>(round) + 1));
    }
    CHECK(outbox.bytes() <= 192 << 10);
    CHECK(segments(directory.path()).size() <= 3);
}

TEST_CASE("outbox: more than memory holds waits on disk and comes in order", "[unit][queue]") {
    const test::ScratchFolder directory;
    Outbox outbox = open(directory.path(), 64 << 20, 64 << 10);
    const auto lane = *outbox.add_lane("q");
    const auto other = *outbox.add_lane("other");
    for (int i = 1; i <= 30'000; ++i) {
        append(outbox, lane, std::to_string(i) + std::string(100, '.'));
        if (i % 100 == 0)
            append(outbox, other, std::to_string(i));
    }
    std::uint64_t number = 1;
    while (number <= 30'000) {
        const auto bodies = read(outbox, lane, number, 700, 64 << 10);
        for (const std::string& body : bodies)
            REQUIRE(body == std::to_string(number++) + std::string(100, '.'));
        REQUIRE(outbox.settle(lane, number - 1));
        if (number < 20'000) // and some come in meanwhile
            append(outbox, other, "late");
    }
    CHECK(read(outbox, other, 300, 2) == std::vector<std::string>{"30000", "late"});
    append(outbox, lane, "last");
    CHECK(read(outbox, lane, 30'001, 2) == std::vector<std::string>{"last"});
}

TEST_CASE("outbox: a directory is one producer's", "[unit][queue]") {
    const test::ScratchFolder directory;
    Outbox outbox = open(directory.path());
    const auto second = Outbox::open({10, 1 << 20, directory.path(), 0});
    REQUIRE_FALSE(second);
    CHECK(second.error().code == Errc::address_in_use);
    CHECK(second.error().detail.find(directory.path().string()) != std::string::npos);
}
