// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/routed_message.hpp>

namespace flotilla::net {

Status RoutedMessage::receive(Socket& router, Duration wait) {
    frames_.clear();
    bytes_ = 0;
    is_cut_ = false;
    std::uint64_t sum = 0;
    if (Status received = router.receive(peer_, wait); !received)
        return received;
    for (bool more = peer_.more(); more;) {
        // The frames of one message arrive together.
        Socket::Look look = router.look_at_once(last_, Duration::zero());
        if (!look) [[unlikely]] {
            const auto waited = router.look_waiting(last_, Duration::zero());
            if (!waited)
                return fail(waited.error());
            look = *waited;
        }
        more = look.more() == More::yes;
        const ByteView bytes = look.bytes();
        sum += bytes.size();
        if (is_cut_ || frames_.size() == frames_max || sum > bytes_max_) [[unlikely]]
            is_cut_ = true;
        else if (bytes.size() <= Blob::inline_bytes_max)
            frames_.add().assign(bytes);
        else
            last_.move_to(frames_.add());
    }
    bytes_ = sum;
    return {};
}

std::string_view RoutedMessage::user_id() const noexcept {
    return has_users_ ? peer_.property("User-Id").value_or(std::string_view{}) : std::string_view{};
}

} // namespace flotilla::net
