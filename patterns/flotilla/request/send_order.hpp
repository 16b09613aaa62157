// SPDX-License-Identifier: Apache-2.0
//
// SendOrder: in which order sends leave that were decided together: peer by peer, each one's in
// theirs. What stands together for one peer shares a system call.
//
// Pure; one thread at a time. Kept from time to time for its memory.
#pragma once

#include <flotilla/request/broker_machine.hpp>

#include <cstdint>
#include <vector>

namespace flotilla::request {

class SendOrder {
public:
    // When each has its turn; lives until the next call.
    struct Turn {
        std::uint64_t key = 0; // of the peer
        std::uint32_t at = 0;  // among `sends`
    };
    const std::vector<Turn>& of(const std::vector<BrokerOutputs::Send>& sends);

private:
    std::vector<Turn> turns_{};
};

} // namespace flotilla::request
