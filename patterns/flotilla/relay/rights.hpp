// SPDX-License-Identifier: Apache-2.0
//
// Rights: who may pass what through a relay, by the User-Id that libzmq gives with each message.
// Private to relay.
//
//     kind        from the frontend       from the backend
//     forwarder   publish, its topic      subscribe, the topic
//     queue       call, the relay's name  serve, the relay's name
//     streamer    put, the relay's name   nothing comes: take is judged at the handshake
//     a tap                               administer, the relay's name: it sees everything
//
// Peers that the relay itself connects to were chosen by its options and are not judged. Topics
// that Flotilla keeps for itself (heartbeats) pass for everybody who is let in.
#pragma once

#include "audience.hpp"
#include "message.hpp"

#include <flotilla/base/judge.hpp>
#include <flotilla/relay/plan.hpp>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace flotilla::relay {

class Rights {
public:
    explicit Rights(const RelayOptions& options);

    // Connections of those who lost the right to what they are given are cut; of those who now have
    // one to what they were refused, too: they connect again, and ask again.
    void set(std::shared_ptr<const Permissions> permissions);
    // Whether the side's messages have to be judged at all.
    bool judges(Side side) const noexcept {
        return !judge_.is_open() && binds_[static_cast<std::size_t>(side)];
    }
    // Of a message that is no subscription; judges(side) was true. False: it was counted.
    bool may_pass(Side side, const Message& message);

    // What becomes of a subscription or cancellation.
    enum class Verdict : std::uint8_t { takes_effect, refused, cancels_refused };
    Verdict subscription(const net::Part& message, bool subscribes, ByteView topic);
    Verdict tap_subscription(const net::Part& message, bool subscribes, ByteView topic);

    const OperationCounts& refused() const noexcept { return judge_.refused(); }

private:
    struct Sender {
        std::string_view user_id{};
        int descriptor = -1;
    };
    enum class Named : std::uint8_t { no, yes }; // whether the transport knows who its peers are
    struct Listeners {                           // of one XPUB
        Operation operation{};
        Named named{};
        Audience audience{};
        RefusedTopics refused{};
        Audience denied{}; // and to whom
    };
    static Sender sender_of(const net::Part& part, Named named);
    void refuse(const Sender& sender, Operation operation, std::string_view object);
    Verdict judge(Listeners& of, const net::Part& message, bool subscribes, ByteView topic,
                  ByteView object);

    const RelayOptions& options_;
    std::array<bool, 2> binds_{};
    std::array<Named, 2> named_{};
    Judge judge_{};
    Listeners subscribers_{};
    Listeners taps_{};
    std::array<Audience, 2> peers_{}; // queue: of each side, what they are sent
};

} // namespace flotilla::relay
