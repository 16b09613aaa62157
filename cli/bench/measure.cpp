// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/system.hpp>

#include <cli/bench/measure.hpp>
#include <cli/signals.hpp>
#include <time.h>

#include <algorithm>
#include <string>

namespace flotilla::cli::bench {
namespace {

constexpr Duration look_around = 100ms; // how soon a stop is noticed

// Sleeps for most of the time and watches the clock for the rest: waking takes tens of us.
void wait_until(Instant due) {
    constexpr Duration watched = 60us;
    const Duration left = time_left(net::now(), due);
    if (left > watched) {
        const Duration pause = left - watched;
        const auto seconds = std::chrono::floor<std::chrono::seconds>(pause);
        const timespec wait{static_cast<time_t>(seconds.count()),
                            static_cast<long>((pause - seconds).count())};
        ::clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, nullptr);
    }
    while (net::now() < due) {
    }
}

class Sending {
public:
    Sending(SendEnd& end, const Load& load, const std::atomic<bool>& stop, Tally* tally)
        : end_(end), load_(load), stop_(stop), tally_(tally),
          message_(static_cast<std::size_t>(load.message_bytes), 'x') {}

    SendOutcome run() {
        outcome_.status = end_.wait_peer(load_.timeout);
        if (!outcome_.status) {
            outcome_.status = fail(Errc::no_peer, "nobody is there to take messages");
            return std::move(outcome_);
        }
        const Instant start = net::now();
        const std::uint64_t total = load_.warm_up + load_.count;
        for (std::uint64_t i = 0; i < total && outcome_.status; ++i) {
            if (i % 256 == 0 && (stop_ || signal_caught() != 0))
                break;
            outcome_.status = send_one(i, start);
        }
        if (outcome_.status && tally_)
            outcome_.status = collect();
        if (outcome_.status)
            outcome_.status = end_.finish(load_.timeout);
        return std::move(outcome_);
    }

private:
    Status send_one(std::uint64_t i, Instant start) {
        Instant now = net::now();
        Instant intended = now;
        if (load_.rate > 0) {
            const double offset = static_cast<double>(i) / load_.rate * 1e9;
            intended = start + Duration{static_cast<Duration::rep>(offset)};
            wait_until(intended);
            now = net::now();
            outcome_.behind_max = std::max(outcome_.behind_max, now - intended);
        }
        const bool measured = i >= load_.warm_up;
        write_stamp(message_.data(), {measured ? Phase::measured : Phase::warm_up,
                                      measured ? i - load_.warm_up : i, intended});
        if (Status sent = end_.send(message_, load_.timeout); !sent)
            return sent;
        if (measured) {
            if (outcome_.sent++ == 0)
                first_ = now;
            outcome_.elapsed = now - first_;
        }
        ++outstanding_;
        if (!tally_)
            return {};
        return load_.rate > 0 ? take_replies(Duration::zero()) : collect();
    }

    // Without a rate one request is outstanding at a time.
    Status collect() {
        while (outstanding_ > 0 && signal_caught() == 0)
            if (Status taken = take_replies(load_.timeout); !taken)
                return taken.error().code == Errc::timeout ? Status{} : taken;
        return {};
    }

    Status take_replies(Duration wait) {
        Status taken = end_.receive(
            [this](ByteView reply) {
                outstanding_ -= outstanding_ > 0 ? 1 : 0;
                const auto stamp = read_stamp(reply);
                if (stamp && stamp->phase == Phase::measured)
                    tally_->see(*stamp, reply.size(), net::now());
            },
            wait);
        if (!taken && wait == Duration::zero() && taken.error().code == Errc::would_block)
            return {};
        return taken;
    }

    SendEnd& end_;
    const Load& load_;
    const std::atomic<bool>& stop_;
    Tally* tally_;
    std::string message_;
    SendOutcome outcome_;
    Instant first_{};
    std::uint64_t outstanding_ = 0;
};

} // namespace

SendOutcome send_load(SendEnd& end, const Load& load, const std::atomic<bool>& stop, Tally* tally) {
    return Sending(end, load, stop, tally).run();
}

Status receive_load(ReceiveEnd& end, const Load& load, const std::atomic<bool>& sender_ended,
                    Tally& tally) {
    Instant heard = net::now();
    while (!tally.complete() && signal_caught() == 0) {
        const Status got = end.receive(
            [&](ByteView message) {
                const auto stamp = read_stamp(message);
                if (stamp && stamp->phase == Phase::measured)
                    tally.see(*stamp, message.size(), net::now());
            },
            look_around);
        const Instant now = net::now();
        if (got)
            heard = now;
        else if (got.error().code != Errc::timeout && got.error().code != Errc::would_block)
            return got;
        if (now - heard >= (sender_ended ? std::min(load.settle, load.timeout) : load.timeout))
            return {};
    }
    return {};
}

} // namespace flotilla::cli::bench
