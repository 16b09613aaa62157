// SPDX-License-Identifier: Apache-2.0
#include "client_options.hpp"
#include "client_sockets.hpp"

#include <flotilla/net/system.hpp>
#include <flotilla/request/async_client.hpp>
#include <flotilla/request/codec.hpp>

#include <algorithm>
#include <deque>
#include <unordered_map>
#include <utility>

namespace flotilla::request {

namespace {

constexpr Duration retry_unsent = 10ms;
// CURVE: how often a connection that was refused must be looked at to be made again.
constexpr Duration housekeeping = 250ms;

} // namespace

struct AsyncClient::Rest {
    struct Callbacks {
        OnReply on_reply{};
        OnPartial on_partial{};
    };

    Rest(ClientOptions with, ClientSockets links)
        : sockets(std::move(links)), is_curve(with.security.index() != 0),
          body_bytes_max(with.message_bytes_max), on_connection(with.on_connection),
          machine(std::move(with), net::system_seed()) {}

    void act();
    void do_acts(std::vector<LinkId>& failed);
    void turn();
    void read();
    bool tell();
    Duration wait_max() const;

    ClientSockets sockets;
    bool is_curve;
    std::uint64_t body_bytes_max;
    std::function<void(const net::ConnectionEvent&)> on_connection;
    ClientMachine machine;
    ClientOutputs out;
    std::vector<std::variant<ClientOutputs::Open, ClientOutputs::Close, ClientOutputs::Send>> acts;
    std::deque<ClientOutputs::Event> events;
    std::unordered_map<CallId, Callbacks> callbacks;
    bool unsent = false;
    Status alive{}; // until the context stops or the transport fails
};

// ---- output ------------------------------------------------------------------------------------

void AsyncClient::Rest::do_acts(std::vector<LinkId>& failed) {
    acts.clear();
    acts.swap(out.acts);
    for (auto& act : acts) {
        if (auto* send = std::get_if<ClientOutputs::Send>(&act)) {
            for (std::size_t stale = sockets.send(std::move(*send)); stale > 0; --stale)
                machine.receive_unexpected();
        } else if (const auto* open = std::get_if<ClientOutputs::Open>(&act)) {
            if (const Status opened = sockets.open(*open); !opened) {
                failed.push_back(open->link);
                if (opened.error().code == Errc::stopped)
                    alive = opened;
            }
        } else {
            sockets.close(std::get<ClientOutputs::Close>(act).link);
        }
    }
}

void AsyncClient::Rest::act() {
    std::vector<LinkId> failed;
    while (!out.acts.empty()) {
        do_acts(failed);
        for (const LinkId link : std::exchange(failed, {}))
            machine.link_failed(link, net::now(), out);
    }
    unsent = sockets.flush();
    std::move(out.events.begin(), out.events.end(), std::back_inserter(events));
    out.events.clear();
}

// ---- input -------------------------------------------------------------------------------------

void AsyncClient::Rest::read() {
    const Instant now = net::now();
    const auto heard = [&](LinkId link, const net::ConnectionEvent& event) {
        using Kind = net::ConnectionEvent::Kind;
        if (event.kind == Kind::handshake_succeeded)
            machine.connection_made(link, now, out);
        else if (event.kind == Kind::handshake_failed_auth)
            machine.connection_trouble(link, net::explain(event));
        else if (event.kind == Kind::handshake_failed_protocol ||
                 event.kind == Kind::handshake_failed_no_detail)
            machine.connection_trouble(link, "it broke off the handshake");
        else if (event.kind == Kind::connected || event.kind == Kind::closed)
            machine.connection_trouble(link, {}); // what was wrong before is over
        else if (event.kind == Kind::disconnected)
            machine.connection_ended(link);
        else if (event.kind == Kind::connect_retried)
            machine.connection_refused(link, now, out);
        if (on_connection)
            on_connection(event);
    };
    Status done = sockets.read(
        heard,
        [&](LinkId link, wire::Frames& frames) {
            auto message = read_at_client(frames);
            if (message && message->body.bytes() <= body_bytes_max)
                machine.receive(link, std::move(*message), now, out);
            else
                machine.receive_malformed();
        },
        [&] { machine.receive_malformed(); });
    if (!done)
        alive = std::move(done);
}

void AsyncClient::Rest::turn() {
    if (alive)
        read();
    if (alive)
        machine.tick(net::now(), out);
    if (alive)
        act();
    if (!alive) {
        out.acts.clear();
        machine.stop(alive.error(), out);
        act();
    }
}

// Callbacks may call() and cancel(). True: somebody was told something.
bool AsyncClient::Rest::tell() {
    const std::size_t count = events.size(); // what callbacks add is for the next turn
    for (std::size_t i = 0; i < count; ++i) {
        ClientOutputs::Event event = std::move(events.front());
        events.pop_front();
        const auto found = callbacks.find(event.call);
        if (auto* partial = std::get_if<PartialReply>(&event.what)) {
            // By value: the callback may make others, which moves the table's entries.
            if (const OnPartial on_partial = found->second.on_partial)
                on_partial(std::move(*partial));
            continue;
        }
        const OnReply on_reply = std::move(found->second.on_reply);
        callbacks.erase(found);
        if (on_reply)
            on_reply(event.call, std::move(std::get<Result<Reply>>(event.what)));
    }
    return count > 0;
}

Duration AsyncClient::Rest::wait_max() const {
    if (!events.empty() || sockets.readable())
        return Duration::zero();
    Duration wait = time_left(net::now(), machine.next_deadline());
    if (unsent)
        wait = std::min(wait, retry_unsent);
    return is_curve && machine.links() > 0 ? std::min(wait, housekeeping) : wait;
}

// ---- the class ---------------------------------------------------------------------------------

AsyncClient::AsyncClient(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
AsyncClient::AsyncClient(AsyncClient&&) noexcept = default;

AsyncClient& AsyncClient::operator=(AsyncClient&& other) noexcept {
    std::swap(rest_, other.rest_);
    return *this;
}

AsyncClient::~AsyncClient() {
    if (!rest_)
        return;
    rest_->machine.stop({Errc::stopped, "the client is closed"}, rest_->out);
    rest_->act();
    rest_->tell();
}

Result<AsyncClient> AsyncClient::open(net::Context& context, ClientOptions options) {
    if (const Status checked = check(options); !checked)
        return fail(checked.error());
    auto sockets = ClientSockets::open(context, options);
    if (!sockets)
        return fail(sockets.error());
    return AsyncClient{std::make_unique<Rest>(std::move(options), std::move(*sockets))};
}

Result<CallId> AsyncClient::call(std::string_view service, wire::Frames& body,
                                 const CallOptions& options, OnReply on_reply,
                                 OnPartial on_partial) {
    Rest& rest = *rest_;
    auto number = rest.machine.call(service, body, options, net::now(), rest.out);
    if (!number)
        return number;
    rest.callbacks.emplace(*number, Rest::Callbacks{std::move(on_reply), std::move(on_partial)});
    if (rest.alive)
        rest.act();
    return number;
}

Result<std::future<Result<Reply>>> AsyncClient::call(std::string_view service, wire::Frames& body,
                                                     const CallOptions& options) {
    auto promise = std::make_shared<std::promise<Result<Reply>>>();
    auto later = promise->get_future();
    const auto number = call(service, body, options, [promise](CallId, Result<Reply> reply) {
        promise->set_value(std::move(reply));
    });
    if (!number)
        return fail(number.error());
    return later;
}

Result<CallId> AsyncClient::call(std::string_view service, ByteView body,
                                 const CallOptions& options, OnReply on_reply,
                                 OnPartial on_partial) {
    wire::Frames frames;
    frames.add(body);
    return call(service, frames, options, std::move(on_reply), std::move(on_partial));
}

Result<std::future<Result<Reply>>> AsyncClient::call(std::string_view service, ByteView body,
                                                     const CallOptions& options) {
    wire::Frames frames;
    frames.add(body);
    return call(service, frames, options);
}

bool AsyncClient::cancel(CallId call) {
    const bool found = rest_->machine.cancel(call, net::now(), rest_->out);
    rest_->act();
    return found;
}

Status AsyncClient::process(Duration wait) {
    Rest& rest = *rest_;
    rest.turn();
    if (!rest.tell() && rest.alive && wait > Duration::zero()) {
        if (const Duration most = std::min(wait, rest.wait_max()); most > Duration::zero())
            rest.sockets.wait(most);
        rest.turn();
        rest.tell();
    }
    return rest.alive;
}

int AsyncClient::fd() const noexcept {
    return rest_->sockets.fd();
}
bool AsyncClient::has_input() const noexcept {
    return !rest_->events.empty() || rest_->sockets.readable();
}
Duration AsyncClient::wait_max() const noexcept {
    return rest_->wait_max();
}
std::uint64_t AsyncClient::under_way() const noexcept {
    return rest_->callbacks.size();
}
std::optional<Dialect> AsyncClient::dialect() const noexcept {
    return rest_->machine.dialect();
}
ClientCounters AsyncClient::counters() const {
    return rest_->machine.counters();
}

} // namespace flotilla::request
