// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

#include <flotilla/queue/put_pack.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::sim {
namespace {

namespace leased = queue::leased;

constexpr std::size_t padding_bytes = 5000; // beyond message_bytes_max

// Keeps its messages until they are settled; up to four puts are under way.
class Producer final : public Peer {
public:
    Producer(World& world, std::size_t number) : Peer(world), number_(number) {}

    void start() override {
        new_epoch();
        world_.connect(*this);
        after(world_.up_to(30ms), [this] { send_some(); });
        look_after();
    }
    bool is_done() const override { return settled_ == world_.plan().messages; }

    void receive(const leased::Head& head, wire::Frames& message) override {
        const auto event = queue::read_event(head, queue::Asked::put, message);
        if (!event)
            return world_.oracle().broken("a producer cannot read its answer");
        const auto put = outstanding_.find(head.envelope.correlation);
        if (const auto* ok = std::get_if<queue::PutOk>(&*event)) {
            if (ok->acked == queue::Acked::unsaid || ok->accepted > 0)
                settle(put, *ok); // else it is told of a second time
            return;
        }
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
                after(world_.up_to(20ms), [this] { send_some(); });
            }
        }
    }

private:
    using Outstanding = std::map<std::string, SentPut>;

    void new_epoch() {
        doubtful_ = std::max(doubtful_, next_ - 1);
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
        SentPut put{number_, next_, count, base_, base_, id_, settled_};
        queue::ProducerSequence from{id_, put.first - base_, put.first <= doubtful_};
        if (world_.plan().gaps_are_accepted) { // each put is the first of a producer of its own
            put.base = next_ - 1;
            from = {id_ + "/" + std::to_string(next_), 1, false};
        }
        const std::string correlation = "put " + std::to_string(world_.serial());
        world_.expect_put(correlation, put);
        outstanding_[correlation] = put;
        next_ += count;
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
        put.tell_acked = !put.wait_acked && world_.percent(world_.plan().waits_percent);
        if ((put.wait_acked || put.tell_acked) && world_.random().one_in(2))
            put.acked_max = 1ms + world_.up_to(200ms);
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
        after(50ms, [this] {
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
    std::uint64_t doubtful_ = 0; // up to here something may be stored under an earlier id
    Outstanding outstanding_{};
    Instant heard_{};
};

} // namespace

std::unique_ptr<Peer> make_producer(World& world, std::size_t number) {
    return std::make_unique<Producer>(world, number);
}

} // namespace flotilla::sim
