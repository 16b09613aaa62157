// SPDX-License-Identifier: Apache-2.0
#include "server_incoming.hpp"

#include <utility>

namespace flotilla::queue {

Status ServerIncoming::receive(net::Socket& router, Duration wait) {
    frames.clear();
    too_many = false;
    if (Status received = router.receive(peer, wait); !received)
        return received;
    std::uint64_t bytes = 0;
    bool more = peer.more();
    for (bool first = true; more; first = false) {
        const auto look = router.receive_look(last_, no_limit);
        if (!look)
            return fail(look.error());
        more = look->more() == net::More::yes;
        if (first) {
            descriptor = last_.descriptor();
            if (names == Names::authenticated)
                user_id = last_.property("User-Id").value_or(std::string_view{});
        }
        bytes += look->bytes().size();
        too_many = too_many || frames.size() == wire::Frames::frames_max - 1 || bytes > bytes_max;
        if (too_many)
            continue;
        if (look->bytes().size() <= Blob::inline_bytes_max)
            frames.add(look->bytes());
        else
            frames.add(std::move(last_).to_blob());
    }
    return {};
}

} // namespace flotilla::queue
