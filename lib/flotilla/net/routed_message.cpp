// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/routed_message.hpp>

namespace flotilla::net {

Status RoutedMessage::receive(Socket& router, Duration wait) {
    frames_.clear();
    bytes_ = 0;
    is_cut_ = false;
    descriptor_ = -1;
    user_id_.clear();
    std::uint64_t sum = 0;
    if (Status received = router.receive(peer_, wait); !received)
        return received;
    bool is_first = true;
    for (bool more = peer_.more(); more; is_first = false) {
        // The frames of one message arrive together.
        Socket::Look look = router.look_at_once(last_, Duration::zero());
        if (!look) [[unlikely]] {
            const auto waited = router.look_waiting(last_, Duration::zero());
            if (!waited)
                return fail(waited.error());
            look = *waited;
        }
        more = look.more() == More::yes;
        if (is_first)
            ask_who_speaks();
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

// Not of the routing id: libzmq makes that itself, and without these when somebody asked before
// whether there is input.
void RoutedMessage::ask_who_speaks() {
    descriptor_ = last_.descriptor();
    if (has_users_)
        user_id_ = last_.property("User-Id").value_or(std::string_view{});
}

} // namespace flotilla::net
