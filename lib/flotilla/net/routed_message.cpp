// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/routed_message.hpp>

namespace flotilla::net {

Status RoutedMessage::receive(Socket& router, Duration wait) {
    frames_.clear();
    bytes_ = 0;
    is_cut_ = false;
    descriptor_ = -1;
    user_id_.clear();
    if (Status received = router.receive(peer_, wait); !received)
        return received;
    bool is_first = true;
    for (bool more = peer_.more(); more; is_first = false) {
        // The frames of one message arrive together.
        const auto look = router.receive_look(last_, Duration::zero());
        if (!look)
            return fail(look.error());
        more = look->more() == More::yes;
        if (is_first)
            ask_who_speaks();
        const ByteView bytes = look->bytes();
        bytes_ += bytes.size();
        if (is_cut_ || frames_.size() == frames_max || bytes_ > bytes_max_) [[unlikely]]
            is_cut_ = true;
        else if (bytes.size() <= Blob::inline_bytes_max)
            frames_.add().assign(bytes);
        else
            last_.move_to(frames_.add());
    }
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
