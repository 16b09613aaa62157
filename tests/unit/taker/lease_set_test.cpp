// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/random.hpp>
#include <flotilla/taker/lease_set.hpp>

#include <support/catch.hpp>
#include <support/seed.hpp>

#include <set>

using namespace flotilla;
using namespace flotilla::taker;

TEST_CASE("lease set: it is a set, told as ranges", "[unit][work]") {
    Random random(test::seed(3));
    LeaseSet set;
    std::set<std::uint64_t> model;
    for (int i = 0; i < 20'000; ++i) {
        const std::uint64_t number = random.below(300);
        if (model.count(number) == 0 && random.one_in(2)) {
            model.insert(number);
            set.insert(number);
        } else {
            REQUIRE(set.erase(number) == (model.erase(number) > 0));
        }
        REQUIRE(set.size() == model.size());
        REQUIRE(set.contains(number) == (model.count(number) > 0));
        if (i % 100 != 0)
            continue;
        std::set<std::uint64_t> told;
        for (const auto& leases : set.leases(1))
            for (const auto& range : leases.ranges)
                for (std::uint64_t n = range.first; n < range.first + range.count; ++n)
                    told.insert(n);
        REQUIRE(told == model);
    }
}

TEST_CASE("lease set: many ranges are told in several messages", "[unit][work]") {
    LeaseSet set;
    constexpr std::size_t ranges = wire::leased::limits::lease_ranges_max + 5;
    for (std::uint64_t i = 0; i < ranges; ++i)
        set.insert(2 * i);
    const auto told = set.leases(1);
    REQUIRE(told.size() == 2);
    CHECK(told[0].ranges.size() == wire::leased::limits::lease_ranges_max);
    CHECK(told[1].ranges.size() == 5);
    set.clear();
    CHECK(set.leases(1).empty());
}
