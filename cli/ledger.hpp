// SPDX-License-Identifier: Apache-2.0
//
// Ledger: how many sent messages libzmq still holds.
//
// libzmq says that a message was queued, never that it left. But it frees each message's bytes when
// its I/O thread has put them on their way (into the last batch of 8 KiB for the kernel), or has
// dropped them with their connection. So messages are lent to it, and the ledger counts what comes
// back. It must outlive the context. One thread, besides the transport's.
#pragma once

#include <flotilla/net/part.hpp>

#include <atomic>
#include <cstdint>

namespace flotilla::cli {

class Ledger {
public:
    Ledger() = default;
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;

    // A copy of `bytes`, counted until the transport is done with it.
    net::Part lend(ByteView bytes);
    std::uint64_t outstanding() const noexcept { return lent_ - returned_.load(); }
    std::uint64_t returned_total() const noexcept { return returned_.load(); }

private:
    std::uint64_t lent_ = 0;
    std::atomic<std::uint64_t> returned_{0};
};

} // namespace flotilla::cli
