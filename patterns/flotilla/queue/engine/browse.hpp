// SPDX-License-Identifier: Apache-2.0
//
// Pages of what is there, without touching it: names of queues, ready messages, delayed ones. Read
// from the last commit, each page bounded in rows, bytes and in what it may look at; `next` says
// where the following page begins.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/queue/codec.hpp>
#include <flotilla/queue/engine/delay_wheel.hpp>
#include <flotilla/queue/engine/store.hpp>
#include <flotilla/queue/engine/waiting.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flotilla::queue {

inline constexpr std::uint64_t page_bytes_max = 1ULL << 20;

struct NamesPage {
    std::vector<std::pair<std::string, QueueId>> queues{};
    std::string next{}; // for List::after; empty: that was the last page
};
// Errors: io, damaged.
Result<NamesPage> list_names(const Snapshot& snapshot, const List& list);

// Of a queue with `lanes` lanes. A page may be short, even empty, while `next` is not.
// Errors: bad_option (`after` is not from a page); io.
Result<PeekReply> peek_ready(const Snapshot& snapshot, QueueFacts& facts, QueueId queue,
                             std::size_t lanes, const Peek& peek);
// By the time they are due, roughly: messages of a bucket come together.
Result<PeekReply> peek_delayed(const Snapshot& snapshot, QueueId queue, const Peek& peek);

} // namespace flotilla::queue
