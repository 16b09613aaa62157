// SPDX-License-Identifier: Apache-2.0
//
// BrokerHops: what a broker notes of the time that requests and answers spend with it, in bodies
// that end with an envelope. The hop is added when the message comes, so that it waits, is repeated
// and is given to another worker with it; the time of leaving is set when it is
// encoded for one of them, which is the turn in which it is sent.
#pragma once

#include <flotilla/base/time.hpp>
#include <flotilla/request/message.hpp>
#include <flotilla/wire/hop.hpp>

#include <cstdint>
#include <string>

namespace flotilla::request {

class BrokerHops {
public:
    // Bodies that would grow beyond the limit are left as they are.
    BrokerHops(const std::string& instance, std::uint64_t message_bytes_max)
        : stamp_("broker", instance), message_bytes_max_(message_bytes_max) {}

    void came(Message& message, WallTime now);
    void leaves(Message& message, WallTime now) const;

private:
    wire::HopStamp stamp_;
    std::uint64_t message_bytes_max_;
    std::string frame_{}; // of came(), for its memory
};

} // namespace flotilla::request
