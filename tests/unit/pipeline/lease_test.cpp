// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/random.hpp>
#include <flotilla/pipeline/lease_index.hpp>

#include <support/catch.hpp>
#include <support/seed.hpp>

#include <map>
#include <set>

using namespace flotilla;
using namespace flotilla::pipeline;

TEST_CASE("lease index: it finds numbers one by one and by range", "[unit][work]") {
    Random random(test::seed(4));
    LeaseIndex index;
    std::map<std::uint64_t, Slot> model;
    for (std::uint64_t number = 1; number < 5'000; ++number) {
        index.insert(number, static_cast<Slot>(number % 7));
        model[number] = static_cast<Slot>(number % 7);
        if (random.one_in(2)) {
            auto any = model.lower_bound(1 + random.below(number));
            index.erase(any->first);
            model.erase(any);
        }
        REQUIRE(index.size() == model.size());
    }
    std::map<std::uint64_t, Slot> told;
    const auto count = index.for_each(100, 3'000, [&](std::uint64_t number, Slot slot) {
        told[number] = slot;
        index.erase(number); // as an acknowledgement does
    });
    const std::map<std::uint64_t, Slot> expected(model.lower_bound(100), model.lower_bound(3'100));
    CHECK(told == expected);
    CHECK(count == expected.size());
    CHECK(index.size() == model.size() - expected.size());
    CHECK(index.find(100) == no_slot);
    CHECK(index.for_each(1'000'000'000, 1'000'000, [](std::uint64_t, Slot) {}) == 0);
}

TEST_CASE("lease index: one visit may erase what would come next", "[unit][work]") {
    LeaseIndex index;
    index.insert(10, 1);
    index.insert(11, 1);
    int visits = 0;
    index.for_each(0, 100, [&](std::uint64_t, Slot) {
        ++visits;
        index.erase(10);
        index.erase(11);
    });
    CHECK(visits == 1);
}
