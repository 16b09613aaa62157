// SPDX-License-Identifier: Apache-2.0
#include <flotilla/request/send_order.hpp>

#include <support/catch.hpp>

#include <string>
#include <vector>

using namespace flotilla::request;
using namespace std::string_literals;

namespace {

// "peer number", in the order in which they leave.
std::vector<std::string> leaving(const std::vector<std::string>& peers) {
    std::vector<BrokerOutputs::Send> sends;
    for (const std::string& peer : peers)
        sends.push_back({peer, {}});
    SendOrder order;
    std::vector<std::string> all;
    for (const SendOrder::Turn& turn : order.of(sends))
        all.push_back(peers[turn.at] + " " + std::to_string(turn.at));
    return all;
}

} // namespace

TEST_CASE("sends leave peer by peer, each one's in the order of their making") {
    CHECK(leaving({}).empty());
    CHECK(leaving({"b", "a", "b", "a", "a"}) ==
          std::vector<std::string>{"a 1", "a 3", "a 4", "b 0", "b 2"});
}

TEST_CASE("peers whose ids begin alike, or differ in zero bytes alone, are not mixed") {
    const std::string long_one(200, 'x');
    const std::string peers[] = {"x",      "x\0"s,         "\0x"s,         "xxxxxxx", "xxxxxxxx",
                                 long_one, long_one + "y", long_one + "z", ""};
    std::vector<std::string> said;
    for (int round = 0; round < 3; ++round)
        said.insert(said.end(), std::begin(peers), std::end(peers));
    const auto all = leaving(said);
    REQUIRE(all.size() == said.size());
    for (std::size_t i = 0; i < all.size(); i += 3) {
        const std::string peer = all[i].substr(0, all[i].rfind(' '));
        const auto at = std::stoul(all[i].substr(all[i].rfind(' ')));
        for (std::size_t round = 1; round < 3; ++round)
            CHECK(all[i + round] == peer + " " + std::to_string(at + round * std::size(peers)));
    }
}
