// SPDX-License-Identifier: Apache-2.0
#include "link.hpp"

#include <flotilla/base/random.hpp>

#include <support/seed.hpp>

#include <map>
#include <string>

using namespace flotilla;
using namespace flotilla::pubsub;
using namespace flotilla::test;
using wire::Frames;

namespace {

PublisherOptions narrow(Overflow overflow) {
    PublisherOptions options;
    options.overflow = overflow;
    options.metadata = Metadata::on;
    options.unsent_messages_max = 100;
    return options;
}

SubscriberOptions counting_few() {
    SubscriberOptions options;
    options.metadata = Metadata::on;
    options.unread_messages_max = 100;
    return options;
}

// What one subscriber got of each topic whose messages are numbered in their bodies.
class Ledger {
public:
    void got(const Message& message) {
        Topic& topic = topics_[std::string{message.topic.view()}];
        const std::uint64_t number = std::stoull(std::string{message.body[0].view()});
        if (topic.count++ == 0)
            topic.first = number;
        CHECK(number > topic.last); // in order and once
        topic.last = number;
        ++count_;
    }
    std::uint64_t count() const { return count_; }
    // From each topic's first message on, given what was sent in all.
    std::uint64_t lost(const std::map<std::string, std::uint64_t>& sent) const {
        std::uint64_t lost = 0;
        for (const auto& [topic, seen] : topics_)
            lost += sent.at(topic) - seen.first + 1 - seen.count;
        return lost;
    }

private:
    struct Topic {
        std::uint64_t first = 0;
        std::uint64_t last = 0;
        std::uint64_t count = 0;
    };
    std::map<std::string, Topic> topics_;
    std::uint64_t count_ = 0;
};

// Reads everything that is there, heartbeats included.
void drain(Subscriber& subscriber, Ledger& ledger) {
    for (;;) {
        const auto message = subscriber.receive(quiet);
        if (!message) {
            REQUIRE(message.error().code == Errc::timeout);
            return;
        }
        ledger.got(*message);
    }
}

void hear_heartbeat(Link& link, Subscriber& subscriber) {
    const auto before = subscriber.counters().heartbeats_total;
    REQUIRE(link.publisher.send_heartbeat());
    const Instant deadline = deadline_after(net::now(), patience);
    while (subscriber.counters().heartbeats_total == before) {
        REQUIRE(net::now() < deadline);
        CHECK(subscriber.receive(10ms).error().code == Errc::timeout);
    }
}

} // namespace

TEST_CASE("overflow: under overload the loss count equals the true loss, message by message",
          "[integration][pubsub]") {
    const auto seed = test::seed(4'711);
    INFO("seed " << seed);
    Random random(seed);
    Link link(narrow(Overflow::lossy));
    auto by_prefix = link.subscriber(counting_few());
    auto by_pattern = link.subscriber(counting_few());
    REQUIRE(by_prefix.subscribe("t."));
    REQUIRE(by_pattern.subscribe_pattern(Link::take(TopicPattern::parse("t.*.x"))));
    link.await(2, "t.0.x");
    std::map<std::string, std::uint64_t> sent;
    Ledger ledgers[2];
    Subscriber* const subscribers[] = {&by_prefix, &by_pattern};
    const auto some = [&](Subscriber& subscriber, Ledger& ledger, std::uint64_t count) {
        for (std::uint64_t read = 0; read < count; ++read)
            if (const auto message = subscriber.receive(0s))
                ledger.got(*message);
    };
    const std::string filling(10'000, '.');
    for (int burst = 0; burst < 40; ++burst) {
        for (std::uint64_t i = random.below(1'000); i > 0; --i) {
            const std::string topic =
                "t." + std::to_string(random.below(5)) + (random.one_in(2) ? ".x" : ".y");
            Frames body{std::to_string(++sent[topic]), filling};
            REQUIRE(link.publisher.send(topic, body));
        }
        for (int i = 0; i < 2; ++i) {
            some(*subscribers[i], ledgers[i], random.below(300));
            // Never more than the truth, at any time.
            CHECK(subscribers[i]->loss().lost <= ledgers[i].lost(sent));
        }
    }
    for (int i = 0; i < 2; ++i) {
        drain(*subscribers[i], ledgers[i]);
        hear_heartbeat(link, *subscribers[i]);
        const auto report = subscribers[i]->loss();
        CHECK(report.lost == ledgers[i].lost(sent));
        CHECK(report.lost > 0);
        CHECK(report.repeats == 0);
        CHECK_FALSE(report.unknown);
        CHECK(subscribers[i]->publishers().at(0).lost_total == report.lost);
    }
}

TEST_CASE("overflow: drop counts exactly what nobody got", "[integration][pubsub]") {
    Link link(narrow(Overflow::drop));
    auto stopped = link.subscriber(counting_few());
    auto reading = link.subscriber(counting_few());
    REQUIRE(stopped.subscribe("t"));
    REQUIRE(reading.subscribe("t"));
    link.await(2, "t");
    std::map<std::string, std::uint64_t> sent;
    std::uint64_t accepted = 0;
    Ledger stopped_ledger;
    Ledger reading_ledger;
    const std::string filling(100'000, '.');
    for (int i = 0; i < 2'000; ++i) {
        Frames body{std::to_string(++sent["t"]), filling};
        const auto outcome = link.publisher.send("t", body);
        REQUIRE(outcome);
        CHECK(body.empty());
        accepted += *outcome == Sent::accepted ? 1 : 0;
        if (const auto message = reading.receive(0s))
            reading_ledger.got(*message);
    }
    const auto counters = link.publisher.counters();
    CHECK(counters.sent_total == accepted);
    CHECK(counters.dropped_full_total == 2'000 - accepted);
    CHECK(counters.dropped_full_total > 0);
    drain(stopped, stopped_ledger);
    drain(reading, reading_ledger);
    // Whatever was accepted reached both: the slow one costs the others, and none is lost unseen.
    CHECK(stopped_ledger.count() == accepted);
    CHECK(reading_ledger.count() == accepted);
    hear_heartbeat(link, stopped);
    hear_heartbeat(link, reading);
    // The first message was accepted, so the base line is the first one sent.
    CHECK(stopped.loss().lost == counters.dropped_full_total);
    CHECK(reading.loss().lost == counters.dropped_full_total);
}

TEST_CASE("overflow: block gives the message back after its deadline, and nothing is lost",
          "[integration][pubsub]") {
    auto options = narrow(Overflow::block);
    options.block_wait = 30ms;
    Link link(options);
    auto subscriber = link.subscriber(counting_few());
    REQUIRE(subscriber.subscribe("t"));
    link.await(1, "t");
    std::map<std::string, std::uint64_t> sent;
    Ledger ledger;
    const std::string filling(100'000, '.');
    std::uint64_t refused = 0;
    for (std::uint64_t i = 1; i <= 2'000; ++i) {
        Frames body{std::to_string(i), filling};
        auto outcome = link.publisher.send("t", body);
        if (!outcome) {
            ++refused;
            REQUIRE(outcome.error().code == Errc::timeout);
            REQUIRE(body == Frames{std::to_string(i), filling});
            // Some room, and the same message goes through.
            while (!outcome) {
                for (int read = 0; read < 50; ++read)
                    if (const auto message = subscriber.receive(0s))
                        ledger.got(*message);
                outcome = link.publisher.send("t", body);
                refused += outcome ? 0 : 1;
            }
        }
        REQUIRE(*outcome == Sent::accepted);
        sent["t"] = i;
    }
    drain(subscriber, ledger);
    hear_heartbeat(link, subscriber);
    CHECK(refused > 0);
    CHECK(link.publisher.counters().refused_total == refused);
    CHECK(link.publisher.counters().sent_total == 2'000);
    CHECK(ledger.count() == 2'000);
    CHECK(subscriber.loss().lost == 0);
    CHECK(subscriber.loss().repeats == 0);
}

TEST_CASE("overflow: block can drop after its deadline and counts it", "[integration][pubsub]") {
    auto options = narrow(Overflow::block);
    options.block_wait = 1ms;
    options.after_block = AfterBlock::drop;
    Link link(options);
    auto subscriber = link.subscriber(counting_few());
    REQUIRE(subscriber.subscribe("t"));
    link.await(1, "t");
    Ledger ledger;
    std::uint64_t accepted = 0;
    const std::string filling(100'000, '.');
    for (int i = 1; i <= 700; ++i) {
        Frames body{std::to_string(i), filling};
        accepted += *link.publisher.send("t", body) == Sent::accepted ? 1 : 0;
    }
    const auto counters = link.publisher.counters();
    CHECK(counters.sent_total == accepted);
    CHECK(counters.dropped_timeout_total == 700 - accepted);
    CHECK(counters.dropped_timeout_total > 0);
    drain(subscriber, ledger);
    CHECK(ledger.count() == accepted);
    hear_heartbeat(link, subscriber);
    CHECK(subscriber.loss().lost == counters.dropped_timeout_total);
}

TEST_CASE("overflow: a stopped subscriber costs lossy others nothing", "[integration][pubsub]") {
    Link link(narrow(Overflow::lossy));
    auto stopped = link.subscriber(counting_few());
    SubscriberOptions roomy = counting_few();
    auto reading = link.subscriber(roomy);
    REQUIRE(stopped.subscribe("t"));
    REQUIRE(reading.subscribe("t"));
    link.await(2, "t");
    Ledger ledger;
    const std::string filling(100'000, '.');
    for (int i = 1; i <= 2'000; ++i) {
        Frames body{std::to_string(i), filling};
        REQUIRE(*link.publisher.send("t", body) == Sent::accepted);
        const auto message = reading.receive(patience);
        REQUIRE(message);
        ledger.got(*message);
    }
    CHECK(ledger.count() == 2'000);
    CHECK(reading.loss().lost == 0);
    Ledger rest;
    drain(stopped, rest);
    hear_heartbeat(link, stopped);
    CHECK(stopped.loss().lost == 2'000 - rest.count());
    CHECK(stopped.loss().lost > 0);
}
