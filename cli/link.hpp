// SPDX-License-Identifier: Apache-2.0
//
// Link: one raw socket, opened as the flags say, with its monitor and what is known of its peers.
//
// The end of a link is the hard part: libzmq says that a message was queued, never that it left.
// flush() waits until the ledger shows nothing outstanding, closes the socket with the rest of the
// time as linger (over ipc it first waits until the peers have read: see net/ipc_tail), and
// terminates the context, which returns when the last batch is in the kernel or
// the linger is over. Messages that libzmq dropped with a lost connection come back to the ledger
// too; so a bound sender that loses a peer while messages are outstanding, or have been stuck for a
// while, says that some may be lost. (The I/O thread reports the loss before it drops them.)
// One thread.
#pragma once

#include <flotilla/base/exit_code.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/ipc_tail.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/poller.hpp>
#include <flotilla/net/socket.hpp>

#include <cli/hints.hpp>
#include <cli/ledger.hpp>
#include <cli/options.hpp>
#include <cli/peers.hpp>
#include <cli/terminal.hpp>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace flotilla::cli {

class Link {
public:
    struct Plan {
        net::SocketType type = net::SocketType::pair;
        net::SocketOptions options{};
        std::vector<net::Attachment> attachments{};
        std::vector<std::string> prefixes{}; // SUB: subscribed before anything is attached
        // A dropped connection of a bound socket drops what was queued for it: nothing is said,
        // that is noted, or the run failed.
        enum class Loss : std::uint8_t { ignore, note, report } loss = Loss::ignore;
        // Makes it a PUB that hears who subscribes: an XPUB, which is the same to its peers.
        void become_publisher();
    };
    // How soon to try again to send: a full XPUB does not say when it has room.
    static constexpr Duration xpub_retry_interval = 5ms;
    // Binds and connects everything; says on the terminal where, when that is not obvious or -v was
    // given. Errors: those of Socket and Monitor; insecure names --allow-plaintext.
    static Result<std::unique_ptr<Link>> open(Plan plan, const SocketFlags& flags,
                                              Terminal& terminal);
    ~Link();

    net::Socket& socket() noexcept { return *socket_; }
    net::Poller& poller() noexcept { return poller_; }
    Ledger& ledger() noexcept { return ledger_; }
    Peers& peers() noexcept { return peers_; }
    // The endpoints, joined by commas, as they are resolved.
    const std::string& endpoint_text() const noexcept { return endpoint_text_; }
    const std::vector<net::Attachment>& attachments() const noexcept { return plan_.attachments; }
    // Who is at the other end, for a run that ends because nothing moved: "ENDPOINT: nobody listens
    // there", "nobody has connected to ENDPOINT".
    std::string peers_text() const;

    // A message into the ledger, once, before it is given.
    void lend(wire::Frames& frames);
    // Sends one, as number `number` of the run, or says on the terminal why it cannot reach anybody
    // and drops it. Errors: would_block (it stays as it is), and those of Socket::send.
    enum class Given : std::uint8_t { sent, dropped };
    Result<Given> give(wire::Frames& frames, std::uint64_t number);
    std::uint64_t dropped_total() const noexcept { return dropped_; }
    // Takes in what subscribers of a publisher said; whether they did.
    bool hear_subscriptions();

    // Reads the monitor: counts peers, explains failures once each. Errors: refused (the only peer
    // that we connect to denied us).
    Status look_at_connections();
    // How soon to look again while messages are outstanding; no_limit when there are none.
    Duration look_again_within() const noexcept;
    // See above; not to be used afterwards. ok, or not_flushed with a sentence on the terminal,
    // which ends in `advice` where nobody was there to take anything.
    ExitCode flush(Duration linger, const std::string& advice = {});
    // Instead of flush(), when the peers do not take anything: says how much is left behind.
    void give_up();

private:
    Link(Plan plan, Terminal& terminal) : plan_(std::move(plan)), terminal_(terminal) {}
    Status attach_all();
    void watch();
    Status on_event(const net::ConnectionEvent& event);
    void explain_once(const net::ConnectionEvent& event, net::Attach side);
    bool meets_somebody() const; // and not only a connection that never said anything
    void look_at_outstanding();
    bool wait_outstanding(Instant deadline);
    ExitCode empty_and_close(Duration linger, const std::string& advice);
    ExitCode tell_losses();
    bool close_within(Duration linger);

    Plan plan_;
    Terminal& terminal_;
    Ledger ledger_; // outlives the context
    Peers peers_;
    ConnectionHint hint_;
    std::optional<net::Context> context_;
    std::optional<net::Socket> socket_;
    net::IpcTail tail_;
    std::optional<net::Monitor> monitor_;
    net::Poller poller_;
    std::string endpoint_text_;
    std::set<std::string> explained_;
    std::uint64_t returned_before_ = 0;
    Instant progress_at_{}; // when it was last seen that messages leave, or that none wait
    bool stuck_ = false;
    bool may_have_lost_ = false;
    std::uint64_t dropped_ = 0;
    bool had_peers_ = false;
    bool connects_ = false; // somewhere
};

} // namespace flotilla::cli
