// SPDX-License-Identifier: Apache-2.0
#include "broker_incoming.hpp"

#include <flotilla/wire/foreign.hpp>

#include <string_view>
#include <utility>

namespace flotilla::request {

namespace {

constexpr std::string_view who_is_here =
    "this is a flotilla-broker (Majordomo); queues are kept by flotilla-store";
constexpr std::string_view not_admin =
    "this is where a flotilla-broker is spoken to by clients and workers; its admin endpoint is "
    "what it was given as --admin";

} // namespace

Status BrokerIncoming::receive(net::Socket& router, const BrokerOptions& options, Duration wait) {
    frames.clear();
    bytes = 0;
    too_many = false;
    if (Status received = router.receive(peer, wait); !received)
        return received;
    bool more = peer.more();
    for (bool first = true; more; first = false) {
        // The frames of one message arrive together.
        const auto look = router.receive_look(last, Duration::zero());
        if (!look)
            return fail(look.error());
        more = look->more() == net::More::yes;
        if (first) {
            descriptor = last.descriptor();
            if (names == Names::authenticated)
                user_id = last.property("User-Id").value_or(std::string_view{});
        }
        bytes += look->bytes().size();
        // One frame less than fits: the routing id goes in front of what is sent.
        too_many = too_many || frames.size() == wire::Frames::frames_max - 1 ||
                   bytes > options.limits.message_bytes_max + limits::envelope_bytes_max;
        if (too_many)
            continue;
        Blob& frame = frames.add();
        if (look->bytes().size() <= Blob::inline_bytes_max)
            frame.assign(look->bytes());
        else
            last.move_to(frame);
    }
    return {};
}

void BrokerIncoming::refuse_foreign(net::Socket& router, net::PeerBacklogs& backlogs) const {
    auto refusal = wire::refuse_queue_speaker(frames, who_is_here);
    if (!refusal)
        refusal = wire::refuse_admin_speaker(frames, not_admin);
    if (!refusal)
        return;
    wire::Frames addressed;
    addressed.add(peer.view());
    for (std::size_t i = 0; i < refusal->size(); ++i)
        addressed.add(std::move((*refusal)[i]));
    (void)backlogs.send(router, std::move(addressed)); // who does not read it has lost nothing
}

} // namespace flotilla::request
