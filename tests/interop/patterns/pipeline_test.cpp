// SPDX-License-Identifier: Apache-2.0
// Pusher and Puller in plain mode against PUSH and PULL sockets of foreign libraries.
#include <flotilla/pipeline/puller.hpp>
#include <flotilla/pipeline/pusher.hpp>

#include <interop/support/peer.hpp>
#include <support/catch.hpp>
#include <support/patience.hpp>
#include <support/scratch.hpp>

using namespace flotilla;
using namespace flotilla::interop;
using net::Attach;

namespace {

using flotilla::test::patience;
constexpr std::uint32_t messages = 40;

// JeroMQ 0.3.6 holds back what follows a large frame until still more arrives.
Corpus corpus_for(Language receiver) {
    return {receiver == Language::java ? 8'000U : 1U << 20, ""};
}

std::string words(const char* type, const std::optional<net::Endpoint>& ours, const char* role) {
    return std::string(type) + (ours ? " connect " + ours->text() : " bind tcp://127.0.0.1:*") +
           role + std::to_string(messages);
}

void push(net::Context& context, Language language, Attach how) {
    pipeline::PusherOptions options;
    std::optional<Peer> peer;
    if (how == Attach::bind) {
        options.attach = {{test::any_tcp(), Attach::bind}};
    } else {
        peer = Peer::start(language, words("pull", {}, " --receive "));
        options.attach = {{peer->endpoint(), Attach::connect}};
    }
    auto pusher = pipeline::Pusher::open(context, options);
    REQUIRE(pusher);
    if (!peer)
        peer = Peer::start(language, words("pull", pusher->endpoints()[0], " --receive "));
    for (std::uint32_t i = 0; i < messages; ++i) {
        wire::Frames frames = message(i, corpus_for(language));
        REQUIRE(pusher->send(frames, patience));
    }
    CHECK(peer->finish().received == tally_of(messages, corpus_for(language)));
}

enum class Unpack { no, yes };

void pull(net::Context& context, Language language, Attach how, Unpack unpack) {
    pipeline::PullerOptions options;
    options.unpack = unpack == Unpack::yes;
    std::optional<Peer> peer;
    if (how == Attach::bind) {
        options.attach = {{test::any_tcp(), Attach::bind}};
    } else {
        peer = Peer::start(language, words("push", {}, " --send "));
        options.attach = {{peer->endpoint(), Attach::connect}};
    }
    auto puller = pipeline::Puller::open(context, options);
    REQUIRE(puller);
    if (!peer)
        peer = Peer::start(language, words("push", puller->endpoints()[0], " --send "));
    Digest digest;
    for (std::uint32_t i = 0; i < messages; ++i) {
        const auto frames = puller->receive(patience);
        REQUIRE(frames);
        digest.add(*frames);
    }
    CHECK(digest.tally() == tally_of(messages));
    CHECK(peer->finish().sent == digest.tally());
    CHECK(puller->counters().malformed_total == 0);
}

} // namespace

TEST_CASE("a Pusher's messages reach the PULL sockets of foreign libraries", "[interop]") {
    auto context = net::Context::open();
    for (const Language language : languages)
        for (const Attach how : {Attach::bind, Attach::connect}) {
            INFO(name(language) << (how == Attach::bind ? "" : ", bound"));
            push(*context, language, how);
        }
}

TEST_CASE("a Puller, also one that unpacks batches, takes what foreign PUSH sockets send",
          "[interop]") {
    auto context = net::Context::open();
    for (const Language language : languages) {
        INFO(name(language));
        pull(*context, language, Attach::bind, Unpack::no);
        pull(*context, language, Attach::connect, Unpack::yes);
    }
}
