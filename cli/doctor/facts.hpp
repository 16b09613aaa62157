// SPDX-License-Identifier: Apache-2.0
//
// Facts: everything that a visit to an endpoint found out; plain values. diagnose() judges them and
// the report shows them.
#pragma once

#include <flotilla/base/time.hpp>
#include <flotilla/net/handshake_failure.hpp>
#include <flotilla/net/socket.hpp>

#include <cli/doctor/greeting.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::cli::doctor {

// A SUB that wants one topic subscribes to everything too, to see which topics there are; where
// rules say who may, that is more than its program asks for.
enum class Subscribes : std::uint8_t { to_everything_too, topic_only };

// What the visitor came with: how the program that hears nothing is configured.
struct Visit {
    std::string endpoint{};
    bool is_ipc = false;
    bool has_server_key = false;           // it speaks CURVE; else plaintext
    std::optional<net::SocketType> type{}; // the type of that program's socket
    std::optional<std::string> topic{};    // what it subscribes to
    Subscribes subscribes = Subscribes::to_everything_too;
    Duration listened{0};  // how long messages were waited for
    bool may_take = false; // joining as a worker was allowed
};

enum class Reached : std::uint8_t {
    connected,
    refused,        // nobody listens there
    no_socket_file, // ipc: no such file
    not_a_socket,   // ipc: the file is something else
    no_permission,  // ipc
    unresolved,     // the host has no address
    unreachable,    // no route
    timed_out,      // no answer at all
    failed,         // something else; see detail
};

struct Attempt {
    std::string address{}; // numeric
    Reached outcome = Reached::failed;
    std::string detail{}; // the system's words
};

// What was read after connecting.
struct Answer {
    enum class Kind : std::uint8_t {
        none,     // not connected
        silent,   // nothing within the time
        closed,   // the peer closed without a greeting
        stranger, // other bytes than ZMTP
        stalled,  // it began a greeting of ZMTP, and did not finish it within the time
        greeting,
    } kind = Kind::none;
    Greeting greeting{};
    Duration took{0};       // greeting: from the connection until it was whole
    std::string protocol{}; // stranger: "an HTTP server", or empty
    std::string excerpt{};  // stranger: its first bytes
};

// The NULL handshake, where the peer says what it is in clear text.
struct Introduction {
    std::optional<std::string> socket_type{}; // "PUB"
    std::string identity{};
    std::optional<std::string> error{}; // it sent ERROR, with this reason
    bool closed = false;                // it closed instead
};

// The CURVE handshake of a real socket, watched from between.
struct CurveWalk {
    enum class End : std::uint8_t {
        not_walked,
        succeeded,
        closed_after_hello,    // it could not open what was encrypted to the server key
        closed_after_initiate, // our key was read; the peer wants another socket type, or no more
        denied,                // it sent ERROR; see status
        peer_is_client,        // it sent a HELLO of its own
        unanswered,            // no end within the time: often a server without ZAP handler
    } end = End::not_walked;
    std::string status{};                       // denied: "400", as ZAP said
    Duration took{0};                           // of the last handshake
    std::optional<net::SocketType> joined_as{}; // the type that it succeeded with
    std::vector<net::SocketType> tried{};
};

struct Topic {
    std::string name{}; // the first frame; of long ones the beginning
    std::uint64_t messages = 0;
};

// What a real socket then heard.
struct Heard {
    bool listened = false; // it was of use to listen
    bool handshake = false;
    std::uint64_t messages = 0;
    std::uint64_t messages_matching = 0; // of those, the ones that Visit::topic would get
    std::uint64_t bytes = 0;
    std::uint64_t heartbeats = 0; // of a Publisher; not among the messages
    std::vector<Topic> topics{};  // by count, the most frequent first; bounded
    bool more_topics = false;     // there were more than fit
    std::vector<std::string> subscriptions{};
    std::optional<std::string> failure{}; // the last failure that the monitor explained
};

// What the daemon behind the endpoint says of itself, on its admin endpoint: only it knows why it
// sent somebody away.
struct Told {
    bool asked = false;
    std::string trouble{}; // it did not answer
    std::string state{};
    std::vector<std::string> not_ready{};
    std::vector<std::string> warnings{};
    // Counters of refusals that grew while we were there; others may have been refused meanwhile.
    std::vector<std::string> refusals{};
    // Everybody who did not get through a handshake since it started, the most frequent reason
    // first.
    struct TurnedAway {
        net::HandshakeFailure reason{};
        std::uint64_t count = 0;
    };
    std::vector<TurnedAway> turned_away{};
    std::uint64_t endless_messages = 0; // connections cut off for one, since it started

    bool counted(std::string_view refusal) const {
        return std::find(refusals.begin(), refusals.end(), refusal) != refusals.end();
    }
    // Whether it says that nobody new finds it there.
    bool lost_listener(std::string_view endpoint) const {
        return std::any_of(not_ready.begin(), not_ready.end(), [&](const std::string& why) {
            return why.find("socket file of " + std::string(endpoint) + " was") !=
                   std::string::npos;
        });
    }
};
inline constexpr std::string_view subscribe_not_allowed = "subscribe_not_allowed"; // a refusal
inline constexpr std::string_view subscribers_cut = "subscribers_cut";

struct Facts {
    Visit visit{};
    std::vector<Attempt> attempts{};
    Answer answer{};
    Introduction introduction{};
    bool hangs_up = false; // after its greeting, on us as on anybody
    CurveWalk curve{};
    Heard heard{};
    Told told{};
};

} // namespace flotilla::cli::doctor
