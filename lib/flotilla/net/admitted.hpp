// SPDX-License-Identifier: Apache-2.0
// Who was let in at a listener whose peers never speak, and from where: so that those are found
// whose right is taken away later. 27/ZAP says whom it asks about, but not which connection that
// is; the address is all that both have. Pure. Private to net.
//
// Bounded: of whom there was no room for nobody knows whether he still may, so the next change is
// everybody's.
#pragma once

#include <flotilla/base/permissions.hpp>
#include <flotilla/net/access.hpp>
#include <flotilla/net/address_rules.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace flotilla::net::detail {

// Where some users came from. No address: over ipc.
class Origins {
public:
    bool contains(const std::optional<Address>& address) const;

private:
    friend class Admitted;
    bool is_everywhere_ = false;
    std::set<std::string, std::less<>> texts_{};
};

class Admitted {
public:
    static constexpr std::size_t entries_max = 10'000; // of a user and an address

    explicit Admitted(Entry entry) : entry_(std::move(entry)) {}
    void add(std::string_view user_id, const std::optional<Address>& from);
    // Where those came from who may no longer. They are forgotten.
    Origins take_disallowed(const Permissions& permissions);

private:
    Entry entry_;
    std::map<std::string, std::set<std::string, std::less<>>, std::less<>> origins_{}; // by user id
    std::size_t entries_ = 0;
    bool is_whole_ = true;
};

} // namespace flotilla::net::detail
