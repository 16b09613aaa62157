// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/runner.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/queue/producer_thread.hpp>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

namespace flotilla::queue {

namespace {

constexpr ByteView wake_producer = "w";

struct WaitingOrder {
    std::string queue{};
    wire::Frames body{};
    std::string key{};
    std::string message_id{};
    PutOptions options{}; // its views are not used
    ProducerThread::OnConfirm on_confirm{};
    ProducerThread::OnAcknowledged on_acknowledged{};
};

Confirm refused(Error error) {
    Confirm confirm;
    confirm.outcome = Confirm::Outcome::refused;
    confirm.error = std::move(error);
    return confirm;
}

void refuse(const WaitingOrder& order, const Error& error) {
    if (order.on_confirm)
        order.on_confirm(refused(error));
    if (order.on_acknowledged)
        order.on_acknowledged({0, Acknowledgement::Outcome::refused, error});
}

// What both sides see. Orders wait here for the producer's thread.
struct ProducerShared {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<WaitingOrder> orders;
    std::uint64_t orders_bytes = 0;
    std::uint64_t unconfirmed = 0; // of the producer
    bool is_connected = false;
    std::string state;
    std::string cut; // of the outbox
    ProducerCounters counters;
    std::optional<Error> ended; // the thread takes no more
};

// The producer's side, on its thread.
class ProducerLoop {
public:
    ProducerLoop(std::shared_ptr<ProducerShared> shared, Producer producer, net::Poller& poller)
        : shared_(std::move(shared)), producer_(std::move(producer)), poller_(poller) {
        producer_->on_confirm = [this](const Confirm& confirm) { tell(confirm); };
        producer_->on_acknowledged = [this](const Acknowledgement& of) { tell(of); };
    }
    ProducerLoop(const ProducerLoop&) = delete;
    ProducerLoop& operator=(const ProducerLoop&) = delete;
    ~ProducerLoop();

    void start() {
        poller_.on_readable(producer_->fd(), [this] { turn(); });
        turn();
    }
    void turn();

private:
    std::deque<WaitingOrder> take_orders();
    void place(WaitingOrder order);
    void tell(const Confirm& confirm);
    void tell(const Acknowledgement& acknowledgement);
    void show();

    std::shared_ptr<ProducerShared> shared_;
    std::optional<Producer> producer_;
    net::Poller& poller_;
    std::optional<net::TimerId> timer_;
    std::unordered_map<std::uint64_t, ProducerThread::OnConfirm> waiting_; // by ticket
    std::unordered_map<std::uint64_t, ProducerThread::OnAcknowledged> watching_;
};

std::deque<WaitingOrder> ProducerLoop::take_orders() {
    const std::lock_guard lock(shared_->mutex);
    shared_->orders_bytes = 0;
    std::deque<WaitingOrder> orders = std::exchange(shared_->orders, {});
    shared_->unconfirmed += orders.size(); // seen by flush() until show() knows better
    return orders;
}

void ProducerLoop::place(WaitingOrder order) {
    PutOptions options = order.options;
    options.key = order.key;
    options.message_id = order.message_id;
    const auto ticket = producer_->put(order.queue, order.body, options);
    if (!ticket)
        return refuse(order, ticket.error());
    if (order.on_confirm)
        waiting_.emplace(*ticket, std::move(order.on_confirm));
    if (order.on_acknowledged)
        watching_.emplace(*ticket, std::move(order.on_acknowledged));
}

void ProducerLoop::tell(const Confirm& confirm) {
    if (auto found = waiting_.extract(confirm.ticket); !found.empty())
        found.mapped()(confirm);
}

void ProducerLoop::tell(const Acknowledgement& acknowledgement) {
    if (auto found = watching_.extract(acknowledgement.ticket); !found.empty())
        found.mapped()(acknowledgement);
}

void ProducerLoop::show() {
    const std::lock_guard lock(shared_->mutex);
    shared_->unconfirmed = producer_->unconfirmed();
    shared_->is_connected = producer_->is_connected();
    shared_->state = producer_->state_text();
    shared_->cut = producer_->outbox_cut();
    shared_->counters = producer_->counters();
    shared_->changed.notify_all();
}

void ProducerLoop::turn() {
    for (WaitingOrder& order : take_orders())
        place(std::move(order));
    // What was there is worked off, as the descriptor tells of changes only.
    Status alive = producer_->process(Duration::zero());
    for (int i = 0; i < 10 && alive && producer_->has_input(); ++i)
        alive = producer_->process(Duration::zero());
    show();
    if (!alive)
        return poller_.stop();
    if (timer_)
        poller_.cancel(*std::exchange(timer_, std::nullopt));
    if (const Duration wait = producer_->wait_max(); wait != no_limit)
        timer_ = poller_.after(wait, [this] {
            timer_.reset();
            turn();
        });
}

// Nobody is left waiting for ever: neither what the producer holds nor what it was never given.
ProducerLoop::~ProducerLoop() {
    {
        const std::lock_guard lock(shared_->mutex);
        if (!shared_->ended)
            shared_->ended = Error{Errc::stopped, "the producer is closed"};
    }
    poller_.forget(producer_->fd());
    for (WaitingOrder& order : take_orders()) // an outbox on disk keeps them
        place(std::move(order));
    show();
    for (auto& [ticket, on_confirm] : waiting_) {
        Confirm confirm = refused({Errc::stopped, "the producer is closed"});
        confirm.ticket = ticket;
        on_confirm(confirm);
    }
    for (auto& [ticket, on_acknowledged] : watching_)
        on_acknowledged(
            {ticket, Acknowledgement::Outcome::unknown, {Errc::stopped, "the producer is closed"}});
}

} // namespace

struct ProducerThread::Rest {
    ~Rest();

    std::shared_ptr<ProducerShared> shared = std::make_shared<ProducerShared>();
    std::uint64_t messages_max = 0;
    std::uint64_t bytes_max = 0;
    // Under the mutex as well: it may be posted to from one thread at a time.
    std::optional<net::Runner> runner; // destroyed first, after the destructor's body
};

// Callbacks may still put while the thread ends; they must not post then.
ProducerThread::Rest::~Rest() {
    const std::lock_guard lock(shared->mutex);
    if (!shared->ended)
        shared->ended = Error{Errc::stopped, "the producer is closed"};
}

ProducerThread::ProducerThread(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
ProducerThread::ProducerThread(ProducerThread&&) noexcept = default;

ProducerThread& ProducerThread::operator=(ProducerThread&& other) noexcept {
    std::swap(rest_, other.rest_);
    return *this;
}

ProducerThread::~ProducerThread() = default;

Result<ProducerThread> ProducerThread::open(net::Context& context, ProducerOptions options) {
    auto rest = std::make_unique<Rest>();
    rest->messages_max = options.outbox_messages_max;
    rest->bytes_max = options.outbox_bytes_max;
    auto setup = [shared = rest->shared, with = std::move(options),
                  &context](net::Runner::Inside& runner) -> Status {
        auto producer = Producer::open(context, with);
        if (!producer)
            return fail(producer.error());
        const auto inside =
            std::make_shared<ProducerLoop>(shared, std::move(*producer), runner.poller);
        inside->start();
        runner.on_command = [inside](ByteView) { inside->turn(); };
        return {};
    };
    auto runner = net::Runner::start(context, "queue producer", std::move(setup));
    if (!runner)
        return fail(runner.error());
    rest->runner.emplace(std::move(*runner));
    return ProducerThread{std::move(rest)};
}

void ProducerThread::place(std::string_view queue, wire::Frames body, const PutOptions& options,
                           OnConfirm on_confirm, OnAcknowledged on_acknowledged) {
    std::optional<Error> why;
    WaitingOrder order{std::string(queue),
                       {},
                       std::string(options.key),
                       std::string(options.message_id),
                       options,
                       std::move(on_confirm),
                       std::move(on_acknowledged)};
    {
        const std::lock_guard lock(rest_->shared->mutex);
        ProducerShared& shared = *rest_->shared;
        const std::uint64_t bytes = body.held_bytes();
        if (shared.ended)
            why = shared.ended;
        else if (shared.orders.size() >= rest_->messages_max ||
                 shared.orders_bytes + bytes > rest_->bytes_max)
            why = Error{Errc::would_block};
        if (!why) {
            shared.orders_bytes += bytes;
            order.body = std::move(body);
            shared.orders.push_back(std::move(order));
            // A byte for the first is enough: the thread takes all that are there.
            if (shared.orders.size() == 1)
                (void)rest_->runner->post(wake_producer);
        }
    }
    if (why)
        refuse(order, *why);
}

void ProducerThread::put(std::string_view queue, wire::Frames body, const PutOptions& options,
                         OnConfirm on_confirm) {
    place(queue, std::move(body), options, std::move(on_confirm), {});
}

void ProducerThread::put_acknowledged(std::string_view queue, wire::Frames body,
                                      const PutOptions& options, OnAcknowledged on_acknowledged) {
    if (options.acknowledged_max > Duration::zero())
        return place(queue, std::move(body), options, {}, std::move(on_acknowledged));
    if (on_acknowledged)
        on_acknowledged({0,
                         Acknowledgement::Outcome::refused,
                         {Errc::bad_option, "acknowledged_max must be more than 0"}});
}

std::future<Acknowledgement> ProducerThread::put_acknowledged(std::string_view queue,
                                                              wire::Frames body,
                                                              const PutOptions& options) {
    auto promise = std::make_shared<std::promise<Acknowledgement>>();
    auto later = promise->get_future();
    put_acknowledged(queue, std::move(body), options,
                     [promise](const Acknowledgement& of) { promise->set_value(of); });
    return later;
}

std::future<Confirm> ProducerThread::put(std::string_view queue, wire::Frames body,
                                         const PutOptions& options) {
    auto promise = std::make_shared<std::promise<Confirm>>();
    auto later = promise->get_future();
    put(queue, std::move(body), options,
        [promise](const Confirm& confirm) { promise->set_value(confirm); });
    return later;
}

std::uint64_t ProducerThread::flush(Duration wait) {
    std::unique_lock lock(rest_->shared->mutex);
    ProducerShared& shared = *rest_->shared;
    const Instant deadline = deadline_after(net::now(), wait);
    while (shared.orders.size() + shared.unconfirmed > 0 && !shared.ended) {
        const Duration left = time_left(net::now(), deadline);
        if (left == Duration::zero())
            break;
        shared.changed.wait_for(lock, std::min<Duration>(left, 1h));
    }
    return shared.orders.size() + shared.unconfirmed;
}

std::uint64_t ProducerThread::unconfirmed() const {
    const std::lock_guard lock(rest_->shared->mutex);
    return rest_->shared->orders.size() + rest_->shared->unconfirmed;
}
bool ProducerThread::is_connected() const {
    const std::lock_guard lock(rest_->shared->mutex);
    return rest_->shared->is_connected;
}
std::string ProducerThread::state_text() const {
    const std::lock_guard lock(rest_->shared->mutex);
    return rest_->shared->state;
}
std::string ProducerThread::outbox_cut() const {
    const std::lock_guard lock(rest_->shared->mutex);
    return rest_->shared->cut;
}
ProducerCounters ProducerThread::counters() const {
    const std::lock_guard lock(rest_->shared->mutex);
    return rest_->shared->counters;
}

} // namespace flotilla::queue
