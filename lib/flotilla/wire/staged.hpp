// SPDX-License-Identifier: Apache-2.0
//
// StagedMessages: messages for peers of a ROUTER that are decided together and leave later, encoded
// frame by frame; and the order in which they leave: peers in the order of their first message, and
// each peer's messages in the order in which they were added. What stands together for one peer
// shares a system call, the more of it the shorter the time between two sends: so all but the
// sending is done before the first of them.
//
//     messages.begin(peer, tag); // frame 0
//     messages.add("echo");      // and so on
//
// Small frames stand one behind the other in memory that is kept from one use to the next, large
// ones are held as they were given. Unbounded: whoever fills it empties it in time.
//
// Pure; one thread at a time.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/check.hpp>
#include <flotilla/wire/frames.hpp>
#include <flotilla/wire/pack.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace flotilla::wire {

class StagedMessages {
public:
    // Frames up to this are copied unless begin() says otherwise. To hand a larger one over costs
    // less than the memory that the transport takes for its copy and frees on its own thread.
    static constexpr std::size_t copied_bytes_max = Blob::inline_bytes_max;

    // One of them, until the next change.
    struct Message {
        ByteView small{};        // frames: u32 size, bytes; in network byte order
        std::uint32_t count = 0; // of those
        std::span<Blob> large{}; // the frames behind them
        std::size_t frames() const noexcept { return count + large.size(); }
        std::uint64_t bytes() const noexcept; // of all frames
        std::uint64_t held_bytes() const noexcept { return bytes() + frames() * sizeof(Blob); }
    };
    // Takes the next one off `small`, which must not be empty.
    static ByteView next(ByteView& small) noexcept {
        const ByteView frame{small.data() + size_bytes, load_u32(small.data())};
        small.remove_prefix(size_bytes + frame.size());
        return frame;
    }

    StagedMessages() : first_group_(256, none) {}
    StagedMessages(const StagedMessages&) = delete;
    StagedMessages& operator=(const StagedMessages&) = delete;

    // The frames that are added from now on are of one message more, behind this one; up to
    // `copied_bytes` each they are small. What is added must not be a part of this object.
    void begin(ByteView peer, std::uint32_t tag, std::size_t copied_bytes = copied_bytes_max);
    void add(ByteView frame);
    void add(Blob&& frame);
    void clear() noexcept;

    bool empty() const noexcept { return items_.empty(); }
    std::size_t size() const noexcept { return items_.size(); }
    Message operator[](std::size_t at) noexcept;
    ByteView peer(std::size_t at) const noexcept;
    std::uint32_t tag(std::size_t at) const noexcept { return item(at).tag; } // the caller's
    // For slow paths: all its frames; the large ones are shared.
    Frames frames(std::size_t at);
    // Which goes first, second, ...: until the next change. Peers in the order of their first ones.
    std::span<const std::uint32_t> by_peer();

private:
    static constexpr std::uint32_t none = ~std::uint32_t{0};
    static constexpr std::size_t size_bytes = sizeof(std::uint32_t);

    // Where its frames begin; they end where the next one's do.
    struct Item {
        std::size_t small = 0;
        std::uint32_t large = 0;
        std::uint32_t count = 0; // of small ones
        std::uint32_t tag = 0;
        std::uint32_t next = none; // of the same peer
    };
    // The messages of one peer.
    struct Group {
        std::uint64_t key = 0;
        std::uint32_t first = none;
        std::uint32_t last = none;
        std::uint32_t next = none; // group that hashes alike
    };
    [[gnu::noinline]] void grow(std::size_t bytes);
    bool takes_small(std::size_t bytes) const noexcept {
        return bytes <= copied_bytes_ && large_.size() == items_.back().large;
    }
    const Item& item(std::size_t at) const noexcept {
        FLOTILLA_CHECK(at < items_.size(), "there is no such message");
        return items_[at];
    }
    void join_group(ByteView peer);
    void grow_table();
    std::uint32_t& first_group(std::uint64_t key) noexcept;

    std::vector<Item> items_{};
    std::vector<char> small_{}; // used_ bytes of it
    std::size_t used_ = 0;
    std::size_t copied_bytes_ = copied_bytes_max; // of the message that was begun last
    std::vector<Blob> large_{};
    std::vector<Group> groups_{};
    std::vector<std::uint32_t> first_group_; // by hash; a power of two
    std::vector<std::uint32_t> order_{};
};

} // namespace flotilla::wire
