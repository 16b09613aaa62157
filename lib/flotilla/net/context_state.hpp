// SPDX-License-Identifier: Apache-2.0
// What a Context and its sockets share. Private to net.
#pragma once

#include "given_listeners.hpp"

#include <flotilla/net/context.hpp>
#include <flotilla/net/zap.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace flotilla::net {
class Runner;
}

namespace flotilla::net::detail {

class ContextState : public std::enable_shared_from_this<ContextState> {
public:
    enum class Native : std::uint8_t { owned, adopted };
    ContextState(void* native, Native ownership) noexcept;
    ~ContextState(); // terminates an owned context; waits for its sockets' linger

    void* native() const noexcept { return native_; }
    // A handle whose end does not end the context.
    Context guest();
    void shutdown() noexcept;
    void stop_access_handler() noexcept;
    // Asked on the handler's thread and set on any.
    Status set_access_policy(std::string domain, AccessPolicy policy);
    struct GuardedDomain {
        std::shared_ptr<Gate> gate;
        std::optional<Entry> entry;
    };
    Status set_gate(std::string domain, GuardedDomain guarded);
    AccessCounters access_counters() const;
    GivenListeners& given_listeners() noexcept { return given_listeners_; }

private:
    Status start_access_handler();
    Result<wire::Frames> answer(const wire::Frames& request);

    void* native_;
    Native ownership_;
    std::mutex start_mutex_;   // one start of the handler at a time
    mutable std::mutex mutex_; // guards what follows
    std::map<std::string, GuardedDomain, std::less<>> domains_;
    AccessCounters counters_;
    std::unique_ptr<Runner> access_handler_;
    GivenListeners given_listeners_;
};

} // namespace flotilla::net::detail
