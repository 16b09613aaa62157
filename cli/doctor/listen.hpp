// SPDX-License-Identifier: Apache-2.0
//
// Listen: what a real socket hears from the peer in a while: messages and their topics, or as XPUB
// the subscriptions.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/security.hpp>
#include <flotilla/net/socket.hpp>

#include <cli/doctor/facts.hpp>

#include <map>
#include <optional>
#include <string>

namespace flotilla::cli::doctor {

// Counts messages by their first frame, and beside them what Publishers say for themselves. Pure;
// bounded: topics beyond topics_max are not named.
class TopicCount {
public:
    static constexpr std::size_t topics_max = 10'000;
    static constexpr std::size_t topic_bytes_max = 200; // a longer first frame is cut

    explicit TopicCount(std::optional<std::string> wanted) : wanted_(std::move(wanted)) {}
    void add(ByteView first_frame, std::uint64_t message_bytes);
    // The most frequent first, at most `shown_max` of them.
    void report(std::size_t shown_max, Heard& into) const;

private:
    std::optional<std::string> wanted_;
    std::map<std::string, std::uint64_t, std::less<>> counts_;
    std::uint64_t messages_ = 0;
    std::uint64_t matching_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t heartbeats_ = 0;
    bool overflowed_ = false;
};

struct ListenOptions {
    net::SocketType type = net::SocketType::sub; // sub, xpub or pull
    net::Security security{};
    std::optional<std::string> topic{};
    Subscribes subscribes = Subscribes::to_everything_too;
    Duration listen = 3s;    // after the handshake
    Duration handshake = 5s; // longest wait for it
};
// Ends early when a signal was caught. Errors: those of Socket and Monitor.
Result<Heard> listen(net::Context& context, const net::Endpoint& peer,
                     const ListenOptions& options);

} // namespace flotilla::cli::doctor
