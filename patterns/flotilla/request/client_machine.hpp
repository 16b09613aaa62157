// SPDX-License-Identifier: Apache-2.0
//
// ClientMachine: decides what a client of request routing says to which broker, and how each of its
// calls ends. It is told what was called, what arrived and what time it is; no I/O, no clock.
//
//              a call waits                mmi.flotilla answered
//     closed ───────────────▶ asking ──────────────────────────────▶ ready
//       ▲    dialect known: straight to ready                          │
//       └──────────── silence in 0.2 and in 0.1 ◀┘    silence, draining┘
//
//     call:  waiting ─▶ sent ─▶ (answer) ended          every state: deadline, cancel, stop
//               ▲         │ attempt over, connection lost
//               └─ pausing┴─▶ resting (may not be sent again; an answer may still come)
//
// Invariants
//  1. Every accepted call ends in exactly one event, at its deadline at the latest.
//  2. Flotilla dialect: an answer belongs to the call whose id it carries; all calls share a link.
//  3. RFC dialects: a link carries one call at a time, and each attempt of a call has its own. A
//     link on which a call did not end with its answer is not used again.
//  4. What is said of a broker (dialect, silence, that it is none) was said by that broker.
//
// A link is a connection with a routing id of its own. One thread at a time.
#pragma once

#include <flotilla/base/random.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/request/client_calls.hpp>
#include <flotilla/request/client_model.hpp>
#include <flotilla/request/message.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace flotilla::request {

struct ClientOutputs {
    struct Open {
        LinkId link{};
        std::size_t broker = 0;
        bool watched = false; // connection_made() and connection_refused() are wanted
    };
    struct Close {
        LinkId link{};
    };
    struct Send {
        LinkId link{};
        Message message{};
        // Nothing is under way on this link: what lies there unread is not the answer to this. It
        // is to be thrown away first, each message told by receive_unexpected().
        bool discard_first = false;
    };
    struct Event {
        CallId call{};
        std::variant<PartialReply, Result<Reply>> what;
    };
    std::vector<std::variant<Open, Close, Send>> acts{}; // to be done in this order
    std::vector<Event> events{};                         // to be told in this order
};

class ClientMachine {
public:
    enum class State : std::uint8_t { closed, asking, ready };

    // The options must have been checked.
    ClientMachine(ClientOptions options, std::uint64_t seed);

    // As AsyncClient::call.
    Result<CallId> call(std::string_view service, wire::Frames& body, const CallOptions& options,
                        Instant now, ClientOutputs& out);
    // False: there is no such call any more.
    bool cancel(CallId number, Instant now, ClientOutputs& out);

    void receive(LinkId from, Message&& message, Instant now, ClientOutputs& out);
    void receive_malformed() noexcept { ++counters_.malformed_total; }
    void receive_unexpected() noexcept { ++counters_.unexpected_total; }
    // A hint: the transport has a connection. If it is not the link's first, what was on its way is
    // lost.
    void connection_made(LinkId link, Instant now, ClientOutputs& out);
    // A hint: nobody is met where the link goes: where nothing else is known, nobody listens. With
    // another broker to go to it is left at once.
    void connection_refused(LinkId link, Instant now, ClientOutputs& out);
    // A hint: why nobody is met there, to be told when no broker answers in time; empty: what was
    // said before is over.
    void connection_trouble(LinkId link, std::string text);
    // A hint: it stands no more; that is told where nothing else is known.
    void connection_ended(LinkId link);
    // The link could not be opened.
    void link_failed(LinkId link, Instant now, ClientOutputs& out);
    void tick(Instant now, ClientOutputs& out);
    // Every call ends with `why`; later ones are refused with it.
    void stop(const Error& why, ClientOutputs& out);

    State state() const noexcept { return state_; }
    std::size_t broker() const noexcept { return broker_; }
    std::optional<Dialect> dialect() const noexcept;
    std::size_t under_way() const noexcept { return calls_.size(); }
    std::size_t links() const noexcept { return links_.size(); }
    Instant next_deadline() const noexcept;
    const ClientCounters& counters() const noexcept { return counters_; }

private:
    struct Broker {
        std::optional<Dialect> dialect{};
        std::uint32_t silences = 0;          // in a row
        std::optional<Instant> owed_since{}; // the first message since it was heard
        std::string wrong{};   // who is there instead, as it said itself, since a broker answered
        std::string trouble{}; // why there is no connection, since there was one
    };
    struct Link {
        enum class Use : std::uint8_t { asking, shared, busy, idle };
        Use use = Use::asking;
        std::size_t broker = 0;
        Dialect dialect = Dialect::mdp_02;
        std::uint32_t connections = 0;
        std::uint32_t calls = 0;      // shared
        bool draining = false;        // shared: closed when its last call ends
        Instant ping_at = never;      // shared
        std::optional<CallId> call{}; // busy
    };
    using Links = std::map<LinkId, Link>;

    // ---- client_machine.cpp: calls
    Status check(std::string_view service, const wire::Frames& body, const CallOptions& options,
                 std::uint64_t bytes) const;
    bool may_send(const ClientCall& call) const noexcept;
    void send_waiting(Instant now, ClientOutputs& out);
    void send(ClientCall& call, Links::iterator link, Instant now, ClientOutputs& out);
    void next_over(ClientCall& call, Instant now, ClientOutputs& out);
    void attempt_over(ClientCall& call, Instant now, ClientOutputs& out);
    void put_back(ClientCall& call);
    void end_by_deadline(CallId number, Instant now, ClientOutputs& out);
    void end(CallId number, Result<Reply> how, ClientOutputs& out);
    void receive_on_busy(Links::iterator link, Message&& message, Instant now, ClientOutputs& out);
    void receive_on_shared(Links::iterator link, Message&& message, Instant now,
                           ClientOutputs& out);
    void take_partial(ClientCall& call, Message&& message, ClientOutputs& out);
    void take_final(ClientCall& call, Message&& message, ClientOutputs& out);
    void take_error(ClientCall& call, Message&& message, ClientOutputs& out);

    // ---- client_links.cpp: brokers and links
    Links::iterator open(Link link, ClientOutputs& out);
    void close(Links::iterator link, ClientOutputs& out);
    // Where a waiting call may go now; links_.end(): nowhere yet.
    Links::iterator link_for_call(Instant now, ClientOutputs& out);
    void connect(Instant now, ClientOutputs& out);
    void ask(Dialect form, Instant now, ClientOutputs& out);
    void decide(Links::iterator link, Message&& message, Instant now, ClientOutputs& out);
    void heard(const Link& link, Instant now);
    void owe(std::size_t broker, Instant now);
    // The broker at hand is given up for the next, after a pause.
    void leave(Instant now, ClientOutputs& out);
    void note_silence(std::size_t broker, Instant now, ClientOutputs& out);
    // There is somebody else. When that is so of all of them, every call ends with it.
    void note_trouble(std::size_t broker, const char* text);
    void not_a_broker(std::size_t broker, std::string_view text, Instant now, ClientOutputs& out);
    std::string wrong_text() const; // of them all; empty: of none
    std::string silent_text() const;
    bool has_trouble() const; // something is known of why a broker does not answer
    void drain(Links::iterator link, Instant now, ClientOutputs& out);
    void lose(Links::iterator link, ClientOutputs& out);
    // The call is not on its link any more; `answered`: an RFC link may be used again.
    enum class Left : std::uint8_t { answered, unanswered };
    void detach(ClientCall& call, Left how, ClientOutputs& out);
    void watch(Instant now, ClientOutputs& out);
    Duration pause(std::uint32_t failures);

    ClientOptions options_;
    Random random_;
    std::string id_prefix_;
    std::optional<Error> stopped_;
    ClientCalls calls_;
    std::uint64_t last_call_ = 0;
    std::vector<Broker> brokers_;
    std::size_t broker_ = 0;
    State state_ = State::closed;
    std::uint32_t failures_ = 0; // in a row, of whichever broker
    Instant retry_at_ = Instant::min();
    Instant heard_at_ = Instant::min(); // anything, from whichever broker
    Links links_;
    std::uint64_t last_link_ = 0;
    std::vector<LinkId> idle_;
    std::optional<LinkId> shared_; // ready, flotilla: where calls go
    Instant ask_01_at_ = never;
    Instant asked_until_ = never;
    Instant watch_at_ = never;
    ClientCounters counters_;
};

} // namespace flotilla::request
