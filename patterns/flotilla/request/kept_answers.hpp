// SPDX-License-Identifier: Apache-2.0
//
// KeptAnswers: what requests with an id ended in, for clients that did not get it and ask again.
// The oldest goes when there are too many, too many bytes, or its time is over.
//
// Pure, bounded by the limits it is given.
#pragma once

#include <flotilla/base/time.hpp>
#include <flotilla/request/broker_model.hpp>
#include <flotilla/request/request_table.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>

namespace flotilla::request {

struct KeptAnswer {
    std::string user{};
    std::string id{};
    std::string service{};
    std::uint32_t attempt = 1;
    bool is_error = false;
    wire::Frames body{};
    ErrorCode code = ErrorCode::unknown;
    std::string text{};
    Instant until{};
    std::uint64_t bytes = 0;
};

class KeptAnswers {
public:
    KeptAnswers(std::uint32_t answers_max, std::uint64_t bytes_max, Duration kept_for)
        : answers_max_(answers_max), bytes_max_(bytes_max), kept_for_(kept_for) {}

    // Whether `bytes` more are worth making a KeptAnswer of.
    bool takes(std::uint64_t bytes) const noexcept {
        return answers_max_ > 0 && bytes <= bytes_max_;
    }
    // Replaces an earlier one of that name; fills in `until` and `bytes`.
    void keep(KeptAnswer&& answer, Instant now);
    // nullptr when there is none.
    const KeptAnswer* find(const RequestName& name) const;
    // Drops what is over.
    void tick(Instant now);

    Instant next_deadline() const noexcept {
        return answers_.empty() ? never : answers_.front().until;
    }
    std::size_t size() const noexcept { return answers_.size(); }
    std::uint64_t bytes() const noexcept { return bytes_; }

private:
    using Place = std::list<KeptAnswer>::iterator;
    void drop(Place place);

    std::uint32_t answers_max_;
    std::uint64_t bytes_max_;
    Duration kept_for_;
    std::uint64_t bytes_ = 0;
    std::list<KeptAnswer> answers_{};                                   // oldest first
    std::unordered_map<RequestName, Place, RequestNameHash> by_name_{}; // views into answers_
};

} // namespace flotilla::request
