// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/units.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/queue/producer.hpp>
#include <flotilla/queue/properties.hpp>
#include <flotilla/wire/pack.hpp>

#include <cli/admin/quantities.hpp>
#include <cli/bench/histogram.hpp>
#include <cli/bench/queue_load.hpp>
#include <cli/output.hpp>
#include <cli/queue/store_link.hpp>
#include <cli/queue/take_session.hpp>
#include <cli/signals.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

namespace flotilla::cli::bench {

namespace {

constexpr std::uint32_t take_window = 10'000;

double rate_of(std::uint64_t count, Duration took) {
    const double seconds = std::chrono::duration<double>(took).count();
    return seconds > 0 ? double(count) / seconds : 0;
}

// One producer: its share, and how long each put took to be confirmed.
struct Putting {
    Status ended{};
    Histogram latency{};
    std::uint64_t refused = 0;
};

void put_share(const QueueLoad& load, const std::string& queue, std::uint64_t first,
               std::uint64_t count, Putting& putting) {
    auto plan = make_store_plan(load.store);
    auto context = net::Context::open();
    if (!plan || !context) {
        putting.ended = fail(plan ? context.error() : plan.error());
        return;
    }
    queue::ProducerOptions options;
    options.stores = std::move(plan->stores);
    options.security = std::move(plan->security);
    options.window_messages = load.window;
    options.outbox_messages_max = load.window;
    options.window_bytes = std::max<std::uint64_t>(4 << 20, 2 * load.window * load.message_bytes);
    options.outbox_bytes_max = options.window_bytes;
    auto producer = queue::Producer::open(*context, std::move(options));
    if (!producer) {
        putting.ended = fail(producer.error());
        return;
    }
    std::vector<Instant> put_at(load.window + 1);
    producer->on_confirm = [&](const queue::Confirm& confirm) {
        putting.refused += confirm.outcome == queue::Confirm::Outcome::refused ? 1 : 0;
        putting.latency.add(net::now() - put_at[confirm.ticket % put_at.size()]);
    };
    std::string body(load.message_bytes, 'x');
    for (std::uint64_t i = 0; i < count && signal_caught() == 0; ++i) {
        wire::store_u64(body.data(), first + i);
        put_at[(i + 1) % put_at.size()] = net::now(); // of the ticket that it gets
        if (auto ticket = producer->put(queue, ByteView{body}, {}, load.store.timeout); !ticket) {
            putting.ended = fail(ticket.error());
            return;
        }
    }
    const auto left = producer->flush(load.store.timeout);
    if (!left)
        putting.ended = fail(left.error());
    else if (*left > 0)
        putting.ended = fail(Errc::timeout, std::to_string(*left) + " puts were not confirmed");
}

class QueueBench {
public:
    explicit QueueBench(const QueueLoad& load)
        : load_(load), queue_("zmq.bench." + std::to_string(::getpid())), seen_(load.count) {}

    Result<ExitCode> run() {
        auto link = StoreLink::open(load_.store, {});
        if (!link)
            return fail(link.error());
        queue::Create create;
        create.queue = queue_;
        create.properties.messages_max = load_.count + 1;
        create.properties.bytes_max = 1ULL << 40;
        if (Status set = set_property(create.properties, "durability", load_.durability); !set)
            return fail(set.error());
        if (auto made = link->ask(create, queue::Asked::other); !made)
            return fail(made.error());
        const Status ended = measure(*link);
        (void)link->ask(queue::Delete{queue_, false}, queue::Asked::other);
        if (!ended)
            return fail(ended.error());
        return report(link->endpoint());
    }

private:
    Status measure(StoreLink& link) {
        if (Status put = put_all(); !put)
            return put;
        return take_all(link);
    }

    Status put_all() {
        std::vector<Putting> all(load_.producers);
        std::vector<std::thread> threads;
        const std::uint64_t share = load_.count / load_.producers;
        const Instant began = net::now();
        for (std::uint32_t i = 0; i < load_.producers; ++i) {
            const std::uint64_t count = i + 1 == load_.producers ? load_.count - share * i : share;
            threads.emplace_back([this, &all, i, share, count] {
                put_share(load_, queue_, share * i, count, all[i]);
            });
        }
        for (std::thread& each : threads)
            each.join();
        put_took_ = net::now() - began;
        for (const Putting& each : all) {
            if (!each.ended)
                return each.ended;
            if (each.refused > 0)
                return fail(Errc::refused, std::to_string(each.refused) + " puts were refused");
        }
        p50_ = all[0].latency.quantile(0.5);
        p99_ = all[0].latency.quantile(0.99);
        return {};
    }

    Status take_all(StoreLink& link) {
        const Instant began = net::now();
        auto session = TakeSession::open(link, queue_, {load_.count, take_window});
        if (!session)
            return fail(session.error());
        while (taken_ < load_.count) {
            auto message = session->next(load_.store.timeout);
            if (!message)
                return fail(message.error());
            if (!*message)
                break; // what is missing is told
            const ByteView body = (*message)->body[0].view();
            const std::uint64_t number =
                body.size() >= 8 ? wire::load_u64(body.data()) : load_.count;
            if (number < load_.count && !seen_[number]) {
                seen_[number] = true;
                ++taken_;
            } else {
                ++repeats_;
            }
            if (Status acked = session->ack((*message)->lease); !acked)
                return acked;
        }
        const Status closed = session->close();
        take_took_ = net::now() - began;
        return closed;
    }

    static std::string in_short(Duration duration) {
        return compact(std::chrono::duration<double>(duration).count(), ColumnView::Unit::seconds);
    }

    Result<ExitCode> report(const std::string& at) const {
        const double put_rate = rate_of(load_.count, put_took_);
        const double take_rate = rate_of(taken_, take_took_);
        Output out;
        std::string text;
        if (load_.json) {
            text = nlohmann::ordered_json{{"pattern", "queue"},
                                          {"over", at},
                                          {"messages", load_.count},
                                          {"message_bytes", load_.message_bytes},
                                          {"producers", load_.producers},
                                          {"window", load_.window},
                                          {"durability", load_.durability},
                                          {"put_rate", put_rate},
                                          {"confirm_p50_ns", p50_.count()},
                                          {"confirm_p99_ns", p99_.count()},
                                          {"take_rate", take_rate},
                                          {"lost", load_.count - taken_},
                                          {"repeats", repeats_}}
                       .dump() +
                   "\n";
        } else {
            text = "queue at " + at + ": " + std::to_string(load_.count) + " messages of " +
                   format_bytes(load_.message_bytes) + ", " + std::to_string(load_.producers) +
                   " producers with " + std::to_string(load_.window) + " unconfirmed, " +
                   load_.durability + "\nput      " + std::to_string(std::uint64_t(put_rate)) +
                   " a second; confirmed after " + in_short(p50_) + " (p50), " + in_short(p99_) +
                   " (p99)\ntake     " + std::to_string(std::uint64_t(take_rate)) +
                   " a second, acknowledged\nlost     " + std::to_string(load_.count - taken_) +
                   ", repeats " + std::to_string(repeats_) + "\n";
        }
        return out.finish(out.write(text),
                          taken_ == load_.count ? ExitCode::ok : ExitCode::runtime_error);
    }

    const QueueLoad& load_;
    std::string queue_;
    std::vector<bool> seen_;
    std::uint64_t taken_ = 0;
    std::uint64_t repeats_ = 0;
    Duration put_took_{0};
    Duration take_took_{0};
    Duration p50_{0};
    Duration p99_{0};
};

} // namespace

Result<ExitCode> run_queue_load(const QueueLoad& load) {
    return QueueBench(load).run();
}

} // namespace flotilla::cli::bench
