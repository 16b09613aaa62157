// SPDX-License-Identifier: Apache-2.0
//
// Addresses of peers, and rules about them: from where a listener lets itself be reached. Pure.
//
//     AddressRules rules;
//     rules.add(AddressRules::Effect::allow, *AddressRange::parse("10.0.0.0/8"));
//     rules.allows("10.1.2.3"); // true
#pragma once

#include <flotilla/base/result.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::net {

// An IPv4 or IPv6 address. The two ways to write an IPv4 one ("10.0.0.7", "::ffff:10.0.0.7") are
// one address.
class Address {
public:
    // Without port; a zone ("%eth0") is ignored. Nothing: not an address.
    static std::optional<Address> parse(std::string_view text);
    bool is_loopback() const noexcept;
    bool is_ipv4() const noexcept;
    // Who is likely to own it alone: itself; of IPv6 its network of 64 bits.
    Address block() const noexcept;
    std::string text() const;
    const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }
    friend bool operator==(const Address&, const Address&) = default;

private:
    std::array<std::uint8_t, 16> bytes_{}; // IPv4 mapped into IPv6
};

struct AddressHash {
    std::size_t operator()(const Address& address) const noexcept;
};

// "10.0.0.0/8", "2001:db8::/32", or one address.
class AddressRange {
public:
    // Errors: bad_option (also for bits behind the prefix: "10.1.2.3/8" is 10.0.0.0/8).
    static Result<AddressRange> parse(std::string_view text);
    bool contains(const Address& address) const noexcept;

private:
    Address first_{};
    unsigned bits_ = 0; // of 128
};

class AddressRules {
public:
    static constexpr std::size_t rules_max = 10'000;
    enum class Effect : std::uint8_t { allow, deny };

    // Errors: too_many.
    Status add(Effect effect, AddressRange range);
    // `deny` wins; where something is allowed, nothing else is. Peers over ipc have no address
    // (empty text) and are let in: there the file system rules.
    bool allows(std::string_view address) const;
    bool allows(const Address& address) const noexcept;
    bool empty() const noexcept { return allowed_.empty() && denied_.empty(); }

private:
    std::vector<AddressRange> allowed_{};
    std::vector<AddressRange> denied_{};
};

} // namespace flotilla::net
