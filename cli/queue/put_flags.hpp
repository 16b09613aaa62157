// SPDX-License-Identifier: Apache-2.0
//
// What `zmq queue put` was told, and what it makes of a message of its input.
#pragma once

#include <flotilla/base/exit_code.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/queue/producer.hpp>

#include <cli/input.hpp>
#include <cli/queue/store_flags.hpp>
#include <cli/terminal.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flotilla::cli {

struct PutFlags {
    std::string queue;
    std::vector<std::string> bodies;
    std::optional<std::uint64_t> count;
    std::string key;
    std::uint64_t priority = 0;
    Duration delay{0};
    Duration ttl{0};
    std::string id;
    std::string outbox;
    bool acked = false;
    StoreFlags store;
    InputFlags input;
};

// Errors: bad_option (what contradicts itself).
Status check_put(const PutFlags& flags);
Result<Input> bodies_of(const PutFlags& flags);
// Of the message that `input` gave last. What a JSON line's "meta" says of its key, priority,
// due_ms and expiry_ms, as peek, take and export write them, counts where no flag says otherwise.
// Both must outlive it. Errors: malformed.
Result<queue::PutOptions> put_options(const PutFlags& flags, const Input& input);
// Says what --id did: that the message is not stored again, and where it can have no effect.
void tell_repeat(const PutFlags& flags, std::uint64_t original, Terminal& terminal);
void tell_without_window(const PutFlags& flags, Terminal& terminal);
// Asks the first store that answers whether it drains: that in words, or nothing. Waits for about a
// second at most.
std::string draining_text(const PutFlags& flags);

// --wait-acked: one after the other, each answered when a consumer has acknowledged it.
Result<ExitCode> put_acked(const PutFlags& flags, Terminal& terminal);

} // namespace flotilla::cli
