// SPDX-License-Identifier: Apache-2.0
//
// Memory that was freed: the allocator gives it back too soon, and then not at all. It is kept for
// the next turn, and what a daemon does not need any more goes back to the system.
#pragma once

#include <flotilla/base/time.hpp>

#include <cstddef>

namespace flotilla::host {

// At the start: lets the allocator keep up to 16 MiB that were freed, where it would give back all
// beyond 128 KiB. A store of large messages spent half of its CPU on pages that it had just
// returned. Not where GLIBC_TUNABLES says something.
void keep_freed_memory() noexcept;

// The allocator keeps what is not at the top of the arena of the thread that took it: a client that
// asks for much and never reads an answer left a broker with 70 MiB that nobody used. One thread.
class FreedMemory {
public:
    // Giving back takes milliseconds, and what is used again soon costs a page fault each 4 KiB: so
    // it is done so seldom, and only with more than may stay free, which is this and a quarter of
    // what is in use.
    static constexpr Duration look_every = 10s;
    static constexpr std::size_t kept_bytes = 16U << 20;

    // Whether so much of what a process has is worth giving back.
    static constexpr bool is_worth_it(std::size_t free_bytes, std::size_t used_bytes) noexcept {
        return free_bytes > kept_bytes + used_bytes / 4;
    }
    // For every turn of a loop. Does nothing with an allocator that does not tell what is free.
    void turned(Instant now) noexcept;

private:
    Instant looked_{};
};

} // namespace flotilla::host
