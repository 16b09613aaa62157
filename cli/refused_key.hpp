// SPDX-License-Identifier: Apache-2.0
//
// RefusedEverywhere and RefusedKey: whether we are refused wherever we connect to, for long enough
// that a list or a rule which was changed a moment ago would have been read. Pure.
#pragma once

#include <flotilla/base/time.hpp>
#include <flotilla/net/monitor.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <utility>

namespace flotilla::cli {

class RefusedEverywhere {
public:
    static constexpr Duration list_read_max = 1s; // a daemon reads a changed list within that

    explicit RefusedEverywhere(std::size_t endpoints) : endpoints_(endpoints) {}

    void refused(const std::string& endpoint, std::string why, Instant now) {
        since_.emplace(endpoint, now);
        text_ = std::move(why);
    }
    void accepted(const std::string& endpoint) { since_.erase(endpoint); }
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

class RefusedKey : public RefusedEverywhere {
public:
    using RefusedEverywhere::RefusedEverywhere;

    // Our key is not in a list; other failures may pass.
    static bool is_refusal(const net::ConnectionEvent& event) noexcept {
        constexpr int denied_status = 400; // of ZAP; 300 is for a while
        return event.kind == net::ConnectionEvent::Kind::handshake_failed_auth &&
               event.value == denied_status;
    }

    void hear(const net::ConnectionEvent& event, Instant now) {
        if (event.kind == net::ConnectionEvent::Kind::handshake_succeeded)
            accepted(event.endpoint);
        else if (is_refusal(event))
            refused(event.endpoint, net::explain(event), now);
    }
};

} // namespace flotilla::cli
