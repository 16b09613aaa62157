// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/runner.hpp>
#include <flotilla/request/async_client.hpp>
#include <flotilla/request/client_thread.hpp>

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace flotilla::request {

namespace {

constexpr ByteView wake = "w";

Error closed() {
    return {Errc::stopped, "the client is closed"};
}

struct Order {
    std::string service{};
    wire::Frames body{};
    CallOptions options{};
    ClientThread::OnReply on_reply{};
    ClientThread::OnPartial on_partial{};
};

// What both sides see. Orders wait here for the client's thread.
struct Shared {
    std::mutex mutex;
    std::deque<Order> orders;
    std::uint64_t orders_bytes = 0;
    ClientCounters counters;
    std::optional<Error> ended; // the thread takes no more
};

// The client's side, on its thread.
class Inside {
public:
    Inside(std::shared_ptr<Shared> shared, AsyncClient client, net::Poller& poller)
        : shared_(std::move(shared)), client_(std::move(client)), poller_(poller) {}
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside();

    void start();
    void turn();

private:
    std::deque<Order> take_orders();
    void place(Order order);

    std::shared_ptr<Shared> shared_;
    std::optional<AsyncClient> client_;
    net::Poller& poller_;
    std::optional<net::TimerId> timer_;
};

void Inside::start() {
    poller_.on_readable(client_->fd(), [this] { turn(); });
}

std::deque<Order> Inside::take_orders() {
    const std::lock_guard lock(shared_->mutex);
    shared_->orders_bytes = 0;
    return std::exchange(shared_->orders, {});
}

void Inside::place(Order order) {
    const auto on_reply = std::make_shared<ClientThread::OnReply>(std::move(order.on_reply));
    const auto number = client_->call(
        order.service, order.body, order.options,
        [on_reply](CallId, Result<Reply> reply) { (*on_reply)(std::move(reply)); },
        std::move(order.on_partial));
    if (!number)
        (*on_reply)(fail(number.error()));
}

void Inside::turn() {
    for (Order& order : take_orders())
        place(std::move(order));
    // What was there is worked off, as the descriptor tells of changes only.
    Status alive = client_->process(Duration::zero());
    for (int i = 0; i < 10 && alive && client_->has_input(); ++i)
        alive = client_->process(Duration::zero());
    {
        const std::lock_guard lock(shared_->mutex);
        shared_->counters = client_->counters();
    }
    if (!alive)
        return poller_.stop();
    if (timer_)
        poller_.cancel(*std::exchange(timer_, std::nullopt));
    if (const Duration wait = client_->wait_max(); wait != no_limit)
        timer_ = poller_.after(wait, [this] {
            timer_.reset();
            turn();
        });
}

// Nothing is left waiting for ever: neither what the client holds nor what it was never given.
Inside::~Inside() {
    {
        const std::lock_guard lock(shared_->mutex);
        if (!shared_->ended)
            shared_->ended = closed();
    }
    poller_.forget(client_->fd());
    client_.reset();
    for (Order& order : take_orders())
        order.on_reply(fail(closed()));
}

} // namespace

struct ClientThread::Rest {
    ~Rest();

    std::shared_ptr<Shared> shared = std::make_shared<Shared>();
    std::uint32_t calls_max = 0;
    std::uint64_t calls_bytes_max = 0;
    // Under the mutex as well: it may be posted to from one thread at a time.
    std::optional<net::Runner> runner; // destroyed first, after the destructor's body
};

// Callbacks may still call while the thread ends; they must not post then.
ClientThread::Rest::~Rest() {
    const std::lock_guard lock(shared->mutex);
    if (!shared->ended)
        shared->ended = closed();
}

ClientThread::ClientThread(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
ClientThread::ClientThread(ClientThread&&) noexcept = default;

ClientThread& ClientThread::operator=(ClientThread&& other) noexcept {
    std::swap(rest_, other.rest_);
    return *this;
}

ClientThread::~ClientThread() = default;

Result<ClientThread> ClientThread::open(net::Context& context, ClientOptions options) {
    auto rest = std::make_unique<Rest>();
    rest->calls_max = options.calls_max;
    rest->calls_bytes_max = options.calls_bytes_max;
    auto setup = [shared = rest->shared, with = std::move(options),
                  &context](net::Runner::Inside& runner) -> Status {
        auto client = AsyncClient::open(context, with);
        if (!client)
            return fail(client.error());
        const auto inside = std::make_shared<Inside>(shared, std::move(*client), runner.poller);
        inside->start();
        runner.on_command = [inside](ByteView) { inside->turn(); };
        return {};
    };
    auto runner = net::Runner::start(context, "request client", std::move(setup));
    if (!runner)
        return fail(runner.error());
    rest->runner.emplace(std::move(*runner));
    return ClientThread{std::move(rest)};
}

void ClientThread::call(std::string_view service, wire::Frames body, const CallOptions& options,
                        OnReply on_reply, OnPartial on_partial) {
    std::optional<Error> refused;
    {
        const std::lock_guard lock(rest_->shared->mutex);
        Shared& shared = *rest_->shared;
        const std::uint64_t bytes = body.held_bytes();
        if (shared.ended)
            refused = shared.ended;
        else if (shared.orders.size() >= rest_->calls_max ||
                 shared.orders_bytes + bytes > rest_->calls_bytes_max)
            refused = Error{Errc::would_block};
        if (!refused) {
            shared.orders_bytes += bytes;
            shared.orders.push_back({std::string(service), std::move(body), options,
                                     std::move(on_reply), std::move(on_partial)});
            // A byte for the first is enough: the thread takes all that are there.
            if (shared.orders.size() == 1)
                (void)rest_->runner->post(wake);
        }
    }
    if (refused)
        on_reply(fail(*refused));
}

std::future<Result<Reply>> ClientThread::call(std::string_view service, wire::Frames body,
                                              const CallOptions& options) {
    auto promise = std::make_shared<std::promise<Result<Reply>>>();
    auto later = promise->get_future();
    call(service, std::move(body), options,
         [promise](Result<Reply> reply) { promise->set_value(std::move(reply)); });
    return later;
}

ClientCounters ClientThread::counters() const {
    const std::lock_guard lock(rest_->shared->mutex);
    return rest_->shared->counters;
}

} // namespace flotilla::request
