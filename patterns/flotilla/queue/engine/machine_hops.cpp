// SPDX-License-Identifier: Apache-2.0
//
// QueueMachine: what a delivery notes of its time here, in messages that carry an envelope. What is
// stored stays as it was put, so that every delivery tells of itself.
#include <flotilla/queue/engine/queue_machine_rest.hpp>
#include <flotilla/queue/engine/queue_round.hpp>

namespace flotilla::queue {

void QueueMachine::Rest::record_hops() {
    hop_.reset();
    if (!limits_.hop_instance.empty())
        hop_.emplace("store", limits_.hop_instance);
}

// The body's frames, each with its length. The view lives until the next call.
ByteView QueueMachine::Rest::body_with_hop(const Given& message) {
    const Record& record = message.record;
    const ByteView body = record.body.substr(2);
    if (record.frames < 2 || record.body_bytes + hop_->bytes() > limits_.message_bytes_max)
        return body;
    ByteView rest = body;
    for (std::size_t i = 0; i + 1 < record.frames; ++i)
        (void)leased::next_frame(rest);
    const std::size_t last_at = body.size() - rest.size();
    const WallTime came{std::chrono::milliseconds{uses_[message.block].wall_ms}};
    const ByteView last = leased::next_frame(rest);
    if (hop_->stamp(last, came, turn_.wall, hop_frame_) != wire::HopStamp::Edit::stamped)
        return body;
    hop_body_.clear();
    hop_body_.append(body.substr(0, last_at)).append(sizeof(std::uint32_t), '\0');
    wire::store_u32(hop_body_.data() + last_at, static_cast<std::uint32_t>(hop_frame_.size()));
    hop_body_.append(hop_frame_);
    return hop_body_;
}

} // namespace flotilla::queue
