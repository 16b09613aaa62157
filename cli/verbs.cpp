// SPDX-License-Identifier: Apache-2.0
// The raw verbs: which flags each has, and what it is.
#include <cli/commands.hpp>
#include <cli/raw.hpp>

#include <memory>

namespace flotilla::cli {

namespace {

using net::SocketType;
using Flow = TrafficRules::Flow;

struct Texts {
    const char* count;
    const char* timeout;
    const char* footer;
};

void add_pace(Parser& parser, RawFlags& flags, const Texts& texts) {
    add_count(parser, "-n,--count", flags.count, {1}, texts.count).group("Traffic");
    add_duration(parser, "-t,--timeout", flags.timeout, texts.timeout).group("Traffic");
}

void add_sending(Parser& parser, RawFlags& flags, const RawVerb& verb) {
    add_duration(parser, "-i,--interval", flags.interval,
                 "Time between two messages; arguments are then sent again and again, up to -n")
        .group("Traffic");
    add_count(parser, "--wait-peers", flags.wait_peers, {0, 100'000},
              verb.type == SocketType::pub
                  ? "Before sending, wait until this many subscribers are there [0]"
              : verb.peers_min == 1
                  ? "Before sending, wait until this many peers are connected [1]"
                  : "Before sending, wait until this many peers are connected [0]")
        .group("Traffic");
    add_input(parser, flags.input);
}

// Everything of a verb but what only it has.
Run declare(Parser& parser, const std::shared_ptr<RawFlags>& flags, RawVerb verb,
            const Texts& texts) {
    flags->parser = &parser;
    const bool sends = verb.flow != Flow::in;
    add_targets(parser, flags->words,
                sends && verb.flow != Flow::answer ? Words::endpoints_and_messages
                                                   : Words::endpoints_only);
    add_pace(parser, *flags, texts);
    if (sends)
        add_sending(parser, *flags, verb);
    if (verb.flow != Flow::out)
        add_output(parser, flags->output);
    add_socket(parser, flags->socket);
    parser.set_footer(texts.footer);
    return [flags, verb](Terminal& terminal) { return run_raw(verb, *flags, terminal); };
}

void add_routing_id(Parser& parser, RawFlags& flags) {
    parser
        .add_option("--id", flags.routing_id,
                    "Routing id: what a router will call us; 0x and hex for bytes")
        .type_name("TEXT")
        .group("Socket");
}

void add_publishing(Parser& parser, RawFlags& flags) {
    parser.add_option("--topic", flags.input.topic, "First frame of every message")
        .type_name("TEXT")
        .group("Input");
    add_choice(parser, "--overflow", flags.overflow, {"block", "lossy"},
               "When a subscriber does not keep up: wait for it, at most -t [block], or let it "
               "lose messages")
        .group("Traffic");
}

void add_subscribing(Parser& parser, RawFlags& flags, const char* help) {
    add_list(parser, "-s,--subscribe", flags.prefixes, "PREFIX", help).group("Traffic");
}

constexpr const char* sends_count = "End after this many messages; arguments are repeated up to it";
constexpr const char* receives_count = "End after this many messages received; fewer is exit 3";
constexpr const char* sends_timeout =
    "Longest wait for a peer, or for room for one message [30s]; exit 3 or 5";
constexpr const char* receives_timeout =
    "End when nothing came for this long [forever]; exit 3 if nothing came at all";
constexpr const char* both_timeout =
    "Once the input has ended, end when nothing came for this long [1s; without input forever]";

} // namespace

Run declare_pub(Parser& parser) {
    const auto flags = std::make_shared<RawFlags>();
    add_publishing(parser, *flags);
    parser
        .add_option("--wait-sub", flags->wait_sub,
                    "Before sending, wait for a subscription that lets this topic through")
        .type_name("TOPIC")
        .group("Traffic");
    return declare(
        parser, flags, {SocketType::pub, Flow::out, 0},
        {sends_count, sends_timeout,
         "Examples:\n"
         "  zmq pub @tcp://127.0.0.1:5556 --wait-peers 1 'hello, world'\n"
         "  tail -f app.log | zmq pub @tcp://127.0.0.1:5556 --topic app.log\n"
         "  zmq pub @tcp://127.0.0.1:5556 -i 1s --frame tick --frame '{{count}} {{time}}'"});
}

Run declare_sub(Parser& parser) {
    const auto flags = std::make_shared<RawFlags>();
    add_subscribing(parser, *flags, "Only messages that begin so; may be repeated [everything]");
    return declare(parser, flags, {SocketType::sub, Flow::in, 0},
                   {receives_count, receives_timeout,
                    "Examples:\n"
                    "  zmq sub tcp://127.0.0.1:5556\n"
                    "  zmq sub tcp://127.0.0.1:5556 -s app. -o '%T %t: %p\\n'\n"
                    "  zmq sub tcp://127.0.0.1:5556 -n 100 --format json > sample.jsonl"});
}

Run declare_push(Parser& parser) {
    return declare(parser, std::make_shared<RawFlags>(), {SocketType::push, Flow::out, 1},
                   {sends_count, sends_timeout,
                    "Examples:\n"
                    "  zmq push tcp://127.0.0.1:5557 'one job'\n"
                    "  zmq push @tcp://127.0.0.1:5557 -f jobs.txt\n"
                    "  zmq push tcp://127.0.0.1:5557 -n 1000 'job {{count}} {{rand 1 6}}'"});
}

Run declare_pull(Parser& parser) {
    return declare(parser, std::make_shared<RawFlags>(), {SocketType::pull, Flow::in, 0},
                   {receives_count, receives_timeout,
                    "Examples:\n"
                    "  zmq pull @tcp://127.0.0.1:5557\n"
                    "  zmq pull tcp://127.0.0.1:5557 -t 2s > jobs.txt\n"
                    "  zmq pull @tcp://127.0.0.1:5557 | zmq push tcp://127.0.0.1:5558"});
}

Run declare_req(Parser& parser) {
    const auto flags = std::make_shared<RawFlags>();
    add_routing_id(parser, *flags);
    return declare(
        parser, flags, {SocketType::req, Flow::ask, 1},
        {"End after this many requests; arguments are repeated up to it",
         "Longest wait for a peer, or for one reply [30s]; exit 3",
         "Each message is a request; its reply is printed before the next one is sent.\n\n"
         "Examples:\n"
         "  zmq req tcp://127.0.0.1:5559 'what time is it?'\n"
         "  zmq req tcp://127.0.0.1:5559 -t 500ms --format none ping && echo alive"});
}

Run declare_rep(Parser& parser) {
    const auto flags = std::make_shared<RawFlags>();
    Option echo =
        parser.add_flag("--echo", flags->echo, "Answer each request with itself").group("Traffic");
    parser
        .add_option(
            "--reply", flags->reply,
            "Answer every request with this; {{count}} {{rand MIN MAX}} {{time}} {{id}} are "
            "replaced")
        .type_name("TEXT")
        .group("Traffic")
        .excludes(echo);
    return declare(parser, flags, {SocketType::rep, Flow::answer, 0},
                   {"End after this many requests answered",
                    "End when no request came for this long [forever]; exit 3 if none came at all",
                    "Requests are printed; the answer is --echo, --reply, or the next message of "
                    "the input.\n\n"
                    "Examples:\n"
                    "  zmq rep @tcp://127.0.0.1:5559 --echo\n"
                    "  zmq rep @tcp://127.0.0.1:5559 --reply 'it is {{time}}'"});
}

Run declare_dealer(Parser& parser) {
    const auto flags = std::make_shared<RawFlags>();
    add_routing_id(parser, *flags);
    return declare(parser, flags, {SocketType::dealer, Flow::both, 1},
                   {receives_count, both_timeout,
                    "What is read is sent and what comes is printed, at the same time.\n\n"
                    "Examples:\n"
                    "  zmq dealer tcp://127.0.0.1:5560 --id alice hello -n 1\n"
                    "  zmq dealer tcp://127.0.0.1:5559 --frame '' --frame 'a request for a rep'"});
}

Run declare_router(Parser& parser) {
    const auto flags = std::make_shared<RawFlags>();
    add_routing_id(parser, *flags);
    return declare(
        parser, flags, {SocketType::router, Flow::both, 0},
        {receives_count, both_timeout,
         "The first frame of every message is the peer's routing id, printed as 0x and "
         "hex\nwhen it is not readable, and accepted so.\n\n"
         "Examples:\n"
         "  zmq router @tcp://127.0.0.1:5560\n"
         "  zmq router @tcp://127.0.0.1:5560 --wait-peers 1 --frame alice --frame hello"});
}

Run declare_pair(Parser& parser) {
    return declare(parser, std::make_shared<RawFlags>(), {SocketType::pair, Flow::both, 1},
                   {receives_count, both_timeout,
                    "Examples:\n"
                    "  zmq pair @tcp://127.0.0.1:5561\n"
                    "  zmq pair tcp://127.0.0.1:5561 'are you there?' -n 1"});
}

Run declare_xpub(Parser& parser) {
    const auto flags = std::make_shared<RawFlags>();
    add_publishing(parser, *flags);
    return declare(parser, flags, {SocketType::xpub, Flow::both, 0},
                   {receives_count, both_timeout,
                    "Prints the subscriptions: a byte 1 (subscribe) or 0 (unsubscribe), then the "
                    "prefix.\nWith --wait-peers, what it sends waits for the first of them, "
                    "too.\n\n"
                    "Examples:\n"
                    "  zmq xpub @tcp://127.0.0.1:5556 --format quoted\n"
                    "  zmq xpub @tcp://127.0.0.1:5556 --wait-peers 1 'hello, world'"});
}

Run declare_xsub(Parser& parser) {
    const auto flags = std::make_shared<RawFlags>();
    add_subscribing(parser, *flags,
                    "Subscribe to this prefix; may be repeated [everything, unless there is "
                    "input]");
    return declare(parser, flags, {SocketType::xsub, Flow::both, 0},
                   {receives_count, both_timeout,
                    "Input is sent upstream: a byte 1 and a prefix subscribes, a byte 0 and a "
                    "prefix\nunsubscribes.\n\n"
                    "Examples:\n"
                    "  zmq xsub tcp://127.0.0.1:5556 -s app.\n"
                    "  printf '\\001app.' | zmq xsub tcp://127.0.0.1:5556 -n 10"});
}

} // namespace flotilla::cli
