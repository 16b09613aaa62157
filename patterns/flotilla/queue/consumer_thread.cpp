// SPDX-License-Identifier: Apache-2.0
//
// The link on a thread of its own. Values cross under a mutex, a byte wakes the thread, an eventfd
// tells a foreign loop. What is delivered and not yet taken is bounded by the credit.
#include "consumer_link.hpp"

#include <flotilla/net/runner.hpp>
#include <flotilla/net/system.hpp>

#include <sys/eventfd.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace flotilla::queue {

namespace {

constexpr ByteView wake_consumer = "w";

// What the caller has decided about a message.
struct Verdict {
    enum class Kind : std::uint8_t { ack, nack, touch };
    Kind kind = Kind::ack;
    leased::LeaseToken lease{};
    Duration delay{0};
    std::string reason{};
};

struct ConsumerShared {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Message> messages;
    std::vector<Verdict> verdicts;
    bool is_waiting = false; // the caller has nothing left: acknowledgements need not gather
    bool is_ready = false;
    std::optional<net::Endpoint> source; // the store at hand
    std::string state;                   // why nothing comes
    std::uint64_t epoch = 0;
    std::uint64_t held = 0;
    ConsumerCounters counters;
    std::optional<Error> refusal; // while it holds
    std::optional<Error> ended;
    int event = -1; // readable while there are messages

    ~ConsumerShared() {
        if (event >= 0)
            ::close(event);
    }
};

// The thread's side.
class ConsumerLoop {
public:
    ConsumerLoop(std::shared_ptr<ConsumerShared> shared, taker::Taker taker, net::Poller& poller)
        : shared_(std::move(shared)), taker_(std::move(taker)), poller_(poller) {}
    ConsumerLoop(const ConsumerLoop&) = delete;
    ConsumerLoop& operator=(const ConsumerLoop&) = delete;
    ~ConsumerLoop();

    void start() {
        poller_.on_readable(taker_.fd(), [this] { turn(); });
        turn();
    }
    void turn();

private:
    bool carry_out();
    void hand_over(const Status& alive);

    std::shared_ptr<ConsumerShared> shared_;
    taker::Taker taker_;
    net::Poller& poller_;
    std::optional<net::TimerId> timer_;
};

// Whether the caller waits.
bool ConsumerLoop::carry_out() {
    std::vector<Verdict> verdicts;
    bool waiting = false;
    {
        const std::lock_guard lock(shared_->mutex);
        verdicts.swap(shared_->verdicts);
        waiting = shared_->is_waiting;
    }
    // A lease that is lost by now is counted by the taker.
    for (const Verdict& each : verdicts) {
        if (each.kind == Verdict::Kind::ack)
            (void)taker_.ack(each.lease);
        else if (each.kind == Verdict::Kind::nack)
            (void)taker_.nack(each.lease, each.delay, each.reason);
        else
            (void)taker_.touch(each.lease);
    }
    return waiting;
}

void ConsumerLoop::hand_over(const Status& alive) {
    const std::lock_guard lock(shared_->mutex);
    const bool had = !shared_->messages.empty();
    while (auto taken = taker_.next())
        shared_->messages.push_back(to_message(std::move(*taken)));
    if (!had && !shared_->messages.empty())
        ::eventfd_write(shared_->event, 1);
    if (!shared_->is_ready || !taker_.is_ready()) {
        shared_->source = taker_.source();
        shared_->state = taker_.state_text();
    }
    shared_->is_ready = taker_.is_ready();
    shared_->epoch = taker_.epoch();
    shared_->held = taker_.held();
    shared_->counters = to_counters(taker_.counters());
    shared_->refusal.reset();
    if (taker_.refusal())
        shared_->refusal = to_error(*taker_.refusal());
    if (!alive && !shared_->ended)
        shared_->ended = alive.error();
    shared_->changed.notify_all();
}

void ConsumerLoop::turn() {
    const bool waiting = carry_out();
    // What was there is worked off, as the descriptor tells of changes only.
    Status alive = taker_.process(Duration::zero());
    for (int i = 0; i < 10 && alive && taker_.has_input(); ++i)
        alive = taker_.process(Duration::zero());
    hand_over(alive);
    if (!alive)
        return poller_.stop();
    if (waiting)
        taker_.flush_acks();
    if (timer_)
        poller_.cancel(*std::exchange(timer_, std::nullopt));
    if (const Duration wait = taker_.wait_max(); wait != no_limit)
        timer_ = poller_.after(wait, [this] {
            timer_.reset();
            turn();
        });
}

ConsumerLoop::~ConsumerLoop() {
    poller_.forget(taker_.fd());
    carry_out();
    taker_.stop();
    hand_over(fail(Errc::stopped));
}

// The caller's side.
class ThreadLink final : public ConsumerLink {
public:
    ThreadLink(std::shared_ptr<ConsumerShared> shared, std::string queue)
        : shared_(std::move(shared)), queue_(std::move(queue)) {}
    ~ThreadLink() override { stop(); }

    Status start(net::Context& context, taker::TakerOptions options);
    Result<Message> take(Duration wait) override;
    Status ack(leased::LeaseToken lease) override {
        return decide({Verdict::Kind::ack, lease, Duration::zero(), {}});
    }
    Status nack(leased::LeaseToken lease, Duration delay, std::string_view reason) override {
        return decide({Verdict::Kind::nack, lease, delay, std::string(reason)});
    }
    Status touch(leased::LeaseToken lease) override {
        return decide({Verdict::Kind::touch, lease, Duration::zero(), {}});
    }
    Status process(Duration wait) override;
    void stop() override;
    bool is_ready() const override;
    std::string state_text() const override;
    std::uint64_t held() const override;
    ConsumerCounters counters() const override;
    int fd() const override { return shared_->event; }
    bool has_input() const override;
    Duration wait_max() const override { return has_input() ? Duration::zero() : no_limit; }

private:
    Status decide(Verdict verdict);
    template <class Done>
    bool wait_until(std::unique_lock<std::mutex>& lock, Duration wait, Done&& done);

    std::shared_ptr<ConsumerShared> shared_;
    const std::string queue_;
    std::optional<net::Runner> runner_;
};

Status ThreadLink::start(net::Context& context, taker::TakerOptions options) {
    auto setup = [shared = shared_, with = std::move(options),
                  &context](net::Runner::Inside& runner) -> Status {
        auto taker = taker::Taker::open(context, with);
        if (!taker)
            return fail(taker.error());
        const auto inside =
            std::make_shared<ConsumerLoop>(shared, std::move(*taker), runner.poller);
        inside->start();
        runner.on_command = [inside](ByteView) { inside->turn(); };
        return {};
    };
    auto runner = net::Runner::start(context, "queue consumer", std::move(setup));
    if (!runner)
        return fail(runner.error());
    runner_.emplace(std::move(*runner));
    return {};
}

template <class Done>
bool ThreadLink::wait_until(std::unique_lock<std::mutex>& lock, Duration wait, Done&& done) {
    if (done() || wait == Duration::zero())
        return done();
    shared_->is_waiting = true;
    if (!shared_->verdicts.empty() && runner_)
        (void)runner_->post(wake_consumer);
    const Instant deadline = deadline_after(net::now(), wait);
    while (!done()) {
        const Duration left = time_left(net::now(), deadline);
        if (left == Duration::zero())
            break;
        shared_->changed.wait_for(lock, std::min<Duration>(left, 1h));
    }
    shared_->is_waiting = false;
    return done();
}

Result<Message> ThreadLink::take(Duration wait) {
    std::unique_lock lock(shared_->mutex);
    wait_until(lock, wait,
               [&] { return !shared_->messages.empty() || shared_->ended || shared_->refusal; });
    if (shared_->ended)
        return fail(*shared_->ended);
    if (shared_->messages.empty()) {
        if (shared_->refusal)
            return fail(*shared_->refusal);
        if (wait == Duration::zero())
            return fail(Errc::would_block);
        return fail(Errc::timeout,
                    taker::waited_text(queue_, *shared_->source, shared_->state, wait));
    }
    Message message = std::move(shared_->messages.front());
    shared_->messages.pop_front();
    if (shared_->messages.empty()) {
        eventfd_t ignored = 0;
        ::eventfd_read(shared_->event, &ignored);
    }
    return message;
}

Status ThreadLink::decide(Verdict verdict) {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->ended)
        return fail(*shared_->ended);
    if (verdict.lease.epoch != shared_->epoch)
        return fail(Errc::lease_lost, "the store has forgotten it; it may be delivered again");
    shared_->verdicts.push_back(std::move(verdict));
    // A byte for the first is enough: the thread takes all that are there.
    if (shared_->verdicts.size() == 1 && runner_)
        (void)runner_->post(wake_consumer);
    return {};
}

Status ThreadLink::process(Duration wait) {
    std::unique_lock lock(shared_->mutex);
    wait_until(lock, wait, [&] { return !shared_->messages.empty() || shared_->ended; });
    return shared_->ended ? Status(fail(*shared_->ended)) : Status{};
}

void ThreadLink::stop() {
    if (!runner_)
        return;
    (void)runner_->stop();
    runner_.reset();
    const std::lock_guard lock(shared_->mutex);
    shared_->ended = Error{Errc::stopped};
    shared_->messages.clear(); // given back
    shared_->is_ready = false;
}

bool ThreadLink::is_ready() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->is_ready;
}
std::string ThreadLink::state_text() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->state;
}
std::uint64_t ThreadLink::held() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->held - std::min<std::uint64_t>(shared_->held, shared_->verdicts.size());
}
ConsumerCounters ThreadLink::counters() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->counters;
}
bool ThreadLink::has_input() const {
    const std::lock_guard lock(shared_->mutex);
    return !shared_->messages.empty();
}

} // namespace

Result<std::unique_ptr<ConsumerLink>> open_thread(net::Context& context,
                                                  const ConsumerOptions& options) {
    auto shared = std::make_shared<ConsumerShared>();
    shared->event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (shared->event < 0)
        return fail(Errc::out_of_files, "no descriptor for a Consumer's event loop");
    auto link = std::make_unique<ThreadLink>(std::move(shared), options.queue);
    if (const Status started = link->start(context, taker_options(options)); !started)
        return fail(started.error());
    return std::unique_ptr<ConsumerLink>(std::move(link));
}

} // namespace flotilla::queue
