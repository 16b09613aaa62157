// SPDX-License-Identifier: Apache-2.0
//
// RefusedKey: whether our key is refused wherever we connect to, for long enough that a list which
// was changed a moment ago would have been read. Pure.
#pragma once

#include <flotilla/base/time.hpp>
#include <flotilla/net/monitor.hpp>

#include <cstddef>
#include <map>
#include <string>

namespace flotilla::cli {

class RefusedKey {
public:
    static constexpr Duration list_read_max = 1s; // a daemon reads a changed list within that

    // Our key is not in a list; other failures may pass.
    static bool is_refusal(const net::ConnectionEvent& event) noexcept {
        constexpr int denied_status = 400; // of ZAP; 300 is for a while
        return event.kind == net::ConnectionEvent::Kind::handshake_failed_auth &&
               event.value == denied_status;
    }

    explicit RefusedKey(std::size_t endpoints) : endpoints_(endpoints) {}

    void hear(const net::ConnectionEvent& event, Instant now) {
        if (event.kind == net::ConnectionEvent::Kind::handshake_succeeded)
            since_.erase(event.endpoint);
        if (!is_refusal(event))
            return;
        since_.emplace(event.endpoint, now);
        text_ = net::explain(event);
    }
    bool is_everywhere(Instant now) const {
        if (since_.empty() || since_.size() < endpoints_)
            return false;
        for (const auto& [endpoint, since] : since_)
            if (now - since < list_read_max)
                return false;
        return true;
    }
    // What was said last: who refused, and why.
    const std::string& text() const noexcept { return text_; }

private:
    std::size_t endpoints_;
    std::map<std::string, Instant> since_{};
    std::string text_{};
};

} // namespace flotilla::cli
