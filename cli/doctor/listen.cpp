// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/poller.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/pubsub/topic.hpp>
#include <flotilla/wire/subscription.hpp>

#include <cli/doctor/listen.hpp>
#include <cli/signals.hpp>

#include <algorithm>

namespace flotilla::cli::doctor {
namespace {

constexpr std::size_t topics_shown_max = 20;
constexpr std::size_t subscriptions_max = 1'000;

class Ear {
public:
    Ear(net::Socket& socket, net::Monitor& monitor, const ListenOptions& options)
        : socket_(socket), monitor_(monitor), options_(options), topics_(options.topic) {}

    Result<Heard> run() {
        heard_.listened = true;
        poller_.on_readable(socket_, [this] { read_messages(); });
        poller_.on_readable(monitor_.socket(), [this] { read_events(); });
        if (signal_descriptor() >= 0)
            poller_.on_readable(signal_descriptor(),
                                [this] { poller_.forget(signal_descriptor()); });
        deadline_ = deadline_after(net::now(), options_.handshake);
        while (net::now() < deadline_ && signal_caught() == 0)
            if (auto turned = poller_.turn(time_left(net::now(), deadline_)); !turned)
                return fail(turned.error());
        topics_.report(topics_shown_max, heard_);
        return std::move(heard_);
    }

private:
    void read_events() {
        using Kind = net::ConnectionEvent::Kind;
        while (const auto event = monitor_.next()) {
            if (event->kind == Kind::handshake_succeeded)
                note_handshake();
            if (event->kind >= Kind::handshake_failed_no_detail &&
                event->kind != Kind::handshake_succeeded)
                heard_.failure = net::explain(*event);
        }
    }

    void note_handshake() {
        if (heard_.handshake)
            return;
        heard_.handshake = true;
        deadline_ = deadline_after(net::now(), options_.listen);
    }

    void read_messages() {
        for (int i = 0; i < 1'000; ++i) {
            auto message = socket_.receive(Duration::zero());
            if (!message && message.error().code == Errc::would_block)
                return;
            if (!message)
                continue;     // one that was too large, and was dropped
            note_handshake(); // libzmq reports none for peers of ZMTP 2.0
            if (options_.type == net::SocketType::xpub)
                note_subscription((*message)[0]);
            else
                topics_.add((*message)[0], message->bytes());
        }
    }

    void note_subscription(ByteView frame) {
        const auto asked = wire::read_subscription(frame);
        if (!asked)
            return;
        std::string topic(asked->prefix.substr(0, TopicCount::topic_bytes_max));
        auto& known = heard_.subscriptions;
        const auto at = std::find(known.begin(), known.end(), topic);
        if (asked->subscribes && at == known.end() && known.size() < subscriptions_max)
            known.push_back(std::move(topic));
        if (!asked->subscribes && at != known.end())
            known.erase(at);
    }

    net::Socket& socket_;
    net::Monitor& monitor_;
    const ListenOptions& options_;
    TopicCount topics_;
    Heard heard_;
    Instant deadline_{};
    net::Poller poller_;
};

} // namespace

void TopicCount::add(ByteView first_frame, std::uint64_t message_bytes) {
    if (pubsub::is_reserved(first_frame)) {
        ++heartbeats_;
        return;
    }
    ++messages_;
    bytes_ += message_bytes;
    if (wanted_ && first_frame.substr(0, wanted_->size()) == *wanted_)
        ++matching_;
    const ByteView topic = first_frame.substr(0, topic_bytes_max);
    const auto known = counts_.find(topic);
    if (known != counts_.end())
        ++known->second;
    else if (counts_.size() < topics_max)
        counts_.emplace(topic, 1);
    else
        overflowed_ = true;
}

void TopicCount::report(std::size_t shown_max, Heard& into) const {
    std::vector<Topic> all;
    for (const auto& [name, count] : counts_)
        all.push_back({name, count});
    std::stable_sort(all.begin(), all.end(),
                     [](const Topic& a, const Topic& b) { return a.messages > b.messages; });
    into.more_topics = overflowed_ || all.size() > shown_max;
    all.resize(std::min(all.size(), shown_max));
    into.topics = std::move(all);
    into.messages = messages_;
    into.messages_matching = matching_;
    into.bytes = bytes_;
    into.heartbeats = heartbeats_;
}

Result<Heard> listen(net::Context& context, const net::Endpoint& peer,
                     const ListenOptions& options) {
    net::SocketOptions socket_options;
    socket_options.security = options.security;
    socket_options.receive_messages_max = 10'000;
    auto socket = net::Socket::open(context, options.type, socket_options);
    if (!socket)
        return fail(socket.error());
    auto monitor = net::Monitor::open(*socket);
    if (!monitor)
        return fail(monitor.error());
    if (options.type == net::SocketType::sub) {
        if (options.topic)
            if (auto subscribed = socket->subscribe(*options.topic); !subscribed)
                return fail(subscribed.error());
        if (!options.topic || options.subscribes == Subscribes::to_everything_too)
            if (auto subscribed = socket->subscribe(""); !subscribed)
                return fail(subscribed.error());
    }
    if (auto connected = socket->connect(peer); !connected)
        return fail(connected.error());
    return Ear(*socket, *monitor, options).run();
}

} // namespace flotilla::cli::doctor
