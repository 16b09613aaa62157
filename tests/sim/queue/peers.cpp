// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

#include <flotilla/queue/put_pack.hpp>
#include <flotilla/wire/leased_pack.hpp>

#include <algorithm>
#include <deque>
#include <utility>

namespace flotilla::sim {
namespace {

namespace leased = queue::leased;

constexpr std::size_t padding_bytes = 5000; // beyond message_bytes_max

// ---- producers ---------------------------------------------------------------------------------

// Keeps its messages until they are settled; up to four puts are under way.
class Producer final : public Peer {
public:
    Producer(World& world, std::size_t number) : Peer(world), number_(number) {}

    void start() override {
        new_epoch();
        world_.connect(*this);
        world_.after(world_.up_to(30ms), [this] { send_some(); });
        look_after();
    }
    bool is_done() const override { return settled_ == world_.plan().messages; }

    void receive(const leased::Head& head, wire::Frames& message) override {
        const auto event = queue::read_event(head, queue::Asked::put, message);
        if (!event)
            return world_.oracle().broken("a producer cannot read its answer");
        const auto put = outstanding_.find(head.envelope.correlation);
        if (const auto* ok = std::get_if<queue::PutOk>(&*event))
            return settle(put, *ok);
        if (const auto* refused = std::get_if<queue::PutRefused>(&*event)) {
            const bool is_current = put != outstanding_.end() && put->second.id == id_;
            // The store knows less than it had confirmed when this was sent. (Before anything of
            // this id was confirmed, it has only not heard of it yet.)
            const bool is_forgotten = is_current && base_ + refused->sequence < put->second.settled;
            settle(put, *refused);
            if (is_forgotten)
                new_epoch();
            if (is_current && queue::is_passing(refused->code)) {
                outstanding_.clear();
                next_ = settled_ + 1;
                world_.after(world_.up_to(20ms), [this] { send_some(); });
            }
        }
    }

private:
    using Outstanding = std::map<std::string, SentPut>;

    void new_epoch() {
        base_ = settled_;
        next_ = settled_ + 1;
        id_ = "producer " + std::to_string(number_) + "." + std::to_string(++epoch_);
        outstanding_.clear();
    }
    void settle(Outstanding::iterator put, const queue::PutOutcome& outcome) {
        if (put == outstanding_.end())
            return; // of an earlier epoch, or answered before
        if (put->second.id == id_) {
            heard_ = world_.now();
            settled_ = std::max(settled_, put->second.base + outcome.sequence);
            next_ = std::max(next_, settled_ + 1);
        }
        outstanding_.erase(put);
        send_some();
    }
    void send_some() {
        while (outstanding_.size() < 4 && next_ <= world_.plan().messages)
            send_one();
    }
    void send_one() {
        const std::uint64_t left = world_.plan().messages - next_ + 1;
        const std::uint64_t count =
            world_.random().one_in(3) ? std::min<std::uint64_t>(left, 1 + world_.random().below(6))
                                      : 1;
        const SentPut put{number_, next_, count, base_, id_, settled_};
        const std::string correlation = "put " + std::to_string(world_.serial());
        world_.expect_put(correlation, put);
        outstanding_[correlation] = put;
        next_ += count;
        const queue::ProducerSequence from{id_, put.first - base_, false};
        if (count == 1 && world_.random().one_in(2))
            world_.send(*this, {false, correlation}, single(put, from));
        else
            world_.send(*this, {false, correlation}, packed(put, from));
    }
    queue::Put single(const SentPut& sent, const queue::ProducerSequence& from) {
        const Planned& message = world_.oracle().planned(number_, sent.first);
        queue::Put put;
        put.queue = "work";
        put.from = from;
        put.key = message.key;
        put.priority = message.priority;
        put.delay = message.delay;
        put.ttl = message.ttl;
        put.message_id = message.message_id;
        put.wait_acked = world_.percent(world_.plan().waits_percent);
        put.body.add(ByteView{message.body});
        if (message.is_too_large)
            put.body.add(ByteView{std::string(padding_bytes, 'x')});
        return put;
    }
    queue::PutPacked packed(const SentPut& sent, const queue::ProducerSequence& from) {
        queue::PutWriter writer;
        for (std::uint64_t i = 0; i < sent.count; ++i) {
            const Planned& message = world_.oracle().planned(number_, sent.first + i);
            queue::PutRecord head;
            head.key = message.key;
            head.priority = message.priority;
            head.delay = message.delay;
            head.ttl = message.ttl;
            head.message_id = message.message_id;
            head.is_plain = message.priority == 0 && message.delay == 0ms && message.ttl == 0ms &&
                            message.message_id.empty();
            writer.begin(head, message.is_too_large ? 2 : 1);
            writer.add_frame(message.body);
            if (message.is_too_large)
                writer.add_frame(std::string(padding_bytes, 'x'));
        }
        wire::Compressor plain(wire::Compression::none);
        return {"work", from, Blob::copy(writer.finish(plain))};
    }
    // An answer that does not come: everything from the first unconfirmed again, in order.
    void look_after() {
        world_.after(50ms, [this] {
            if (!outstanding_.empty() && world_.now() - heard_ > 120ms) {
                heard_ = world_.now();
                outstanding_.clear();
                next_ = settled_ + 1;
                if (world_.random().one_in(3))
                    world_.connect(*this);
            }
            send_some();
            if (!is_done())
                look_after();
        });
    }

    std::size_t number_;
    std::uint64_t epoch_ = 0;
    std::string id_{};
    std::uint64_t base_ = 0;    // number of the message before sequence 1
    std::uint64_t settled_ = 0; // numbers
    std::uint64_t next_ = 1;
    Outstanding outstanding_{};
    Instant heard_{};
};

// ---- consumers ---------------------------------------------------------------------------------

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
        world_.after(world_.up_to(6ms), [this, life = life_] {
            if (life != life_)
                return;
            is_busy_ = false;
            if (held_.empty())
                return;
            finish_one();
            work();
        });
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
          credit_(static_cast<std::uint32_t>(1 + world.random().below(8))) {}

    std::string_view queue() const override { return queue_; }
    void start() override {
        // Dead letters are looked at when the storm is over.
        const Duration wait =
            queue_ == "dead" ? world_.plan().storm_lasts + 1s : world_.up_to(50ms);
        world_.after(wait, [this] {
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
        hello.credit = credit_;
        world_.send(*this, {false, "hello"}, leased::Command{hello});
    }
    void beat() {
        world_.after(40ms, [this] {
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
            world_.connect(*this);
            world_.after(world_.up_to(50ms), [this] { hello(); });
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
        world_.after(world_.up_to(50ms), [this] { take(); });
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
        world_.after(20ms + world_.up_to(40ms), [this] { take(); });
    }
};

// ---- operators ---------------------------------------------------------------------------------

// Looks at everything, and drives dead letters back when the storm is over.
class Operator final : public Peer {
public:
    using Peer::Peer;

    void start() override {
        world_.connect(*this);
        look();
        if (world_.plan().purges_every > 0ms)
            purge();
        if (world_.plan().redrives)
            world_.after(world_.plan().storm_lasts + world_.up_to(300ms), [this] { redrive(); });
    }
    bool is_done() const override {
        return world_.now() > Instant{} + world_.plan().storm_lasts + 2s;
    }
    void receive(const leased::Head&, wire::Frames&) override {}

private:
    void say(const queue::Command& command) {
        world_.send(*this, {false, "look " + std::to_string(world_.serial())}, command);
    }
    void look() {
        switch (world_.random().below(5)) {
        case 0:
            say(queue::Stat{"work"});
            break;
        case 1:
            say(queue::List{"", "", 10});
            break;
        case 2:
            say(queue::Peek{"work", world_.random().one_in(2), "", 5});
            break;
        case 3:
            say(queue::Alter{"work", {{"lease_ms", "150"}}});
            break;
        default:
            if (!world_.plan().redrives)
                break;
            world_.oracle().redriven();
            say(queue::Kick{"dead", 1 + world_.random().below(5)});
        }
        world_.after(world_.up_to(150ms), [this] { look(); });
    }
    void purge() {
        world_.after(world_.up_to(2 * world_.plan().purges_every), [this] {
            say(queue::Purge{"work"});
            purge();
        });
    }
    void redrive() {
        world_.oracle().redriven();
        say(queue::Redrive{"dead", 0});
    }
};

} // namespace

std::unique_ptr<Peer> make_operator(World& world) {
    return std::make_unique<Operator>(world);
}
std::unique_ptr<Peer> make_producer(World& world, std::size_t number) {
    return std::make_unique<Producer>(world, number);
}
std::unique_ptr<Peer> make_consumer(World& world, std::size_t number, std::string queue) {
    return std::make_unique<Consumer>(world, number, std::move(queue));
}
std::unique_ptr<Peer> make_taker(World& world, std::size_t number) {
    return std::make_unique<Taker>(world);
    (void)number;
}

} // namespace flotilla::sim
