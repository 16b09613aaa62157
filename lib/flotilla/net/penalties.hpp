// SPDX-License-Identifier: Apache-2.0
// How long an address that fails handshakes has to wait before it is heard again. Pure; it is told
// the time. Private to net.
//
// An address that fails more than `failures_max` times within a minute waits `first`; each time it
// does so again twice as long, up to 16 times. An hour without a penalty forgets this. At most
// addresses_max addresses are remembered, the last ones.
#pragma once

#include <flotilla/base/bounded_table.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/address_rules.hpp>

#include <cstdint>

namespace flotilla::net::detail {

class Penalties {
public:
    static constexpr std::size_t addresses_max = 16'384;
    struct Limits {
        std::uint64_t failures_max = 20;
        Duration first = 5s;
    };
    explicit Penalties(Limits limits) : limits_(limits) {}

    void set_limits(Limits limits) noexcept { limits_ = limits; }
    // How long the address has to wait from now on; zero: it need not.
    Duration failed(const Address& address, Instant now);
    bool is_waiting(const Address& address, Instant now) const;
    std::uint32_t waiting(Instant now) const; // how many are

private:
    struct Record {
        std::uint64_t failures = 0; // since
        Instant since{};
        Instant until{};         // it waits
        std::uint32_t times = 1; // as long as at first, the next time
    };
    Limits limits_;
    BoundedTable<Address, Record, AddressHash> records_{addresses_max};
};

} // namespace flotilla::net::detail
