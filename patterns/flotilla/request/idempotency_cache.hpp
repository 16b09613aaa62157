// SPDX-License-Identifier: Apache-2.0
//
// IdempotencyCache: remembers answers by the id of their request, so that a worker answers a
// repeated request without doing it twice.
//
//     IdempotencyCache cache;
//     worker.run([&](Job& job) -> Outcome {
//         if (auto kept = cache.find(job.id, net::now()))
//             return Answer{std::move(*kept)};
//         Answer answer = charge_the_card(job);
//         cache.keep(job.id, answer.body, net::now());
//         return answer;
//     });
//
// A request is repeated when its worker died (Job::attempt is then beyond 1) or its client asked
// again after the broker had forgotten it. The cache dies with its process: what must not be done
// twice whatever happens needs an id that is stored together with its effect.
//
// Requests of the RFC dialects have no id; an empty one is never found and never kept. Pieces that
// went before an answer are not kept with it. Ids are the clients' choice: where clients do not
// trust each other, put who asks into the id that is used here.
//
// Pure, bounded by count, bytes and time; what was kept longest is forgotten first. One thread at a
// time: a worker with several threads guards it with a mutex.
#pragma once

#include <flotilla/base/time.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace flotilla::request {

struct IdempotencyLimits {
    std::uint32_t answers_max = 10'000;    // 1 or more
    std::uint64_t bytes_max = 64ULL << 20; // bodies, frames, ids; a larger one is not kept
    Duration kept_for = std::chrono::minutes{10};
};

class IdempotencyCache {
public:
    explicit IdempotencyCache(IdempotencyLimits limits = {});

    // A second handle on what was kept; large frames are shared, not copied.
    std::optional<wire::Frames> find(std::string_view id, Instant now);
    // Takes the place of an earlier answer to the same id. The caller keeps `answer`. False: it is
    // not kept, being too large or without an id.
    bool keep(std::string_view id, const wire::Frames& answer, Instant now);
    void clear();

    std::size_t size() const noexcept { return by_id_.size(); }
    std::uint64_t bytes() const noexcept { return bytes_; }
    std::uint64_t found_total() const noexcept { return found_total_; }
    // Made room for others before their time.
    std::uint64_t forgotten_total() const noexcept { return forgotten_total_; }

private:
    struct Kept {
        std::string id;
        wire::Frames answer;
        std::uint64_t bytes;
        Instant until;
    };
    void drop(std::list<Kept>::iterator kept);
    void drop_expired(Instant now);

    IdempotencyLimits limits_;
    std::list<Kept> oldest_first_;
    // Keys are views of the ids in the list.
    std::unordered_map<std::string_view, std::list<Kept>::iterator> by_id_;
    std::uint64_t bytes_ = 0;
    std::uint64_t found_total_ = 0;
    std::uint64_t forgotten_total_ = 0;
};

} // namespace flotilla::request
