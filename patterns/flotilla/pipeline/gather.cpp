// SPDX-License-Identifier: Apache-2.0
#include <flotilla/pipeline/gather.hpp>

namespace flotilla::pipeline {

bool Gather::is_stalled(Instant now, const Transport& transport) noexcept {
    if (now < next_look())
        return false;
    if (transport.left != left_then_) {
        watch(now, transport); // slow, but moving: the transport will say when there is room
        return false;
    }
    stalled_ = transport.outstanding();
    judged_until_ = transport.left + judgement_frames;
    return true;
}

void Gather::reconsider(const Transport& transport) noexcept {
    stalled_ = transport.left >= judged_until_ ? 0 : std::min(stalled_, transport.outstanding());
}

} // namespace flotilla::pipeline
