// SPDX-License-Identifier: Apache-2.0
//
// ServerAsks: what a server asks its own engine, under an address that no peer and no door has, and
// who waits for which answer. Private to the pattern.
#pragma once

#include <flotilla/queue/engine/engine.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace flotilla::queue {

class ServerAsks {
public:
    using Answered = std::function<void(Event&&)>;
    static constexpr std::size_t asks_max = 1'000; // that wait

    static bool is_ours(std::string_view peer) noexcept;
    bool is_full() const noexcept { return waiting_.size() >= asks_max; }
    // Must not be full. `answered` is called once: by hear(), or by give_up().
    void ask(QueueEngine& engine, Command&& command, Times times, Answered answered);
    void hear(EngineOutputs::Send&& said);
    // The engine has read its store again, or ends: what was asked may not have happened.
    void give_up(std::string_view why);

private:
    std::map<std::string, Answered, std::less<>> waiting_{}; // by correlation
    std::uint64_t asked_ = 0;
};

} // namespace flotilla::queue
