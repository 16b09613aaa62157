// SPDX-License-Identifier: Apache-2.0
//
// Ends a peer's connection at once, whatever is still to be sent: libzmq has no call for that. For
// peers whose rights were taken away (docs/security.md).
#pragma once

#include <flotilla/base/time.hpp>

#include <string>
#include <utility>
#include <vector>

namespace flotilla::net {

// `descriptor` as Part::descriptor() and the Monitor name it; -1 is nobody. The descriptor stays
// libzmq's, which sees the end and closes it. When the connection is gone already and its number
// was given to another, that one is cut, and connects again; listeners are spared. Does not wait.
void cut(int descriptor) noexcept;

// Cuts that wait a little, so that whoever is cut off may have read why. Pure but for cut().
class PendingCuts {
public:
    static constexpr Duration pause = 20ms;

    void add(int descriptor, Instant now) { waiting_.push_back({descriptor, now + pause}); }
    // That connection has ended; the descriptor may be another's.
    void forget(int descriptor) {
        std::erase_if(waiting_, [&](const auto& each) { return each.first == descriptor; });
    }
    // Those whose time has come.
    void tick(Instant now) {
        std::erase_if(waiting_, [&](const auto& each) {
            if (each.second > now)
                return false;
            cut(each.first);
            return true;
        });
    }
    bool empty() const noexcept { return waiting_.empty(); }

private:
    std::vector<std::pair<int, Instant>> waiting_{};
};

// Whom the connection leads to, "10.0.0.7:50123"; empty: not known, or not over TCP.
std::string address_of(int descriptor);

} // namespace flotilla::net
