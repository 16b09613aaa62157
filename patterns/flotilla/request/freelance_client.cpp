// SPDX-License-Identifier: Apache-2.0
#include "freelance_links.hpp"

#include <flotilla/base/option_check.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/request/freelance_client.hpp>

#include <algorithm>
#include <deque>
#include <utility>

namespace flotilla::request {

namespace {

constexpr Duration deadline_max = 24h;

Status check(const FreelanceClientOptions& options) {
    const FreelanceLimits& limits = options.limits;
    if (limits.ping < 10ms || limits.ping > 1h)
        return bad_option("ping must be 10ms to 1h");
    if (limits.liveness < 1 || limits.liveness > 100)
        return bad_option("liveness must be 1 to 100");
    if (limits.attempt_max < 10ms || limits.attempt_max > 24h)
        return bad_option("attempt_max must be 10ms to 24h");
    if (limits.attempts_max < 1 || limits.attempts_max > 1'000)
        return bad_option("attempts_max must be 1 to 1,000");
    if (limits.calls_max < 1 || limits.calls_max > 1'000'000)
        return bad_option("calls_max must be 1 to 1,000,000");
    if (options.message_bytes_max < 64ULL << 10 || options.message_bytes_max > 1ULL << 30)
        return bad_option("message_bytes_max must be 64KiB to 1GiB");
    return {};
}

} // namespace

struct FreelanceClient::Rest {
    Rest(FreelanceLimits limits, FreelanceLinks its_links)
        : calls_max(limits.calls_max), links(std::move(its_links)), machine(limits) {}

    Status turn();
    void hear(std::size_t server, const net::ConnectionEvent& event);
    void receive(std::size_t server, Result<wire::Frames> message);
    void act();
    void send(FreelanceOutputs::Send& each);

    std::uint32_t calls_max;
    FreelanceLinks links;
    FreelanceMachine machine;
    FreelanceOutputs out;
    std::deque<FreelanceAnswer> answers;
    Status alive{};
};

// ---- output ------------------------------------------------------------------------------------

void FreelanceClient::Rest::send(FreelanceOutputs::Send& each) {
    if (machine.name(each.server).empty())
        return; // removed meanwhile
    wire::Frames message;
    message.add(each.call ? ByteView{FreelanceMachine::control(*each.call)} : ByteView{"PING"});
    for (std::size_t i = 0; i < each.body.size(); ++i)
        message.add(std::move(each.body[i]));
    const Status sent = links.send(each.server, message);
    if (sent)
        return;
    // One that does not read is as good as one that is not there.
    if (sent.error().code == Errc::stopped)
        alive = sent;
    else
        machine.unreachable(each.server, net::now(), out);
}

void FreelanceClient::Rest::act() {
    while (!out.sends.empty() && alive)
        for (FreelanceOutputs::Send& each : std::exchange(out.sends, {}))
            send(each);
    for (auto& [call, outcome] : out.finished)
        answers.push_back({call, std::move(outcome)});
    out.clear();
}

// ---- input -------------------------------------------------------------------------------------

void FreelanceClient::Rest::receive(std::size_t server, Result<wire::Frames> message) {
    if (message)
        machine.receive(machine.name(server), std::move(*message), net::now(), out);
    else
        machine.receive_malformed();
}

void FreelanceClient::Rest::hear(std::size_t server, const net::ConnectionEvent& event) {
    using Kind = net::ConnectionEvent::Kind;
    if (event.kind == Kind::handshake_succeeded)
        machine.look_around(net::now(), out);
    else if (event.kind == Kind::disconnected)
        machine.connection_lost(machine.name(server), net::now(), out);
}

Status FreelanceClient::Rest::turn() {
    if (Status read = links.receive([this](std::size_t server, Result<wire::Frames> message) {
            receive(server, std::move(message));
        });
        !read)
        alive = std::move(read);
    links.hear(
        [this](std::size_t server, const net::ConnectionEvent& event) { hear(server, event); });
    machine.tick(net::now(), out);
    act();
    return alive;
}

// ---- the class ---------------------------------------------------------------------------------

FreelanceClient::FreelanceClient(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
FreelanceClient::FreelanceClient(FreelanceClient&&) noexcept = default;
FreelanceClient& FreelanceClient::operator=(FreelanceClient&&) noexcept = default;
FreelanceClient::~FreelanceClient() = default;

Result<FreelanceClient> FreelanceClient::open(net::Context& context,
                                              FreelanceClientOptions options) {
    if (const Status checked = check(options); !checked)
        return fail(checked.error());
    net::SocketOptions socket;
    socket.frame_bytes_max = options.message_bytes_max;
    socket.message_bytes_max = options.message_bytes_max;
    socket.security = options.security;
    // A server that comes back finds nothing that was meant for it before.
    socket.to_connected_only = true;
    auto links = FreelanceLinks::open(context, std::move(socket));
    if (!links)
        return fail(links.error());
    FreelanceClient client{std::make_unique<Rest>(options.limits, std::move(*links))};
    for (const net::Endpoint& server : options.servers)
        if (const Status added = client.add_server(server); !added)
            return fail(added.error());
    return client;
}

Status FreelanceClient::add_server(const net::Endpoint& server) {
    const auto added = rest_->machine.add_server(server.text(), net::now());
    if (!added)
        return fail(added.error());
    if (const Status connected = rest_->links.add(*added, server); !connected) {
        (void)rest_->machine.remove_server(server.text(), net::now(), rest_->out);
        return connected;
    }
    return {};
}

Status FreelanceClient::remove_server(const net::Endpoint& server) {
    const auto removed = rest_->machine.remove_server(server.text(), net::now(), rest_->out);
    if (!removed)
        return fail(removed.error());
    rest_->act();
    rest_->links.remove(*removed);
    return {};
}

Result<std::uint64_t> FreelanceClient::begin(wire::Frames& request, Duration deadline) {
    if (request.empty() || request.size() > wire::Frames::frames_max - 2)
        return bad_option("a request has 1 to 1022 frames");
    if (deadline < Duration::zero() || deadline > deadline_max)
        return bad_option("deadline must be 0 to 24h");
    if (rest_->answers.size() + rest_->machine.under_way() >= rest_->calls_max)
        return fail(Errc::too_many, "calls_max calls are under way or not taken");
    auto begun = rest_->machine.call(request, deadline, net::now(), rest_->out);
    rest_->act();
    return begun;
}

std::optional<FreelanceAnswer> FreelanceClient::take() {
    if (rest_->answers.empty())
        return std::nullopt;
    std::optional<FreelanceAnswer> answer{std::move(rest_->answers.front())};
    rest_->answers.pop_front();
    return answer;
}

Status FreelanceClient::cancel(std::uint64_t call) {
    return rest_->machine.cancel(call);
}

Status FreelanceClient::process(Duration wait) {
    if (wait > Duration::zero())
        if (const Status waited = rest_->links.wait(std::min(wait, wait_max())); !waited)
            return waited;
    return rest_->turn();
}

Result<FreelanceReply> FreelanceClient::call(wire::Frames& request, Duration deadline) {
    const auto begun = begin(request, deadline);
    if (!begun)
        return fail(begun.error());
    for (;;) {
        auto& answers = rest_->answers;
        const auto found = std::find_if(answers.begin(), answers.end(),
                                        [&](const auto& each) { return each.call == *begun; });
        if (found != answers.end()) {
            auto outcome = std::move(found->outcome);
            answers.erase(found);
            return outcome;
        }
        if (const Status processed = process(no_limit); !processed) {
            (void)rest_->machine.cancel(*begun);
            return fail(processed.error());
        }
    }
}

int FreelanceClient::fd() const noexcept {
    return rest_->links.fd();
}
bool FreelanceClient::has_input() const noexcept {
    return rest_->links.readable();
}
Duration FreelanceClient::wait_max() const {
    const Duration due = time_left(net::now(), rest_->machine.next_deadline());
    return rest_->links.readable() ? Duration::zero() : due;
}
std::size_t FreelanceClient::servers_up() const noexcept {
    return rest_->machine.servers_up();
}
std::size_t FreelanceClient::under_way() const noexcept {
    return rest_->machine.under_way();
}
FreelanceCounters FreelanceClient::counters() const {
    return rest_->machine.counters();
}

} // namespace flotilla::request
