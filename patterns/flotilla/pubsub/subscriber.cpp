// SPDX-License-Identifier: Apache-2.0
#include "subscriber_rest.hpp"

#include <flotilla/base/option_check.hpp>
#include <flotilla/net/system.hpp>

#include <utility>

namespace flotilla::pubsub {
namespace {

Status check_options(const SubscriberOptions& options) {
    const Status checks[] = {
        check_within("subscriptions_max", options.subscriptions_max, 1, 1'000'000),
        check_within("topics_max", options.topics_max, 1, 10'000'000),
        check_within("publishers_max", options.publishers_max, 1, 1'000'000),
        check_within("missed_heartbeats_max", options.missed_heartbeats_max, 1, 1'000),
        check_within("unread_messages_max", options.unread_messages_max, 1, 1'000'000),
        check_within("lag_max", options.lag_max, 0s, 24h),
    };
    for (const Status& each : checks)
        if (!each)
            return each;
    if (options.metadata == Metadata::off &&
        (options.lag_max > 0s || options.lost_messages_max > 0))
        return bad_option("lag_max and lost_messages_max need metadata, which is off");
    return {};
}

} // namespace

Result<Subscriber> Subscriber::open(net::Context& context, SubscriberOptions options) {
    if (auto checked = check_options(options); !checked)
        return fail(std::move(checked.error()));
    auto rest = std::make_unique<Rest>(context, std::move(options));
    if (auto opened = rest->open_socket(); !opened)
        return fail(std::move(opened.error()));
    return Subscriber{std::move(rest)};
}

Subscriber::Subscriber(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
Subscriber::Subscriber(Subscriber&&) noexcept = default;
Subscriber& Subscriber::operator=(Subscriber&&) noexcept = default;
Subscriber::~Subscriber() = default;

Result<net::Endpoint> Subscriber::bind(const net::Endpoint& endpoint) {
    return rest_->attach({endpoint, net::Attach::bind});
}

Status Subscriber::connect(const net::Endpoint& endpoint) {
    if (auto attached = rest_->attach({endpoint, net::Attach::connect}); !attached)
        return fail(std::move(attached.error()));
    return {};
}

Result<net::Endpoint> Subscriber::attach(const net::Attachment& attachment) {
    return rest_->attach(attachment);
}

Status Subscriber::subscribe(ByteView prefix) {
    if (auto added = rest_->filter.add(prefix); !added)
        return added;
    rest_->filter_grew();
    return rest_->socket ? rest_->socket->subscribe(prefix) : Status{};
}

Status Subscriber::unsubscribe(ByteView prefix) {
    if (auto removed = rest_->filter.remove(prefix); !removed)
        return removed;
    rest_->filter_shrank();
    return rest_->socket ? rest_->socket->unsubscribe(prefix) : Status{};
}

Status Subscriber::subscribe_pattern(const TopicPattern& pattern) {
    if (auto added = rest_->filter.add(pattern); !added)
        return added;
    rest_->filter_grew();
    return rest_->socket ? rest_->socket->subscribe(pattern.native_prefix()) : Status{};
}

Status Subscriber::unsubscribe_pattern(const TopicPattern& pattern) {
    if (auto removed = rest_->filter.remove(pattern); !removed)
        return removed;
    rest_->filter_shrank();
    return rest_->socket ? rest_->socket->unsubscribe(pattern.native_prefix()) : Status{};
}

Result<Message> Subscriber::receive(Duration wait) {
    net::Part topic;
    for (;;) {
        if (auto found = rest_->next_topic(topic, wait); !found)
            return fail(std::move(found.error()));
        auto message = rest_->read_message(topic);
        if (!message)
            return message;
        const wire::Envelope* const envelope = message->envelope ? &*message->envelope : nullptr;
        switch (rest_->account(message->topic, envelope)) {
        case Rest::Verdict::pass_over:
            continue;
        case Rest::Verdict::too_slow:
            return fail(std::move(rest_->unconnected().error()));
        case Rest::Verdict::deliver:
            message->snapshot = envelope && envelope->snapshot;
            rest_->delivered(message->body.bytes());
            return message;
        }
    }
}

Result<std::vector<Message>> Subscriber::receive_batch(std::size_t messages_max, Duration wait) {
    std::vector<Message> messages;
    while (messages.size() < messages_max) {
        auto message = receive(messages.empty() ? wait : Duration::zero());
        if (!message) {
            if (messages.empty())
                return fail(std::move(message.error()));
            break;
        }
        messages.push_back(std::move(*message));
    }
    return messages;
}

Status Subscriber::receive(net::Part& topic, net::Part& body, Duration wait) {
    Rest& rest = *rest_;
    if (!rest.everything_is_wanted)
        return rest.receive_wanted(topic, body, wait);
    const auto both = rest.socket->receive_both_at_once(topic, body, wait);
    if (!both) [[unlikely]]
        return rest.receive_waiting(topic, body, wait);
    if (both.more == net::More::yes) [[unlikely]]
        rest.pass_over_behind(body);
    rest.delivered(static_cast<std::size_t>(both.second_bytes));
    return {};
}

Status Subscriber::rejoin() {
    return rest_->socket ? Status{} : rest_->join();
}

LossReport Subscriber::loss() const {
    return rest_->losses.report();
}

std::vector<PublisherReport> Subscriber::publishers() const {
    return rest_->heard.report(net::now());
}

SubscriberCounters Subscriber::counters() const {
    return rest_->counts;
}

int Subscriber::fd() const noexcept {
    return rest_->socket ? rest_->socket->fd() : -1;
}

Status Subscriber::wait_readable(Duration wait) {
    return rest_->socket ? rest_->socket->wait_readable(wait) : rest_->unconnected();
}

} // namespace flotilla::pubsub
