// SPDX-License-Identifier: Apache-2.0
//
// Way: where one message was, and for how long, as its envelope tells (docs/protocol/trace.md).
// Pure.
//
//     sent ──way──► relay (held) ──way──► store (held) ──way──► here
//
// Every time is of the clock of who wrote it. A way between two instances that took less than
// nothing shows how much their clocks differ at least; a way that looks long may be a clock that is
// behind. What an instance held is right whatever the clocks say.
#pragma once

#include <flotilla/base/time.hpp>
#include <flotilla/wire/frames.hpp>
#include <flotilla/wire/hop.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flotilla::cli::trace {

struct Way {
    std::string traceparent{};
    std::string id{};               // of the envelope, as hex
    std::optional<WallTime> sent{}; // the envelope's timestamp
    std::vector<wire::Hop> hops{};
    WallTime received{};
    std::uint64_t bytes = 0;
    bool may_lack_hops = false; // as many as an envelope may have
};
// Nothing: the message carries no envelope that can be read.
std::optional<Way> way_of(const wire::Frames& message, WallTime received);
// The traceparent, its trace id, or the beginning of either.
bool is_of_trace(const Way& way, std::string_view trace);

struct Step {
    std::string kind{};             // "sent", "relay", "here"
    std::string instance{"-"};      // as it calls itself
    std::optional<Duration> way{};  // from the step before; below 0: the clocks differ
    std::optional<Duration> held{}; // there; absent where it begins and ends
    std::optional<Duration> at{};   // since the first time that is known
};
std::vector<Step> steps_of(const Way& way);

// A line about the message, and one a step under a heading.
std::string way_text(const Way& way);
// One JSON object, times in microseconds: {"traceparent", "id", "sent_us", "received_us", "bytes",
// "total_us", "skew_us", "steps": [{"kind", "instance", "way_us", "held_us", "at_us"}]}.
std::string way_json(const Way& way);

// Many messages: what each step took on average and at most. At most steps_max different steps.
class WayTotals {
public:
    static constexpr std::size_t steps_max = 1'000;
    void add(const Way& way);
    std::string text() const; // "no messages with an envelope" when there were none
    std::string json() const; // a JSON object a line
    std::uint64_t ways_total() const noexcept { return ways_; }

private:
    struct Spent {
        std::uint64_t times = 0;
        double sum = 0; // microseconds
        double most = 0;
        void add(const std::optional<Duration>& spent);
        double mean() const { return times > 0 ? sum / static_cast<double>(times) : 0; }
    };
    struct Row {
        std::size_t place = 0; // on the way, where it was seen first
        std::uint64_t messages = 0;
        Spent way{};
        Spent held{};
    };
    std::vector<std::pair<std::string, Row>> in_order() const;
    std::map<std::string, Row> rows_{}; // "store orders"
    std::uint64_t ways_ = 0;
    std::uint64_t skewed_ = 0;
};

} // namespace flotilla::cli::trace
