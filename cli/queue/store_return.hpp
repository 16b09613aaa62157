// SPDX-License-Identifier: Apache-2.0
//
// StoreReturn: waits for a store that went away, or refuses for a while, to be back, and says both,
// once for all that wait for it. Any thread.
#pragma once

#include <flotilla/base/result.hpp>

#include <cli/queue/store_link.hpp>

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

namespace flotilla::cli {

class StoreReturn {
public:
    enum class Patience : std::uint8_t { timeout, endless }; // the link's; until a signal
    using Say = std::function<void(const std::string&)>;

    StoreReturn(Patience patience, Say say) : patience_(patience), say_(std::move(say)) {}

    // StoreLink::open(); with endless patience also a store that is not there yet is waited for,
    // which is said once. Errors: those of StoreLink::open; stopped (a signal).
    Result<StoreLink> open(const StoreFlags& flags, const ConnectionTold& told,
                           const std::string& name = {});
    // Whether `error` says that the store is away, has forgotten us or refuses what it may accept
    // in a new session, so that it is worth waiting.
    bool is_worth_waiting(const StoreLink& link, const Error& error) const;
    // Opens `link` again, and lets `begin` begin on it anew. Errors: those of StoreLink::open and
    // of `begin`, when they would be the same the next time, or the time is over; stopped (a
    // signal).
    Status wait(StoreLink& link, const Error& why, const std::function<Status()>& begin);

private:
    Status try_until_back(StoreLink& link, const std::function<Status()>& begin) const;

    Patience patience_;
    Say say_;
    std::mutex mutex_{};
    std::uint32_t waiting_ = 0; // at this moment
    bool has_said_missing_ = false;
};

} // namespace flotilla::cli
