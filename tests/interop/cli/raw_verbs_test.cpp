// SPDX-License-Identifier: Apache-2.0
// Every raw verb of the zmq program against the matching socket of three foreign libraries, bound
// and connected. Messages go in and come out as JSON lines, which carry any byte.
#include <cli/json_lines.hpp>
#include <interop/support/peer.hpp>
#include <process/cli/zmq_program.hpp>
#include <support/catch.hpp>

#include <csignal>
#include <sstream>

using namespace flotilla;
using namespace flotilla::interop;
using namespace flotilla::test;

namespace {

constexpr std::uint32_t messages = 24;
const std::string count = std::to_string(messages);

enum class Flow {
    we_send,
    we_send_to_subscription, // when the verb has printed one
    they_send,
    they_probe, // until we have seen a probe, then they send
    we_request,
    they_request,
    they_request_by_hand, // we write back what the verb printed
};

struct Row {
    const char* verb;
    const char* theirs;
    Flow flow;
    std::vector<std::string> words;
};

const Row rows[] = {
    {"push", "pull", Flow::we_send, {"--json"}},
    {"pub", "sub", Flow::we_send, {"--json", "--wait-sub", "news"}},
    {"pub", "xsub", Flow::we_send, {"--json", "--wait-sub", "news"}},
    {"xpub", "sub", Flow::we_send_to_subscription, {"--json", "-t", "50ms"}},
    {"xpub", "xsub", Flow::we_send_to_subscription, {"--json", "-t", "50ms"}},
    {"pull", "push", Flow::they_send, {"-n", count}},
    {"sub", "xpub", Flow::they_send, {"-n", count, "-s", "news"}},
    {"xsub", "xpub", Flow::they_send, {"-n", count, "-s", "news"}},
    {"sub", "pub", Flow::they_probe, {"-s", "news"}},
    {"xsub", "pub", Flow::they_probe, {"-s", "news"}},
    {"req", "rep", Flow::we_request, {"--json"}},
    {"dealer", "router", Flow::we_request, {"--json", "-n", count}},
    {"pair", "pair", Flow::we_request, {"--json", "-n", count}},
    {"rep", "req", Flow::they_request, {"--echo", "-n", count}},
    {"router", "dealer", Flow::they_request_by_hand, {"--json"}},
};

// The first frame of a router's messages names the peer and is not part of what was sent.
std::optional<wire::Frames> parse(const std::string& line, std::size_t skip) {
    auto parsed = cli::parse_json_line(line);
    REQUIRE(parsed);
    wire::Frames frames;
    for (std::size_t i = skip; i < parsed->frames.size(); ++i)
        frames.add(std::move(parsed->frames[i]));
    if (is_probe(frames))
        return {};
    return frames;
}

Tally tally_of_lines(const std::string& text, std::size_t skip = 0) {
    Digest digest;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        if (const auto frames = parse(line, skip))
            digest.add(*frames);
    return digest.tally();
}

std::string last_line(std::string text) {
    if (text.ends_with('\n'))
        text.pop_back();
    return text.substr(text.rfind('\n') + 1).substr(0, 200);
}

std::string lines_of(const Corpus& corpus) {
    std::string lines;
    for (std::uint32_t i = 0; i < messages; ++i) {
        cli::MessageLine line;
        if (!corpus.topic.empty()) {
            line.frames = wire::Frames{"noise"}; // a subscription to the topic keeps it away
            cli::append_json_line(lines, line);
        }
        line.frames = message(i, corpus);
        cli::append_json_line(lines, line);
    }
    return lines;
}

std::string role_of_peer(const Row& row, const Corpus& corpus) {
    const std::string cut = " --frame-max " + std::to_string(corpus.frame_bytes_max);
    switch (row.flow) {
    case Flow::we_send:
    case Flow::we_send_to_subscription:
        return " --receive " + count + (corpus.topic.empty() ? "" : " --subscribe news");
    case Flow::they_send:
    case Flow::they_probe:
        return " --send " + count + cut + (corpus.topic.empty() ? "" : " --topic news");
    case Flow::we_request:
        return " --echo " + count;
    case Flow::they_request:
    case Flow::they_request_by_hand:
        break;
    }
    return " --request " + count + cut;
}

void give(Process& zmq, const Corpus& corpus) {
    REQUIRE(zmq.write(lines_of(corpus)));
    zmq.close_input();
}

void end_with(Process& zmq, Exit expected) {
    const auto exit = zmq.wait_exit();
    INFO(zmq.text(Stream::error));
    CHECK(exit == expected);
}

// The messages the verb printed, while it went on running.
void print_and_answer(Process& zmq, Peer& peer, Flow flow) {
    bool probed = false;
    for (std::uint32_t printed = 0; printed < messages;) {
        const auto line = zmq.wait_line(Stream::output);
        REQUIRE(line);
        if (flow == Flow::they_request_by_hand)
            REQUIRE(zmq.write(*line + "\n"));
        if (parse(*line, 0))
            ++printed;
        else if (!std::exchange(probed, true))
            peer.go();
    }
}

void converse(const Row& row, Process& zmq, Peer& peer, const Corpus& corpus) {
    const Tally all = tally_of(messages, corpus);
    switch (row.flow) {
    case Flow::we_send_to_subscription:
        CHECK(zmq.wait_line(Stream::output, "news"));
        [[fallthrough]];
    case Flow::we_send:
        give(zmq, corpus);
        end_with(zmq, Exit::with(0));
        CHECK(peer.finish().received == all);
        break;
    case Flow::they_send:
        zmq.close_input();
        end_with(zmq, Exit::with(0));
        CHECK(tally_of_lines(zmq.text(Stream::output)) == all);
        CHECK(peer.finish().sent == all);
        break;
    case Flow::they_probe:
        print_and_answer(zmq, peer, row.flow);
        zmq.signal(SIGINT);
        end_with(zmq, Exit::with(130));
        CHECK(tally_of_lines(zmq.text(Stream::output)) == all);
        CHECK(peer.finish().sent == all);
        break;
    case Flow::we_request:
        give(zmq, corpus);
        end_with(zmq, Exit::with(0));
        CHECK(tally_of_lines(zmq.text(Stream::output)) == all);
        CHECK(peer.finish().received == all);
        break;
    case Flow::they_request:
    case Flow::they_request_by_hand:
        print_and_answer(zmq, peer, row.flow);
        zmq.close_input();
        CHECK(peer.finish().received == all);
        end_with(zmq, Exit::with(0));
        INFO("the last line: " << last_line(zmq.text(Stream::output)));
        CHECK(tally_of_lines(zmq.text(Stream::output),
                             row.flow == Flow::they_request_by_hand ? 1 : 0) == all);
        break;
    }
}

Process start_verb(const Row& row, const std::string& endpoint) {
    std::vector<std::string> words{row.verb, endpoint};
    words.insert(words.end(), row.words.begin(), row.words.end());
    if (row.flow != Flow::we_send)
        words.insert(words.end(), {"--format", "json"});
    return start_zmq(words);
}

void every_row(Language language) {
    for (const Row& row : rows) {
        Corpus corpus;
        if (std::string(row.theirs).find("ub") != std::string::npos)
            corpus.topic = "news";
        // Large ones once: they are slow as JSON. (JeroMQ 0.3.6 holds back what follows them.)
        if (language == Language::java || row.verb != std::string("push"))
            corpus.frame_bytes_max = 8'000;
        const std::string role = role_of_peer(row, corpus);
        {
            INFO("zmq " << row.verb << " bound, " << name(language) << " " << row.theirs);
            Process zmq = start_verb(row, "tcp://127.0.0.1:*");
            const std::string where = bound_endpoint(zmq);
            Peer peer = Peer::start(language, row.theirs + (" connect " + where) + role);
            converse(row, zmq, peer, corpus);
        }
        {
            INFO("zmq " << row.verb << ", " << name(language) << " " << row.theirs << " bound");
            Peer peer = Peer::start(language, row.theirs + (" bind tcp://127.0.0.1:*" + role));
            Process zmq = start_verb(row, peer.endpoint().text());
            converse(row, zmq, peer, corpus);
        }
    }
}

} // namespace

TEST_CASE("every raw verb of zmq exchanges messages with pyzmq", "[interop]") {
    every_row(Language::python);
}

TEST_CASE("every raw verb of zmq exchanges messages with zeromq.js", "[interop]") {
    every_row(Language::javascript);
}

TEST_CASE("every raw verb of zmq exchanges messages with JeroMQ", "[interop]") {
    every_row(Language::java);
}
