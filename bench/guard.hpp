// SPDX-License-Identifier: Apache-2.0
//
// Guard: what a measurement has of security: nothing, CURVE, or CURVE and rules that are asked
// about every message. One key for every client: Alice's, who has 20 rules, of which only the last
// fits.
#pragma once

#include <flotilla/base/permissions.hpp>
#include <flotilla/net/security.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

namespace flotilla::bench {

enum class Guard : std::uint8_t { none, curve, rules };

// What each guard is compared with: the one before it.
struct GuardStep {
    std::string_view area;
    Guard before;
    Guard behind;
};
inline constexpr std::array<GuardStep, 2> guard_steps{
    {{"curve", Guard::none, Guard::curve}, {"rules", Guard::curve, Guard::rules}}};

// Keys are made at the first call: before the parties are.
void make_guard_keys();
net::Security listener_security(Guard guard);
net::Security client_security(Guard guard);
std::shared_ptr<const Permissions> permissions(Guard guard); // nullptr: everybody everything
void secure_client(void* raw_socket, Guard guard);

} // namespace flotilla::bench
