// SPDX-License-Identifier: Apache-2.0
//
// BrokerSender: how what a BrokerMachine decided leaves: encoded at once, and sent peer by peer
// when enough has gathered, requests for one worker as a pack where it reads packs; and what did
// not reach anybody goes back to the machine. Private to the component.
//
// One thread at a time.
#pragma once

#include "broker_hops.hpp"
#include "broker_options.hpp"

#include <flotilla/base/blob.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/peer_backlog.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/request/broker.hpp>
#include <flotilla/request/broker_machine.hpp>
#include <flotilla/request/message_pack.hpp>
#include <flotilla/wire/frames.hpp>
#include <flotilla/wire/staged.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace flotilla::request {

class BrokerSender {
public:
    // All must outlive it. `hops`: where they are recorded, if at all.
    BrokerSender(net::Socket& router, BrokerMachine& machine, std::optional<BrokerHops>& hops,
                 const BrokerOptions& options);

    // Takes what is to be sent out of `sends`.
    void take(std::vector<BrokerOutputs::Send>& sends);
    std::size_t taken() const noexcept { return staged_.size(); }
    // Sends what was taken. `out` is given what the machine makes of peers that cannot be reached.
    void send_all(BrokerOutputs& out);
    // Tries again what waits for peers that do not read, not more often than is worth it.
    void retry(Instant now, BrokerOutputs& out);
    // The session of a peer ended: what waits for it is dropped.
    void forget(std::string_view peer);

    net::PeerBacklogs& backlogs() noexcept { return backlogs_; }
    const net::PeerBacklogs& backlogs() const noexcept { return backlogs_; }
    std::uint64_t too_slow_total() const noexcept { return too_slow_total_; }

private:
    void send(std::size_t at, BrokerOutputs& out);
    std::size_t send_pack(std::span<const std::uint32_t> turns, BrokerOutputs& out);
    void not_sent(net::PeerBacklogs::Sent sent, std::string_view peer, Side side,
                  std::span<const std::uint32_t> what, BrokerOutputs& out);
    void add_tokens(std::size_t at);
    void give_unseen(BrokerOutputs& out);

    net::Socket& router_;
    BrokerMachine& machine_;
    std::optional<BrokerHops>& hops_;
    net::PeerBacklogs backlogs_;
    wire::StagedMessages staged_{};
    wire::Frames outgoing_{};    // for its memory
    std::string unseen_by_{};    // a worker that turned out to be unreachable,
    std::vector<Blob> unseen_{}; // and the tokens of what did not reach it, oldest first
    PackWriter pack_{};          // empty between two calls
    Instant tried_{};
    std::uint64_t too_slow_total_ = 0;
};

} // namespace flotilla::request
