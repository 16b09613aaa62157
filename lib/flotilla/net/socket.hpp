// SPDX-License-Identifier: Apache-2.0
//
// Socket: one ZeroMQ socket with a safe profile: bounded queues, bounded linger, heartbeats,
// mandatory routing, growing reconnect back-off, and no plaintext beyond this machine unless asked
// for.
//
// Waits: every call that may wait says how long at most; Duration::zero() never waits. Interrupted
// system calls are continued. Threads: one thread owns a Socket at a time; it is handed over by a
// move across a thread's start or join.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/part.hpp>
#include <flotilla/net/security.hpp>
#include <flotilla/wire/frames.hpp>
#include <flotilla/wire/staged.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace flotilla::net {

enum class SocketType : std::uint8_t {
    pair,
    pub,
    sub,
    req,
    rep,
    dealer,
    router,
    pull,
    push,
    xpub,
    xsub,
};

std::string_view name(SocketType type) noexcept; // "pair", "pub", ...
std::optional<SocketType> socket_type_named(std::string_view name) noexcept;

struct SocketOptions {
    // Queues. Counted in messages and per peer; libzmq adds the kernel's socket buffers and up to
    // one batch of 8 KiB. 1 to 1,000,000.
    std::uint32_t send_messages_max = 1'000;
    std::uint32_t receive_messages_max = 1'000;
    // Kernel socket buffers; 0 leaves the system's choice.
    std::uint64_t kernel_send_bytes = 0;
    std::uint64_t kernel_receive_bytes = 0;

    // Input limits. A frame beyond frame_bytes_max costs its sender the connection; a message
    // beyond the other two is read to its end, dropped and counted (oversize_total); housekeep()
    // says what becomes of one that never ends.
    std::uint64_t frame_bytes_max = 64ULL << 20;
    std::uint64_t message_bytes_max = 256ULL << 20;
    std::uint32_t frames_max = wire::Frames::frames_max; // 1 to frames_max

    // Longest that closing waits in the background for unsent messages. Never infinite: up to 1h.
    Duration linger{0};

    // Connections. A dead host is found by TCP keep-alive (15 s idle, then 3 probes 5 s apart),
    // which the peer's kernel answers whatever its program does. ZMTP heartbeats find a hung
    // process too, but they wait in line behind messages: a consumer that needs longer than
    // heartbeat_timeout to read what lies before one loses its connection, and messages with it.
    // So they are for links whose receiver never stops reading.
    Duration heartbeat_interval{0}; // 0: no ZMTP heartbeats; up to 1h
    Duration heartbeat_timeout = 15s;
    Duration handshake_timeout = 10s; // greeting and security, then the connection is closed
    Duration connect_timeout = 5s;    // TCP connect
    Duration reconnect_min = 100ms;   // first pause; doubles, with jitter, up to
    Duration reconnect_max = 10s;     // this

    // Sends are queued only to connections that are complete. Off: a connecting socket queues
    // ahead.
    bool to_connected_only = false;

    std::string routing_id{}; // what a ROUTER peer will call this socket; up to 255 bytes
    // ROUTER: a new connection with a routing id in use takes it over (else it is refused). Among
    // several peers libzmq 4.3.4 may abort the process when that falls between two frames of
    // another's message; so may disconnect().
    bool handover = false;
    // REQ: replies are matched to requests, and a new request may be sent before a reply came.
    bool relaxed_requests = false;

    // XPUB: which subscription messages are given to the caller, and what a full subscriber means.
    enum class Subscriptions : std::uint8_t {
        first_and_last, // a topic's first subscription and last unsubscription
        every,          // every one of every peer
        manual,         // every one; it takes effect when the caller answers with subscribe()
    } subscriptions = Subscriptions::first_and_last;
    // PUB, XPUB: a send that does not fit one matching subscriber's queue reaches nobody and is
    // refused with would_block. Off: it is lost for the full subscribers, in silence.
    bool refuse_when_full = false;

    Security security{}; // Plaintext, on this machine only
    // Listeners that ask who connects: the ZAP domain, also the listener's name in logs.
    std::string domain = "flotilla";
    // Those with a gate: asked of everybody who connects, for peers that never speak (PULL peers of
    // a PUSH, say). It is the domain's, so give it one of its own.
    std::optional<Entry> entry{};
    bool ipv6 = true; // accept IPv6 addresses as well as IPv4
};

enum class More : std::uint8_t { no, yes };

class Socket {
public:
    // Errors: bad_option (which, and its range); insecure; too_many (sockets_max); out_of_files;
    // stopped; unsupported.
    static Result<Socket> open(Context& context, SocketType type, SocketOptions options = {});
    Socket(Socket&&) noexcept;
    Socket& operator=(Socket&&) noexcept;
    ~Socket(); // does not wait; linger runs in the background

    // Returns where it is bound, wildcards resolved; what clients connect to. An ipc path must be
    // free, or the socket of a program that is gone.
    // Errors: address_in_use, address_unavailable, insecure, bad_endpoint, unsupported.
    Result<Endpoint> bind(const Endpoint& endpoint);
    // Does not wait for the peer, who may come later. Errors: insecure, bad_endpoint, unsupported.
    Status connect(const Endpoint& endpoint);
    // Either, as the attachment says; returns the endpoint to name in logs.
    Result<Endpoint> attach(const Attachment& attachment);
    // Errors: not_found.
    Status unbind(const Endpoint& endpoint);
    Status disconnect(const Endpoint& endpoint);

    // Whole messages. On success `message` was taken and is empty; on error it is untouched.
    // Errors: would_block (zero wait), timeout, peer_gone (ROUTER: frame 0 names nobody connected),
    // stopped.
    Status send(wire::Frames& message, Duration wait);
    // One that was staged; never waits. On success received frames among the large ones are empty;
    // on error nothing was sent, and all are as they were. Errors: as above.
    Status send(const wire::StagedMessages::Message& message);
    // Errors: would_block, timeout, stopped; too_large, too_many (one message was dropped and
    // counted; the socket is fine).
    Result<wire::Frames> receive(Duration wait);

    // Hot paths. Single frame, copied.
    Status send(ByteView frame, Duration wait);
    // One frame of a message; only the first of a message may wait. A later one that is refused
    // with would_block is lost with its peer: send what follows all the same. The second takes the
    // part: on success it is empty.
    Status send(ByteView frame, More more, Duration wait);
    Status send(Part& part, More more, Duration wait);
    // One frame into `part`, whose old content is let go. Total-size limits are the caller's.
    Status receive(Part& part, Duration wait);
    // The same with a look at it, which is cheaper than asking the part: the bytes are the part's.
    class Look {
    public:
        Look() = default; // at nothing
        Look(const char* data, std::int32_t size, bool more) noexcept
            : data_(data), size_(size), more_(more) {}
        explicit operator bool() const noexcept { return size_ >= 0; }
        ByteView bytes() const noexcept { return {data_, std::size_t(size_)}; }
        // Another frame of the same message follows.
        More more() const noexcept { return more_ ? More::yes : More::no; }

    private:
        const char* data_ = nullptr;
        std::int32_t size_ = -1; // libzmq tells sizes so, too
        std::int32_t more_ = 0;  // as wide as that: two registers in all, with little to pack
    };
    Result<Look> receive_look(Part& part, Duration wait);
    // For floods, at a hundred nanoseconds a message: the outcome is in registers, and what has to
    // be waited for with a limit, or goes wrong, is the other call's. Below 0, or at nothing:
    // nothing was done; with the same wait go on with send(), or right away with look_waiting().
    [[nodiscard]] int send_at_once(ByteView frame, Duration wait);
    [[nodiscard]] Look look_at_once(Part& part, Duration wait);
    Result<Look> look_waiting(Part& part, Duration wait);
    // The same for messages of two frames, as those of pub/sub mostly are. How many were taken
    // without waiting, 0 to 2: go on with send() for the rest, which never waits for the second.
    [[nodiscard]] int send_both_at_once(ByteView first, ByteView second);
    // The first two frames of one message, the second empty when there is just one. May wait
    // without a limit, never with one. Below 0: there is nothing; with the same wait go on with
    // receive(), or right away with look_waiting().
    struct Both {
        std::int32_t second_bytes = -1;
        More more = More::no; // behind the second
        explicit operator bool() const noexcept { return second_bytes >= 0; }
    };
    [[nodiscard]] Both receive_both_at_once(Part& first, Part& second, Duration wait);

    // SUB and XPUB in manual mode (there: for the peer whose subscription was received last).
    Status subscribe(ByteView prefix);
    Status unsubscribe(ByteView prefix);
    // XPUB in manual mode, where can_address_last_subscriber(): the next message goes only to the
    // peer whose subscription was received last, and to nobody when that peer did not subscribe to
    // it. It counts for one message: libzmq forgets the peer with the send, so of several values
    // only the first can go to it alone. Address everyone again right after the send, or the next
    // subscription makes the message behind it go astray.
    enum class Audience : std::uint8_t { everyone, last_subscriber };
    bool can_address_last_subscriber() const noexcept;
    // Errors: unsupported.
    Status address(Audience audience);

    // Changes options().linger for the close to come. Errors: bad_option.
    Status set_linger(Duration linger);
    // Closes now and waits until libzmq has sent everything, for `wait` and a few milliseconds at
    // most. False: it has not, and what is left is dropped. Over ipc see net/ipc_tail first.
    // Afterwards only destruction and assignment are allowed.
    [[nodiscard]] bool close(Duration wait);

    // Waits until a receive, or a send, would not block. A send to ROUTER, PUB or XPUB may still.
    // Errors: timeout, stopped.
    Status wait_readable(Duration wait);
    Status wait_writable(Duration wait);

    // For foreign event loops. The descriptor becomes readable when the state MAY have changed,
    // once (edge-triggered): after it fires, and after every send or receive, work until readable()
    // and writable() say no. Reading these also runs libzmq's housekeeping.
    int fd() const noexcept;
    bool readable() const noexcept;
    bool writable() const noexcept;

    SocketType type() const noexcept { return type_; }
    const SocketOptions& options() const noexcept;
    std::uint64_t oversize_total() const noexcept;
    void* native_handle() const noexcept { return handle_; }
    const std::shared_ptr<detail::ContextState>& context_state() const noexcept;
    // CURVE clients: connects again, with growing pauses, to peers that refused the handshake,
    // which libzmq by itself gives up for good. Listeners with a gate and a Monitor: hangs up on
    // who sends a message without an end. Called by receives that find nothing, waiting sends,
    // readable(), writable() and a Poller; call it now and then from a loop that does none of
    // these. False: nothing to do for this socket, ever.
    bool housekeep() const;

    // The handle, or nullptr once this socket is closed: for a Monitor, which may outlive it.
    std::shared_ptr<void*> alive() const noexcept;

private:
    friend class Monitor;
    struct Rest;
    template <class Call>
    Status waiting(int timeout_option, int& timeout_set, Duration wait, Call&& call);
    template <class Call>
    [[gnu::noinline]] Status not_at_once(int timeout_option, Call& call);
    template <class Call>
    [[gnu::noinline]] Status waiting_for(int timeout_option, int& timeout_set, Duration wait,
                                         Call& call);
    Socket(SocketType type, void* handle, std::unique_ptr<Rest> rest) noexcept;
    int take(void* message, int flags);
    [[gnu::noinline]] Both second_again(Part& second);
    [[gnu::noinline]] void heard(void* message);
    int try_to_send(Blob& frame, int flags);
    void note_amid(const Status& sent, More more) noexcept;
    Status check_reach(const Endpoint& endpoint) const;
    void look_for_endless(Instant at) const;

    SocketType type_;
    bool amid_message_ = false; // the frame that was sent last has others behind it
    void* handle_ = nullptr;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::net
