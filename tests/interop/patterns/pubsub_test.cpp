// SPDX-License-Identifier: Apache-2.0
// Publisher and Subscriber in plain mode against PUB, XPUB, SUB and XSUB sockets of foreign
// libraries.
#include <flotilla/net/system.hpp>
#include <flotilla/pubsub/publisher.hpp>
#include <flotilla/pubsub/subscriber.hpp>

#include <interop/support/peer.hpp>
#include <poll.h>
#include <support/catch.hpp>
#include <support/patience.hpp>
#include <support/scratch.hpp>

using namespace flotilla;
using namespace flotilla::interop;
using net::Attach;

namespace {

using flotilla::test::patience;
constexpr std::uint32_t published_messages = 24;
const std::string theirs = "bind tcp://127.0.0.1:*";

// JeroMQ 0.3.6 holds back what follows a large frame until still more arrives.
Corpus news_for(Language receiver) {
    return {receiver == Language::java ? 8'000U : 1U << 20, "news"};
}

void publish(net::Context& context, Language language, const char* type, Attach how) {
    auto publisher = pubsub::Publisher::open(context);
    REQUIRE(publisher);
    const std::string where =
        how == Attach::bind ? "connect " + publisher->bind(test::any_tcp())->text() : theirs;
    Peer peer = Peer::start(language, type + (" " + where) + " --receive " +
                                          std::to_string(published_messages) + " --subscribe news");
    if (how == Attach::connect)
        REQUIRE(publisher->connect(peer.endpoint()));
    REQUIRE(publisher->wait_subscribers(1, "news", patience));

    Corpus body = news_for(language);
    body.topic.clear();
    for (std::uint32_t i = 0; i < published_messages; ++i) {
        REQUIRE(publisher->send("noise", "nobody asked for this"));
        wire::Frames frames = message(i, body);
        REQUIRE(publisher->send("news", frames));
    }
    CHECK(peer.finish().received == tally_of(published_messages, news_for(language)));
}

// JeroMQ 0.3.6 may leave what it was sent unread until more comes (docs/interop.md): a subscription
// that it sits on is pushed through by another one, to a topic that nobody publishes.
Result<pubsub::Message> receive_pushing(pubsub::Subscriber& subscriber) {
    const Instant deadline = deadline_after(net::now(), patience);
    for (int pushes = 0;; ++pushes) {
        auto got = subscriber.receive(1s);
        if (got || got.error().code != Errc::timeout || net::now() >= deadline)
            return got;
        if (const Status pushed = subscriber.subscribe("push-" + std::to_string(pushes)); !pushed)
            return fail(pushed.error());
    }
}

void subscribe(net::Context& context, Language language, const char* type, Attach how) {
    auto subscriber = pubsub::Subscriber::open(context);
    REQUIRE(subscriber);
    REQUIRE(subscriber->subscribe("news"));
    const std::string where =
        how == Attach::bind ? "connect " + subscriber->bind(test::any_tcp())->text() : theirs;
    Peer peer = Peer::start(language, type + (" " + where) + " --topic news --send " +
                                          std::to_string(published_messages));
    if (how == Attach::connect)
        REQUIRE(subscriber->connect(peer.endpoint()));

    Digest digest;
    bool probed = false;
    for (std::uint32_t received = 0; received < published_messages;) {
        auto got = receive_pushing(*subscriber);
        REQUIRE(got);
        wire::Frames whole;
        whole.add(std::move(got->topic));
        for (std::size_t i = 0; i < got->body.size(); ++i)
            whole.add(std::move(got->body[i]));
        if (!is_probe(whole)) {
            digest.add(whole);
            ++received;
        } else if (!std::exchange(probed, true)) {
            peer.go();
        }
    }
    CHECK(digest.tally() == tally_of(published_messages, {.topic = "news"}));
    CHECK(peer.finish().sent == digest.tally());
}

} // namespace

TEST_CASE("a Publisher's messages reach the subscribers of foreign libraries", "[interop]") {
    auto context = net::Context::open();
    for (const Language language : languages)
        for (const char* type : {"sub", "xsub"})
            for (const Attach how : {Attach::bind, Attach::connect}) {
                INFO(name(language) << " " << type << (how == Attach::bind ? "" : ", bound"));
                publish(*context, language, type, how);
            }
}

TEST_CASE("a Subscriber receives from the publishers of foreign libraries", "[interop]") {
    auto context = net::Context::open();
    for (const Language language : languages)
        for (const char* type : {"pub", "xpub"})
            for (const Attach how : {Attach::bind, Attach::connect}) {
                INFO(name(language) << " " << type << (how == Attach::bind ? "" : ", bound"));
                subscribe(*context, language, type, how);
            }
}

TEST_CASE("a Publisher counts the subscribers of foreign libraries, also as they leave",
          "[interop]") {
    auto context = net::Context::open();
    auto publisher = pubsub::Publisher::open(*context);
    const std::string where = publisher->bind(test::any_tcp())->text();
    std::vector<Peer> peers;
    for (const Language language : languages)
        peers.push_back(
            Peer::start(language, "sub connect " + where + " --receive 1 --subscribe news"));
    REQUIRE(publisher->wait_subscribers(3, "news", patience));
    CHECK(publisher->subscriber_count("news") == 3);
    CHECK(publisher->subscriber_count("other") == 0);
    wire::Frames body = message(0);
    REQUIRE(publisher->send("news", body));
    for (Peer& peer : peers)
        CHECK(peer.finish().received == tally_of(1, {.topic = "news"}));
    const Instant deadline = deadline_after(net::now(), patience);
    while (publisher->subscriber_count("news") > 0 && net::now() < deadline) {
        pollfd changed{publisher->fd(), POLLIN, 0};
        ::poll(&changed, 1, 10);
        REQUIRE(publisher->process());
    }
    CHECK(publisher->subscriber_count("news") == 0);
}
