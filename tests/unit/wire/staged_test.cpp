// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/staged.hpp>

#include <support/catch.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace flotilla;
using namespace std::string_literals;
using flotilla::wire::Frames;
using flotilla::wire::StagedMessages;

namespace {

// "peer number", in the order in which they leave.
std::vector<std::string> leaving(StagedMessages& messages, const std::vector<std::string>& peers) {
    for (std::uint32_t i = 0; i < peers.size(); ++i)
        messages.begin(peers[i], i);
    std::vector<std::string> all;
    for (const std::uint32_t at : messages.by_peer())
        all.push_back(std::string(messages.peer(at)) + " " + std::to_string(messages.tag(at)));
    messages.clear();
    return all;
}

} // namespace

TEST_CASE("staged: what is written is there, small and large frames in order", "[unit][wire]") {
    constexpr std::size_t max = StagedMessages::copied_bytes_max;
    StagedMessages messages;
    for (int round = 0; round < 2; ++round) { // the memory is kept
        std::vector<Frames> expected;
        const auto add = [&](std::uint32_t tag, const std::vector<std::string>& frames) {
            messages.begin("peer", tag);
            Frames whole{"peer"};
            for (std::size_t i = 0; i < frames.size(); ++i) {
                if (i % 2 == 0)
                    messages.add(ByteView{frames[i]});
                else
                    messages.add(Blob::copy(frames[i]));
                whole.add(frames[i]);
            }
            expected.push_back(std::move(whole));
        };
        add(7, {});
        add(8, {"", "a", std::string(max, 'b'), std::string(128, 'c'), std::string(129, 'd')});
        add(9, {"", std::string(max + 1, 'e'), "small, behind a large one", "",
                std::string(5 * max, 'f')});
        add(10, {std::string(max + 1, 'g')});
        REQUIRE(messages.size() == 4);
        for (std::uint32_t i = 0; i < 4; ++i) {
            const StagedMessages::Message message = messages[i];
            CHECK(messages.tag(i) == 7 + i);
            CHECK(messages.peer(i) == "peer");
            CHECK(message.bytes() == expected[i].bytes());
            CHECK(message.frames() == expected[i].size());
            CHECK(messages.frames(i) == expected[i]);
            CHECK(messages.frames(i) == expected[i]); // as often as it is asked for
        }
        CHECK(messages[1].large.size() == 2);
        CHECK(messages[2].large.size() == 4);
        messages.clear();
        messages.begin("peer", 0, 5 * max); // one that takes larger ones along
        messages.add(std::string(5 * max, 'h'));
        messages.add(std::string(5 * max + 1, 'i'));
        CHECK(messages[0].count == 2);
        CHECK(messages[0].large.size() == 1);
        messages.clear();
        CHECK(messages.empty());
        CHECK(messages.by_peer().empty());
    }
}

TEST_CASE("staged: peer by peer, each one's in the order of their making", "[unit][wire]") {
    StagedMessages messages;
    CHECK(leaving(messages, {}).empty());
    for (int round = 0; round < 2; ++round)
        CHECK(leaving(messages, {"b", "a", "b", "a", "a"}) ==
              std::vector<std::string>{"b 0", "b 2", "a 1", "a 3", "a 4"});
}

TEST_CASE("staged: peers whose ids begin alike, or differ in zero bytes alone, are not mixed",
          "[unit][wire]") {
    const std::string long_one(200, 'x');
    std::vector<std::string> peers{"x",      "x\0"s,         "\0x"s,         "xxxxxxx", "xxxxxxxx",
                                   long_one, long_one + "y", long_one + "z", ""};
    for (int i = 0; i < 1'000; ++i) // more than there are places
        peers.push_back("\0peer"s + std::to_string(i));
    std::vector<std::string> said;
    for (int round = 0; round < 3; ++round)
        said.insert(said.end(), peers.begin(), peers.end());
    StagedMessages messages;
    const auto all = leaving(messages, said);
    REQUIRE(all.size() == said.size());
    for (std::size_t i = 0; i < all.size(); i += 3)
        for (std::size_t round = 0; round < 3; ++round)
            CHECK(all[i + round] ==
                  peers[i / 3] + " " + std::to_string(i / 3 + round * peers.size()));
}
