// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

#include <flotilla/wire/leased_pack.hpp>

#include <deque>
#include <utility>

namespace flotilla::sim {
namespace {

namespace leased = queue::leased;

struct Held {
    leased::LeaseToken lease{};
    std::string body{};
};

// What both kinds do with a message: acknowledge it, refuse it, or leave it until its lease is
// over.
class Worker : public Peer {
public:
    using Peer::Peer;

protected:
    void hold(leased::LeaseToken lease, std::string body) {
        held_.push_back({lease, std::move(body)});
        work();
    }
    void work() {
        if (is_busy_ || held_.empty())
            return;
        is_busy_ = true;
        after(world_.up_to(6ms), [this, life = life_] {
            if (life != life_)
                return;
            is_busy_ = false;
            if (held_.empty())
                return;
            finish_one();
            work();
        });
    }
    leased::Held still_held() const {
        std::vector<std::uint64_t> numbers;
        for (const Held& each : held_)
            numbers.push_back(each.lease.number);
        return leased::held_of(held_.empty() ? 0 : held_.back().lease.epoch, std::move(numbers));
    }
    void forget_all() {
        held_.clear();
        is_busy_ = false;
        ++life_;
    }
    std::uint64_t life_ = 0;

private:
    bool is_poison(const std::string& body) const {
        const std::size_t dash = body.find('-');
        return world_.is_storm() &&
               world_.oracle()
                   .planned(std::stoul(body.substr(1, dash - 1)), std::stoul(body.substr(dash + 1)))
                   .is_poison;
    }
    void finish_one() {
        const Held one = std::move(held_.front());
        held_.pop_front();
        leased::Leases leases;
        leases.epoch = one.lease.epoch;
        leases.add(one.lease.number);
        if (world_.percent(world_.weather().forget_percent))
            return;
        if (world_.random().one_in(20))
            say(leased::Touch{leases});
        if (is_poison(one.body) || world_.percent(world_.weather().nack_percent))
            return say(leased::Nack{
                leases,
                world_.random().one_in(2) ? 0ms : world_.up_to(40ms) / 1'000'000 * 1'000'000,
                "no"});
        std::vector<std::string> bodies{one.body};
        while (!held_.empty() && held_.front().lease.epoch == leases.epoch &&
               world_.random().one_in(3) && !is_poison(held_.front().body)) {
            leases.add(held_.front().lease.number);
            bodies.push_back(held_.front().body);
            held_.pop_front();
        }
        const std::string correlation = "ack " + std::to_string(world_.serial());
        world_.expect_ack(correlation, std::move(bodies));
        world_.send(*this, {false, correlation}, leased::Command{leased::Ack{leases}});
    }
    template <class Verb>
    void say(Verb verb) {
        world_.send(*this, {false, "x" + std::to_string(world_.serial())},
                    leased::Command{std::move(verb)});
    }

    std::deque<Held> held_{};
    bool is_busy_ = false;
};

// Takes with credit, in a session that it opens again whenever it is not sure of it.
class Consumer final : public Worker {
public:
    Consumer(World& world, std::size_t number, std::string queue)
        : Worker(world), number_(number), queue_(std::move(queue)),
          credit_(world.plan().credit > 0
                      ? world.plan().credit
                      : static_cast<std::uint32_t>(1 + world.random().below(8))) {}

    std::string_view queue() const override { return queue_; }
    bool has_credit() const override { return true; }
    void start() override {
        // Dead letters are looked at when the storm is over.
        const Duration wait =
            queue_ == "dead" ? world_.plan().storm_lasts + 1s : world_.up_to(50ms);
        after(wait, [this] {
            world_.connect(*this);
            hello();
            beat();
        });
        const Duration every = world_.plan().storm.consumer_dies_every;
        if (queue_ == "work" && every > 0ms)
            world_.after(world_.up_to(2 * every), [this] { die(); });
    }

    void receive(const leased::Head& head, wire::Frames& message) override {
        auto event = leased::read_event(head, message);
        if (!event)
            return world_.oracle().broken("a consumer cannot read what it is sent");
        heard_ = world_.now();
        if (const auto* ok = std::get_if<leased::Ok>(&*event); ok && ok->terms) {
            session_ = ok->terms->session;
        } else if (auto* one = std::get_if<leased::Deliver>(&*event)) {
            hold(one->lease, std::string(one->body[0].view()));
        } else if (auto* packed = std::get_if<leased::DeliverPacked>(&*event)) {
            wire::Expander expander;
            auto reader = leased::PackedReader::open(std::move(packed->packed), expander);
            if (!reader)
                return world_.oracle().broken("a consumer cannot read a packed delivery");
            while (auto record = reader->next())
                hold({reader->epoch(), record->lease},
                     std::string(leased::next_frame(record->body)));
        } else if (const auto* error = std::get_if<leased::ErrorReply>(&*event)) {
            if (error->code == leased::ErrorCode::no_session) {
                session_ = 0;
                hello();
            }
        } else if (std::holds_alternative<leased::Bye>(*event)) {
            session_ = 0;
        }
    }

private:
    void hello() {
        leased::Hello hello;
        hello.worker = "consumer " + std::to_string(number_);
        hello.queue = queue_;
        hello.packed = world_.random().one_in(2);
        hello.resume = session_;
        if (session_ != 0 && world_.random().one_in(2))
            hello.held = still_held();
        hello.credit = credit_;
        world_.send(*this, {false, "hello"}, leased::Command{hello});
    }
    void beat() {
        after(40ms, [this] {
            if (name.empty())
                return;
            if (session_ == 0 || world_.now() - heard_ > 200ms) {
                heard_ = world_.now();
                if (world_.random().one_in(3))
                    world_.connect(*this);
                hello();
            } else {
                world_.send(*this, {}, leased::Command{leased::Ping{credit_}});
            }
            beat();
        });
    }
    // In the middle of everything; it comes back as somebody else.
    void die() {
        if (!world_.is_storm())
            return;
        if (!name.empty()) {
            if (world_.random().one_in(3))
                world_.send(*this, {}, leased::Command{leased::Bye{}});
            forget_all();
            session_ = 0;
            hangs_until = world_.now();
            world_.connect(*this);
            after(world_.up_to(50ms), [this] { hello(); });
        }
        world_.after(world_.up_to(2 * world_.plan().storm.consumer_dies_every), [this] { die(); });
    }

    std::size_t number_;
    std::string queue_;
    std::uint32_t credit_;
    std::uint64_t session_ = 0;
    Instant heard_{};
};

// Asks for one message at a time, as a REQ socket does.
class Taker final : public Worker {
public:
    using Worker::Worker;

    void start() override {
        world_.connect(*this);
        after(world_.up_to(50ms), [this] { take(); });
    }
    void receive(const leased::Head& head, wire::Frames& message) override {
        auto event = leased::read_event(head, message);
        if (!event)
            return world_.oracle().broken("a taker cannot read what it is sent");
        if (auto* one = std::get_if<leased::Deliver>(&*event))
            hold(one->lease, std::string(one->body[0].view()));
    }

private:
    void take() {
        world_.send(*this, {world_.random().one_in(2), "take " + std::to_string(world_.serial())},
                    queue::Take{"work", world_.random().one_in(2) ? 0ms : 30ms});
        after(20ms + world_.up_to(40ms), [this] { take(); });
    }
};

} // namespace

std::unique_ptr<Peer> make_consumer(World& world, std::size_t number, std::string queue) {
    return std::make_unique<Consumer>(world, number, std::move(queue));
}
std::unique_ptr<Peer> make_taker(World& world) {
    return std::make_unique<Taker>(world);
}

} // namespace flotilla::sim
