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

    // A queue's connections of those who lost the right to what they are given are cut.
    void set(std::shared_ptr<const Permissions> permissions);
    // Whether the side's messages have to be judged at all.
    bool judges(Side side) const noexcept {
        return !judge_.is_open() && binds_[static_cast<std::size_t>(side)];
    }
    // Of a message that is no subscription; judges(side) was true. False: it was counted.
    bool may_pass(Side side, const Message& message);

    // Of who subscribes: at a forwarder's backend, at the capture.
    enum class Named : std::uint8_t { no, yes }; // whether the transport knows who its peers are
    struct Listening {
        Operation operation{};
        Named named{};
        bool is_judged = false;
    };
    Listening subscribers() const noexcept;
    Listening taps() const noexcept;
    // The user's text lives as long as the part. Where the transport does not know who a peer is,
    // it may say anything of itself, and is nobody.
    static std::string_view user_of(const Listening& listening, const net::Part& part);
    bool allows(const Listening& listening, std::string_view user_id, ByteView topic);
    // The same; what is refused is counted, and who was revoked is cut.
    bool may_listen(const Listening& listening, std::string_view user_id, ByteView topic,
                    int descriptor);

    // Whom the rules know by that; empty: nobody.
    std::string user_named(std::string_view user_id) const;

    const OperationCounts& refused() const noexcept { return judge_.refused(); }

private:
    void refuse(std::string_view user_id, Operation operation, std::string_view object,
                int descriptor);

    const RelayOptions& options_;
    std::array<bool, 2> binds_{};
    std::array<Named, 2> named_{};
    Judge judge_{};
    std::array<Audience, 2> peers_{}; // queue: of each side, what they are sent
};

} // namespace flotilla::relay
