// SPDX-License-Identifier: Apache-2.0
#include "consumer_link.hpp"

#include <flotilla/net/system.hpp>

#include <utility>

namespace flotilla::queue {

taker::TakerOptions taker_options(const ConsumerOptions& options) {
    taker::TakerOptions out;
    out.sources = options.stores;
    out.limits.worker = options.consumer;
    out.limits.queue = options.queue;
    out.limits.credit = options.credit;
    out.limits.compress = options.compress;
    out.limits.ack_wait = options.ack_wait;
    out.limits.answer_max = options.answer_max;
    out.limits.reconnect_min = options.reconnect_min;
    out.limits.reconnect_max = options.reconnect_max;
    out.message_bytes_max = options.message_bytes_max;
    out.security = options.security;
    out.linger = options.linger;
    return out;
}

Message to_message(taker::Taken&& taken) {
    return {std::move(taken.body), taken.id,   taken.attempt, taken.redelivered,
            std::move(taken.key),  taken.lease};
}

ConsumerCounters to_counters(const taker::TakerCounters& of) {
    ConsumerCounters out;
    out.delivered_total = of.delivered_total;
    out.redelivered_total = of.redelivered_total;
    out.acked_total = of.acked_total;
    out.nacked_total = of.nacked_total;
    out.lease_lost_total = of.lease_lost_total + of.stale_total;
    out.connects_total = of.connects_total;
    return out;
}

Error to_error(const leased::ErrorReply& refusal) {
    const Errc code = refusal.code == leased::ErrorCode::no_queue ? Errc::not_found : Errc::refused;
    return {code, std::string(leased::name(refusal.code)) + ": " + refusal.text};
}

namespace {

class DirectLink final : public ConsumerLink {
public:
    DirectLink(taker::Taker taker, std::string queue)
        : taker_(std::move(taker)), queue_(std::move(queue)) {}

    Result<Message> take(Duration wait) override;
    Status ack(leased::LeaseToken lease) override { return taker_.ack(lease); }
    Status nack(leased::LeaseToken lease, Duration delay, std::string_view reason) override {
        return taker_.nack(lease, delay, reason);
    }
    Status touch(leased::LeaseToken lease) override { return taker_.touch(lease); }
    Status process(Duration wait) override { return taker_.process(wait); }
    void stop() override { taker_.stop(); }
    bool is_ready() const override { return taker_.is_ready(); }
    std::string state_text() const override { return taker_.state_text(); }
    std::uint64_t held() const override { return taker_.held(); }
    ConsumerCounters counters() const override { return to_counters(taker_.counters()); }
    int fd() const override { return taker_.fd(); }
    bool has_input() const override { return taker_.has_input(); }
    Duration wait_max() const override { return taker_.wait_max(); }

private:
    taker::Taker taker_;
    std::string queue_;
};

Result<Message> DirectLink::take(Duration wait) {
    if (taker_.is_stopped())
        return fail(Errc::stopped);
    if (auto taken = taker_.next())
        return to_message(std::move(*taken));
    const Instant deadline = deadline_after(net::now(), wait);
    // First without waiting: most of the time the next ones are there.
    for (Duration left = Duration::zero();; left = time_left(net::now(), deadline)) {
        if (const Status turned = taker_.process(left); !turned)
            return fail(turned.error());
        if (auto taken = taker_.next())
            return to_message(std::move(*taken));
        if (taker_.refusal())
            return fail(to_error(*taker_.refusal()));
        if (time_left(net::now(), deadline) == Duration::zero()) {
            taker_.flush_acks();
            if (wait == Duration::zero())
                return fail(Errc::would_block);
            return fail(Errc::timeout,
                        taker::waited_text(queue_, taker_.source(), taker_.state_text(), wait));
        }
    }
}

} // namespace

Result<std::unique_ptr<ConsumerLink>> open_direct(net::Context& context,
                                                  const ConsumerOptions& options) {
    auto taker = taker::Taker::open(context, taker_options(options));
    if (!taker)
        return fail(taker.error());
    return std::unique_ptr<ConsumerLink>(new DirectLink(std::move(*taker), options.queue));
}

} // namespace flotilla::queue
