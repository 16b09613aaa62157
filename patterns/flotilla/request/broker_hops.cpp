// SPDX-License-Identifier: Apache-2.0
#include "broker_hops.hpp"

namespace flotilla::request {

namespace {
bool has_body(const Message& message) {
    const Verb verb = message.verb;
    return (verb == Verb::request || verb == Verb::partial || verb == Verb::final) &&
           message.body.size() >= 2;
}
} // namespace

void BrokerHops::came(Message& message, WallTime now) {
    if (!has_body(message) || message.body.bytes() + stamp_.bytes() > message_bytes_max_)
        return;
    if (stamp_.stamp(message.body.back(), now, now, frame_) == wire::HopStamp::Edit::stamped)
        message.body.back() = Blob::copy(frame_);
}

void BrokerHops::leaves(Message& message, WallTime now) const {
    if (!has_body(message) || !stamp_.is_last_of(message.body.back()))
        return;
    // A copy: the bytes may be kept for another attempt, or be on their way out already.
    std::string frame{message.body.back().view()};
    stamp_.set_left(frame.data(), frame.size(), now);
    message.body.back() = Blob::copy(frame);
}

} // namespace flotilla::request
