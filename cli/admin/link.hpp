// SPDX-License-Identifier: Apache-2.0
//
// AdminLink: a conversation with the admin endpoint of one daemon (docs/protocol/admin.md). It
// waits for nothing: the caller turns a Poller that wake() prepared, then calls work().
//
// One question at a time: a new one gives up the one before, whose answer is passed over when it
// comes. A question goes out when the daemon is there. When the daemon went away before it had
// answered, Asking::again asks whoever takes its place; Asking::once does not, because an order to
// end is not meant for that one. One thread.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/poller.hpp>
#include <flotilla/net/socket.hpp>

#include <cli/hints.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace flotilla::cli {

struct AdminAnswer {
    std::uint16_t code = 0; // as in HTTP; 0: no answer of an admin endpoint
    std::string json{};
};
// The answer's object as it is. Errors: refused (any other code than 200, with the daemon's
// reason); malformed.
Result<std::string> accepted(const AdminAnswer& answer);

class AdminLink {
public:
    static constexpr std::uint64_t answer_bytes_max = 64ULL << 20;
    static constexpr Duration refused_patience = 1s; // a daemon may be starting again

    // `flags` are those that `security` was made of. Errors: those of Socket; insecure names the
    // flags that mend it.
    static Result<std::unique_ptr<AdminLink>> open(net::Context& context,
                                                   const net::Endpoint& endpoint,
                                                   const net::Security& security,
                                                   const SecurityFlags& flags);

    // The poller's next turn ends when there is something to do for this link.
    void wake(net::Poller& poller);
    enum class Asking : std::uint8_t { again, once };
    // `arguments` is a JSON object; empty: none.
    void ask(std::string verb, std::string arguments = {}, Asking asking = Asking::again);
    // Sends what can be sent and reads what is there; the answer to the last question, once.
    std::optional<AdminAnswer> work();

    bool is_asking() const noexcept { return asked_ != Asked::nothing && asked_ != Asked::lost; }
    // It was asked once, and went away before it had answered.
    bool is_lost() const noexcept { return asked_ == Asked::lost; }
    bool is_connected() const noexcept { return connected_; }
    const std::string& endpoint() const noexcept { return endpoint_; }
    // "zmq doctor ENDPOINT ..."
    const std::string& doctor() const noexcept { return doctor_; }
    // What may be the reason that nobody answers; empty: nothing is known.
    const std::string& hint() const noexcept { return hint_.text(); }
    // Connections are refused, for refused_patience at least.
    bool is_hopeless(Instant now) const noexcept;

private:
    AdminLink(std::string endpoint, net::Socket socket, net::Monitor monitor, std::string doctor);
    void read_events();
    void send_question();
    std::optional<AdminAnswer> read_answer();

    enum class Asked : std::uint8_t { nothing, unsent, sent, lost };

    std::string endpoint_;
    net::Socket socket_;
    net::Monitor monitor_;
    Asked asked_ = Asked::nothing;
    Asking asking_ = Asking::again;
    std::uint64_t number_ = 0; // of the question; what stands before the empty frame
    std::string verb_{};
    std::string arguments_{};
    bool connected_ = false;
    ConnectionHint hint_{};
    Instant refused_since_ = never; // connections, without one that was made since
    std::string doctor_{};          // the line to be pasted
};

using AdminLinks = std::vector<std::unique_ptr<AdminLink>>;

// Asks each and waits until all have answered or are hopeless, at most `wait`. An answer for each
// link, in order; absent: it did not answer, or is lost. Errors: stopped, by a signal.
Result<std::vector<std::optional<AdminAnswer>>>
ask_all(AdminLinks& links, const std::string& verb, const std::string& arguments, Duration wait,
        AdminLink::Asking asking = AdminLink::Asking::again);
// The same of one. Errors: timeout (names what is known of why), peer_gone (it was asked once, and
// is lost), and those of accepted().
Result<std::string> ask_one(AdminLinks& links, const std::string& verb,
                            const std::string& arguments, Duration wait,
                            AdminLink::Asking asking = AdminLink::Asking::again);
// "no daemon answers at ENDPOINT within 5s: ..."
std::string silence(const AdminLink& link, Duration wait);

} // namespace flotilla::cli
