// SPDX-License-Identifier: Apache-2.0
#include <cli/commands.hpp>

namespace flotilla::cli {

namespace {
constexpr const char* data = "Messages";
constexpr const char* services = "Services";
constexpr const char* queues = "Queues";
constexpr const char* relays = "Relays";
constexpr const char* daemons = "Daemons";
constexpr const char* insight = "Insight";
constexpr const char* setup = "Setup";
constexpr const char* hidden = ""; // not in `zmq --help`
} // namespace

const std::vector<Command>& commands() {
    static const std::vector<Command> table{
        {"pub", data, "Publish messages to whoever subscribed", declare_pub},
        {"sub", data, "Print messages of a publisher, by topic prefix", declare_sub},
        {"push", data, "Send messages, each to one of the pullers in turn", declare_push},
        {"pull", data, "Print messages from pushers", declare_pull},
        {"req", data, "Send requests and print their replies", declare_req},
        {"rep", data, "Answer requests", declare_rep},
        {"dealer", data, "Send and print at once; peers in turn", declare_dealer},
        {"router", data, "Send and print at once; each message names its peer", declare_router},
        {"pair", data, "Send and print at once, with exactly one peer", declare_pair},
        {"xpub", data, "Publish messages and print the subscriptions", declare_xpub},
        {"xsub", data, "Print messages and send subscriptions", declare_xsub},
        {"call", services, "Ask a service through a broker, and print its answers", declare_call},
        {"serve", services, "Answer a service's requests with a command", declare_serve},
        {"services", services, "List the services of a broker, and who waits", declare_services},
        {"titanic", services, "Keep service calls in a store until they are answered",
         declare_titanic},
        {"queue", queues, "Put, take and manage messages of durable queues", declare_queue},
        {"proxy", relays, "Pass messages on between two sides, until a signal", declare_proxy},
        {"status", daemons, "Whether daemons are ready, and what they count", declare_status},
        {"top", daemons, "Queues, services, relays and connections, live", declare_top},
        {"drain", daemons, "Let a daemon finish what it holds, and end", declare_drain},
        {"reload", daemons, "Let a daemon read its settings, keys and rules again", declare_reload},
        {"pause", daemons, "Let a relay read nothing for a while", declare_pause},
        {"resume", daemons, "Let a paused relay go on", declare_resume},
        {"audit", daemons, "Who ordered what of a daemon, and who was refused", declare_audit},
        {"tap", insight, "Print what passes a relay, or stand between as one", declare_tap},
        {"trace", insight, "Where messages spent their time on the way", declare_trace},
        {"record", insight, "Record messages in a file", declare_record},
        {"replay", insight, "Send a recording again, as fast as it was or faster", declare_replay},
        {"bench", insight, "Measure rate, latency and loss of a pattern", declare_bench},
        {"monitor", insight, "Print what happens to the connections of a socket", declare_monitor},
        {"doctor", insight, "Why nothing arrives from an endpoint, and what to do", declare_doctor},
        {"keys", setup, "Make and show CURVE keys, and allow clients", declare_keys},
        {"completion", setup, "Print a completion script for a shell", declare_completion},
        {"version", setup, "What this program and the libzmq under it are and can do",
         declare_version},
        {"manual", hidden, "Print the manual page, for docs/man", declare_manual},
    };
    return table;
}

} // namespace flotilla::cli
