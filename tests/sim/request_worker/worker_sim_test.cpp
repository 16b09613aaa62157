// SPDX-License-Identifier: Apache-2.0
//
// The real worker's machine and the real broker's machine on a simulated network, decided by one
// seed: connections that keep order, delay, lose what is said, and break, with or without a hint to
// either side; brokers that crash; workers that crash, fail, and stop in good order. A client asks
// with the same id until it has its answer.
#include <flotilla/base/random.hpp>
#include <flotilla/request/broker_machine.hpp>
#include <flotilla/request/codec.hpp>
#include <flotilla/request/worker_machine.hpp>

#include <support/catch.hpp>
#include <support/seed.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace flotilla;
using namespace flotilla::request;

namespace {

struct Weather {
    std::uint32_t lose_percent = 0;
    Duration break_every{0}; // some worker's connection; 0: never
    Duration broker_crash_every{0};
    Duration worker_crash_every{0};
    Duration worker_stop_every{0}; // in good order; another comes
    std::uint32_t hint_percent = 100;
    std::uint32_t fail_percent = 0; // handlers that say retry
    bool rfc = true;                // workers of these dialects too
};

class World {
public:
    World(Weather storm, bool requeue, std::uint64_t seed) : storm_(storm), random_(seed) {
        limits_.heartbeat = 100ms;
        limits_.service.requeue = requeue;
        limits_.service.attempts_max = 1'000;
        limits_.service.busy_max = 1s;
        limits_.service.prefetch = 1 + static_cast<std::uint32_t>(random_.below(4));
        broker_ = std::make_unique<BrokerMachine>(limits_, random_.next());
        for (std::size_t i = 0; i < 4; ++i)
            hire(i);
        every(storm.break_every, [this] { break_line(random_.below(4)); });
        every(storm.worker_crash_every, [this] { hire(random_.below(4)); });
        every(storm.worker_stop_every, [this] {
            Worker& worker = *workers_[random_.below(4)];
            step(worker, [&](WorkerOutputs& out) { worker.machine.drain(now_, out); });
        });
        every(storm.broker_crash_every, [this] {
            broker_ = std::make_unique<BrokerMachine>(limits_, random_.next());
            for (std::size_t i = 0; i < 4; ++i)
                break_line(i);
        });
        for (int i = 0; i < asks; ++i)
            at(now_ + up_to(2s), [this, i] { ask(i); });
        beat();
    }

    void run() {
        const Instant end = now_ + 600s;
        while (now_ < end && answers_.size() < asks && !events_.empty()) {
            auto event = events_.extract(events_.begin());
            now_ = std::max(now_, event.key().first);
            event.mapped()();
            broker_->check();
        }
    }

    static constexpr int asks = 60;
    std::size_t answered() const { return answers_.size(); }
    std::uint64_t refused() const { return refused_; }
    std::uint64_t stops() const { return stops_; }

private:
    struct Worker {
        std::size_t index;
        std::uint64_t life;
        WorkerMachine machine;
        std::string peer{}; // of its connection; empty: none
        Instant clear[2]{}; // when the last message of each way arrives
        Instant timer = never;
    };

    Duration up_to(Duration most) {
        return Duration{
            static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(most.count()) + 1))};
    }
    bool percent(std::uint32_t share) { return is_storm() && random_.below(100) < share; }
    bool is_storm() const { return now_ < storm_ends_; }
    void at(Instant when, std::function<void()> action) {
        events_.emplace(std::pair{when, ++serial_}, std::move(action));
    }
    void every(Duration interval, std::function<void()> harm) {
        if (interval == Duration::zero())
            return;
        const Instant when = now_ + up_to(interval * 2);
        if (when < storm_ends_)
            at(when, [this, interval, harm = std::move(harm)] {
                harm();
                every(interval, harm);
            });
    }
    // Whoever was there is gone without a word.
    void hire(std::size_t index) {
        workers_.resize(4);
        if (workers_[index])
            hint_broker(*workers_[index]);
        WorkerLimits limits;
        limits.service = std::string{"s"};
        limits.heartbeat = 100ms;
        limits.capacity = 1 + static_cast<std::uint32_t>(random_.below(4));
        limits.reconnect_max = 500ms;
        if (!storm_.rfc)
            limits.dialect = Dialect::flotilla;
        else if (random_.below(4) > 0)
            limits.dialect = static_cast<Dialect>(random_.below(3));
        workers_[index] = std::make_unique<Worker>(
            Worker{index, ++lives_, WorkerMachine(std::move(limits), random_.next())});
        step(*workers_[index],
             [&](WorkerOutputs& out) { workers_[index]->machine.tick(now_, out); });
    }
    // Later, if that worker and that connection are still there.
    void later(const Worker& worker, Instant when, std::function<void(Worker&)> action) {
        at(when, [this, index = worker.index, life = worker.life, peer = worker.peer,
                  action = std::move(action)] {
            if (workers_[index]->life == life && workers_[index]->peer == peer)
                action(*workers_[index]);
        });
    }
    Instant arrival(Worker& worker, int way) {
        worker.clear[way] = std::max(worker.clear[way], now_ + up_to(5ms));
        return worker.clear[way];
    }

    void step(Worker& worker, const std::function<void(WorkerOutputs&)>& input) {
        WorkerOutputs out;
        input(out);
        for (Message& message : out.sends)
            to_broker(worker, std::move(message));
        for (WorkerOutputs::Given& given : out.given)
            work_on(worker, std::move(given));
        if (out.change == WorkerOutputs::Change::close) {
            hint_broker(worker);
            worker.peer.clear();
        } else if (out.change == WorkerOutputs::Change::open) {
            worker.peer = "w" + std::to_string(++peers_);
            later(worker, arrival(worker, 0), [this](Worker& at) {
                step(at, [&](WorkerOutputs& o) { at.machine.connection_made(now_, o); });
            });
        }
        if (worker.machine.state() == WorkerMachine::State::stopped) {
            ++stops_;
            return at(now_, [this, index = worker.index, life = worker.life] {
                if (workers_[index]->life == life)
                    hire(index);
            });
        }
        if (const Instant due = worker.machine.next_deadline(); due < worker.timer) {
            worker.timer = due;
            at(due, [this, index = worker.index, life = worker.life] {
                Worker& same = *workers_[index];
                if (same.life != life)
                    return;
                same.timer = never;
                step(same, [&](WorkerOutputs& o) { same.machine.tick(now_, o); });
            });
        }
    }
    void work_on(Worker& worker, WorkerOutputs::Given&& given) {
        auto body = std::make_shared<wire::Frames>(std::move(given.request.body));
        at(now_ + up_to(20ms),
           [this, index = worker.index, life = worker.life, number = given.number, body] {
               Worker& same = *workers_[index];
               if (same.life != life)
                   return;
               step(same, [&](WorkerOutputs& out) {
                   if (percent(storm_.fail_percent))
                       same.machine.fail(number, ErrorCode::retry, "", now_, out);
                   else
                       same.machine.answer(number, std::move(*body), now_, out);
               });
           });
    }
    // Once the connection is closed what was said last still travels.
    void to_broker(Worker& worker, Message&& message) {
        if (percent(storm_.lose_percent))
            return;
        auto frames = std::make_shared<wire::Frames>();
        write(std::move(message), *frames);
        at(arrival(worker, 0), [this, peer = worker.peer, frames, broker = broker_.get()] {
            if (broker != broker_.get())
                return;
            auto read = read_at_broker(*frames);
            REQUIRE(read);
            broker_step([&](BrokerOutputs& out) {
                broker_->receive({peer, {}, -1}, std::move(*read), now_, out);
            });
        });
    }
    void break_line(std::size_t index) {
        Worker& worker = *workers_[index];
        if (worker.peer.empty())
            return;
        hint_broker(worker);
        worker.peer = "broken" + std::to_string(++peers_);
        if (!is_storm() || !percent(100 - storm_.hint_percent))
            step(worker, [&](WorkerOutputs& out) { worker.machine.connection_lost(now_, out); });
    }
    // Mandatory routing: sends to it fail from now on.
    void hint_broker(const Worker& worker) {
        if (worker.peer.empty())
            return;
        at(now_ + 6ms, [this, peer = worker.peer] {
            broker_step([&](BrokerOutputs& out) {
                broker_->unreachable(peer, Side::worker, BrokerMachine::Unreachable::gone, now_,
                                     out);
            });
        });
    }

    void broker_step(const std::function<void(BrokerOutputs&)>& input) {
        BrokerOutputs out;
        input(out);
        for (BrokerOutputs::Send& send : out.sends) {
            if (send.peer == "client") {
                client_hear(std::move(send.message));
                continue;
            }
            const auto found =
                std::find_if(workers_.begin(), workers_.end(),
                             [&](const auto& each) { return each && each->peer == send.peer; });
            if (found == workers_.end() || percent(storm_.lose_percent))
                continue;
            auto frames = std::make_shared<wire::Frames>();
            write(std::move(send.message), *frames);
            later(**found, arrival(**found, 1), [this, frames](Worker& to) {
                auto read = read_at_worker(*frames);
                if (!read && to.machine.listens_as_client())
                    read = read_at_client(*frames);
                if (read)
                    step(to,
                         [&](WorkerOutputs& o) { to.machine.receive(std::move(*read), now_, o); });
            });
        }
    }
    void beat() {
        broker_step([&](BrokerOutputs& out) { broker_->tick(now_, out); });
        at(now_ + 10ms, [this] { beat(); });
    }

    // The client's own connection is good; it asks until it is answered.
    void ask(int number) {
        const std::string id = std::to_string(number);
        if (answers_.count(id) > 0)
            return;
        Message message;
        message.verb = Verb::request;
        message.service = Blob::copy("s");
        message.id = id;
        message.expires = 10s;
        message.body.add(ByteView{id});
        broker_step([&](BrokerOutputs& out) {
            broker_->receive({"client", {}, -1}, std::move(message), now_, out);
        });
        at(now_ + 500ms, [this, number] { ask(number); });
    }
    void client_hear(Message&& message) {
        if (message.verb == Verb::error)
            ++refused_;
        if (message.verb != Verb::final)
            return;
        CHECK(message.body[0] == ByteView{message.id});
        ++answers_[message.id];
    }

    Weather storm_;
    Random random_;
    BrokerLimits limits_;
    Instant now_{1h};
    Instant storm_ends_{Instant{1h} + 3s};
    std::unique_ptr<BrokerMachine> broker_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::multimap<std::pair<Instant, std::uint64_t>, std::function<void()>> events_;
    std::uint64_t serial_ = 0;
    std::uint64_t lives_ = 0;
    std::uint64_t peers_ = 0;
    std::map<std::string, int> answers_;
    std::uint64_t refused_ = 0;
    std::uint64_t stops_ = 0;
};

} // namespace

TEST_CASE(
    "worker machine and broker: whatever the network and the two do, every request is answered",
    "[sim][request]") {
    const test::Seeds seeds(120);
    for (const std::uint64_t seed : seeds) {
        INFO("seed " << seed);
        Random choice(seed);
        Weather storm;
        storm.lose_percent = static_cast<std::uint32_t>(choice.below(3)) * 5;
        storm.break_every = choice.one_in(2) ? 200ms : 0ms;
        storm.broker_crash_every = choice.one_in(3) ? 1s : 0s;
        storm.worker_crash_every = choice.one_in(2) ? 300ms : 0ms;
        storm.worker_stop_every = choice.one_in(2) ? 300ms : 0ms;
        storm.hint_percent = static_cast<std::uint32_t>(choice.below(101));
        storm.fail_percent = static_cast<std::uint32_t>(choice.below(3)) * 10;
        World world(storm, true, seed);
        world.run();
        REQUIRE(world.answered() == World::asks);
    }
}

TEST_CASE("worker machine and broker: workers that stop in good order lose no request",
          "[sim][request]") {
    std::uint64_t stops = 0;
    const test::Seeds seeds(120);
    for (const std::uint64_t seed : seeds) {
        INFO("seed " << seed);
        Weather storm;
        storm.worker_stop_every = 50ms;
        storm.rfc = false;
        World world(storm, false, seed); // what is lost is not given again, but refused
        world.run();
        REQUIRE(world.answered() == World::asks);
        REQUIRE(world.refused() == 0);
        stops += world.stops();
    }
    CHECK((stops > seeds.count() * 20 || !seeds.are_many()));
}
