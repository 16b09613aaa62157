// SPDX-License-Identifier: Apache-2.0
// net::Socket against the same socket types of three foreign libraries, in both directions.
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>

#include <interop/support/peer.hpp>
#include <support/catch.hpp>
#include <support/patience.hpp>
#include <support/scratch.hpp>

using namespace flotilla;
using namespace flotilla::interop;
using net::SocketType;

namespace {

using flotilla::test::patience;
constexpr std::uint32_t socket_messages = 24;

enum class Flow { we_send, they_send, we_request, they_request };

struct Row {
    SocketType ours;
    SocketType theirs;
    Flow flow;
};

const Row rows[] = {
    {SocketType::push, SocketType::pull, Flow::we_send},
    {SocketType::pull, SocketType::push, Flow::they_send},
    {SocketType::pub, SocketType::sub, Flow::we_send},
    {SocketType::pub, SocketType::xsub, Flow::we_send},
    {SocketType::xpub, SocketType::sub, Flow::we_send},
    {SocketType::xpub, SocketType::xsub, Flow::we_send},
    {SocketType::sub, SocketType::pub, Flow::they_send},
    {SocketType::sub, SocketType::xpub, Flow::they_send},
    {SocketType::xsub, SocketType::pub, Flow::they_send},
    {SocketType::xsub, SocketType::xpub, Flow::they_send},
    {SocketType::req, SocketType::rep, Flow::we_request},
    {SocketType::rep, SocketType::req, Flow::they_request},
    {SocketType::dealer, SocketType::router, Flow::we_request},
    {SocketType::router, SocketType::dealer, Flow::they_request},
    {SocketType::dealer, SocketType::dealer, Flow::we_request},
    {SocketType::pair, SocketType::pair, Flow::we_request},
    {SocketType::pair, SocketType::pair, Flow::they_request},
};

bool publishes(SocketType type) {
    return type == SocketType::pub || type == SocketType::xpub;
}

std::string role(const Row& row, const Corpus& corpus) {
    const std::string count = std::to_string(socket_messages);
    const std::string topic = corpus.topic.empty() ? "" : " --topic " + corpus.topic;
    switch (row.flow) {
    case Flow::we_send:
        return " --receive " + count + (topic.empty() ? "" : " --subscribe " + corpus.topic);
    case Flow::they_send:
        return " --send " + count + topic;
    case Flow::we_request:
        return " --echo " + count;
    case Flow::they_request:
        break;
    }
    return " --request " + count;
}

wire::Frames receive(net::Socket& socket) {
    auto frames = socket.receive(patience);
    REQUIRE(frames);
    return std::move(*frames);
}

void send(net::Socket& socket, wire::Frames frames) {
    REQUIRE(socket.send(frames, patience));
}

// Until the peer's subscription has reached our publisher.
void await_subscription(net::Socket& socket, const Corpus& corpus, Peer& peer) {
    if (socket.type() == SocketType::xpub)
        CHECK(receive(socket)[0] == ByteView{"\1" + corpus.topic});
    if (socket.type() != SocketType::pub)
        return;
    const Instant deadline = deadline_after(net::now(), patience);
    do {
        REQUIRE(net::now() < deadline);
        send(socket, wire::Frames{corpus.topic, "probe"});
    } while (!peer.probed(std::chrono::milliseconds{10}));
}

Tally send_all(net::Socket& socket, const Corpus& corpus, Peer& peer) {
    await_subscription(socket, corpus, peer);
    for (std::uint32_t i = 0; i < socket_messages; ++i) {
        if (!corpus.topic.empty())
            send(socket, wire::Frames{"noise"}); // a subscription to the topic keeps it away
        send(socket, message(i, corpus));
    }
    return {};
}

// JeroMQ 0.3.6 may sit on a subscription until something comes behind it: others, to topics that
// nobody publishes.
void push_subscription(net::Socket& socket) {
    for (int pushes = 0; pushes < 60 && !socket.wait_readable(500ms); ++pushes) {
        const std::string topic = "push-" + std::to_string(pushes);
        if (socket.type() == SocketType::sub)
            REQUIRE(socket.subscribe(topic));
        else
            REQUIRE(socket.send(ByteView{"\1" + topic}, patience));
    }
}

Tally receive_all(net::Socket& socket, SocketType theirs, Peer& peer) {
    Digest digest;
    wire::Frames frames = receive(socket);
    if (theirs == SocketType::pub) {
        CHECK(is_probe(frames));
        peer.go();
        while (is_probe(frames))
            frames = receive(socket);
    }
    digest.add(frames);
    for (std::uint32_t i = 1; i < socket_messages; ++i)
        digest.add(receive(socket));
    return digest.tally();
}

Tally request_all(net::Socket& socket) {
    Digest digest;
    for (std::uint32_t i = 0; i < socket_messages; ++i) {
        send(socket, message(i));
        digest.add(receive(socket));
    }
    return digest.tally();
}

Tally answer_all(net::Socket& socket) {
    Digest digest;
    for (std::uint32_t i = 0; i < socket_messages; ++i) {
        wire::Frames frames = receive(socket);
        wire::Frames body;
        for (std::size_t n = socket.type() == SocketType::router ? 1 : 0; n < frames.size(); ++n)
            body.add(frames[n].share());
        digest.add(body);
        send(socket, std::move(frames));
    }
    return digest.tally();
}

void converse(const Row& row, Language language, net::Attach how) {
    Corpus corpus;
    if (publishes(row.ours) || publishes(row.theirs))
        corpus.topic = "news";
    // JeroMQ 0.3.6 holds back what follows a large frame until still more arrives.
    if (language == Language::java && row.flow == Flow::we_send)
        corpus.frame_bytes_max = 8'000;

    auto context = net::Context::open();
    net::SocketOptions options;
    // A connected SUB whose publisher has gone would linger to tell it of its end.
    options.linger = row.flow == Flow::they_send ? 0s : 5s;
    auto socket = net::Socket::open(*context, row.ours, options);
    REQUIRE(socket);
    if (row.ours == SocketType::sub)
        REQUIRE(socket->subscribe(corpus.topic));
    const bool bind = how == net::Attach::bind;
    const std::string where =
        bind ? "connect " + socket->bind(test::any_tcp())->text() : "bind tcp://127.0.0.1:*";
    Peer peer =
        Peer::start(language, std::string(net::name(row.theirs)) + " " + where + role(row, corpus));
    if (!bind)
        REQUIRE(socket->connect(peer.endpoint()));
    if (row.ours == SocketType::xsub)
        REQUIRE(socket->send(ByteView{"\1" + corpus.topic}, patience));

    const Tally nothing = tally_of(0);
    const Tally all = tally_of(socket_messages, corpus);
    switch (row.flow) {
    case Flow::we_send:
        send_all(*socket, corpus, peer);
        CHECK(peer.finish().received == all);
        break;
    case Flow::they_send:
        if (publishes(row.theirs))
            push_subscription(*socket);
        CHECK(receive_all(*socket, row.theirs, peer) == all);
        CHECK(peer.finish().sent == all);
        break;
    case Flow::we_request:
        CHECK(request_all(*socket) == all);
        CHECK(peer.finish().received == all);
        break;
    case Flow::they_request:
        CHECK(answer_all(*socket) == all);
        CHECK(peer.finish().received == all);
        break;
    }
}

void every_row(Language language) {
    for (const Row& row : rows)
        for (const net::Attach how : {net::Attach::bind, net::Attach::connect}) {
            INFO("our " << net::name(row.ours) << (how == net::Attach::bind ? " bound" : "") << ", "
                        << name(language) << " " << net::name(row.theirs));
            converse(row, language, how);
        }
}

} // namespace

TEST_CASE("pyzmq exchanges every kind of frame with each of our socket types", "[interop]") {
    every_row(Language::python);
}

TEST_CASE("zeromq.js exchanges every kind of frame with each of our socket types", "[interop]") {
    every_row(Language::javascript);
}

TEST_CASE("JeroMQ exchanges every kind of frame with each of our socket types", "[interop]") {
    every_row(Language::java);
}
