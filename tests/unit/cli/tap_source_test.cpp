// SPDX-License-Identifier: Apache-2.0
#include <cli/tap/source.hpp>
#include <support/catch.hpp>

using namespace flotilla::cli::tap;
using flotilla::cli::recording::Direction;

TEST_CASE("what a tap did not see is counted, relay by relay and each way", "[unit][cli]") {
    SequenceGaps gaps(SequenceGaps::Start::anywhere);
    gaps.see("a", Direction::to_backend, 1'000'000);
    gaps.see("b", Direction::to_backend, 5);
    gaps.see("a", Direction::to_frontend, 1);
    gaps.see("a", Direction::to_backend, 1'000'001);
    gaps.see("b", Direction::to_backend, 6);
    CHECK(gaps.missed_total() == 0);
    gaps.see("b", Direction::to_backend, 9);
    CHECK(gaps.missed_total() == 2);
    gaps.see("a", Direction::to_backend, 3); // it was restarted
    gaps.see("a", Direction::to_backend, 4);
    CHECK(gaps.missed_total() == 2);

    SequenceGaps from_one(SequenceGaps::Start::at_one);
    from_one.see("a", Direction::to_backend, 4);
    CHECK(from_one.missed_total() == 3);
}
