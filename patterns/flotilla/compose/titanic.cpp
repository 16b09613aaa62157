// SPDX-License-Identifier: Apache-2.0
#include "titanic_queues.hpp"

#include <flotilla/compose/titanic.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/queue/producer_thread.hpp>
#include <flotilla/request/async_client.hpp>
#include <flotilla/request/worker.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace flotilla::compose {

namespace {

const std::string requests_queue = "titanic.requests";
const std::string replies_queue = "titanic.replies";
constexpr Duration look = 20ms;        // how soon acknowledgements leave and stop_soon() is noticed
constexpr Duration stop_max = 1s;      // longest that an end waits for the store's word
constexpr Duration look_pause = 200ms; // between looks at whether a queue was read

queue::QueueProperties queue_properties() {
    queue::QueueProperties properties;
    properties.attempts_max = 1'000'000; // a message is given out again only when we were gone
    properties.duplicate_window = std::chrono::hours{24};
    properties.duplicate_messages_max = 1'000'000;
    return properties;
}

request::Answer status(std::string_view code) {
    return {wire::Frames{ByteView{code}}};
}

} // namespace

struct Titanic::Rest {
    Rest(net::Context& in, TitanicOptions given, queue::ProducerThread with)
        : context(in), options(std::move(given)), desk(options.retry, net::system_seed()),
          producer(std::move(with)) {}

    request::Outcome on_request(request::Job& job);
    request::Outcome on_reply(request::Job& job);
    request::Outcome on_close(request::Job& job);
    enum class Put : std::uint8_t {
        stored,
        refused, // it is not in the queue, and never will be
        unknown, // nobody knows, yet
    };
    Put put(const std::string& queue, wire::Frames body, const std::string& id,
            std::function<void()> on_refused = {});
    void fail_with(Error error);
    enum class Kind : std::uint8_t { requests, replies };
    void keep(queue::Consumer& consumer, Kind kind);
    bool holds_all(const queue::Consumer& consumer, const std::string& queue) const;
    void call(request::AsyncClient& client);
    Result<request::Reply> reply_to(request::AsyncClient& client, TitanicDesk::Call& call) const;
    void call_once(request::AsyncClient& client, TitanicDesk::Call& call);

    net::Context& context;
    TitanicOptions options;
    std::vector<request::Worker> workers;
    std::vector<queue::Consumer> consumers;    // of requests, of replies
    std::vector<request::AsyncClient> clients; // each calls one service at a time
    std::atomic<bool> stopping{false};

    mutable std::mutex mutex; // of all below
    std::condition_variable changed;
    TitanicDesk desk;
    bool is_read[2] = {false, false}; // all that was there at the start is at the desk
    TitanicCounters counters;
    Status outcome{};

    queue::ProducerThread producer; // destroyed first: until then it may tell of refusals
};

// ---- what clients ask --------------------------------------------------------------------------

// `on_refused` is called before this returns, or later on the producer's thread; not under the
// mutex.
Titanic::Rest::Put Titanic::Rest::put(const std::string& queue, wire::Frames body,
                                      const std::string& id, std::function<void()> on_refused) {
    queue::PutOptions with;
    with.message_id = id;
    auto promise = std::make_shared<std::promise<Put>>();
    std::future<Put> later = promise->get_future();
    producer.put(queue, std::move(body), with,
                 [promise, refused = std::move(on_refused)](const queue::Confirm& confirm) {
                     if (confirm.outcome != queue::Confirm::Outcome::refused)
                         return promise->set_value(Put::stored);
                     // A producer that ends may have sent it.
                     if (confirm.error.code == Errc::stopped)
                         return promise->set_value(Put::unknown);
                     if (refused)
                         refused();
                     promise->set_value(Put::refused);
                 });
    // Whoever asked for an end does not wait for a store that is away.
    const Instant until = deadline_after(net::now(), options.confirm_max);
    Instant end = until;
    while (later.wait_for(look) != std::future_status::ready) {
        if (stopping && end == until)
            end = std::min(until, deadline_after(net::now(), stop_max));
        if (net::now() >= end)
            return Put::unknown;
    }
    return later.get();
}

request::Outcome Titanic::Rest::on_request(request::Job& job) {
    std::string id;
    {
        const std::lock_guard lock(mutex);
        const bool malformed =
            job.body.size() < 1 || job.body[0].empty() || job.body[0].size() > 255;
        if (malformed || desk.pending() >= options.unfinished_max) {
            ++counters.refused_total;
            return malformed ? status("400 name a service") : status("500 too many are pending");
        }
        id = desk.new_id();
        desk.asked(id);
    }
    wire::Frames body;
    body.add(ByteView{id});
    for (std::size_t i = 0; i < job.body.size(); ++i)
        body.add(std::move(job.body[i]));
    const Put how = put(requests_queue, std::move(body), id, [this, id] {
        const std::lock_guard lock(mutex);
        desk.not_asked(id);
    });
    const std::lock_guard lock(mutex);
    if (how != Put::stored) {
        desk.given_up(id); // of one refused, now or since, there is nothing left
        ++counters.refused_total;
        return status("500 the store does not take it; try again");
    }
    ++counters.requests_total;
    return request::Answer{wire::Frames{"200", ByteView{id}}};
}

request::Outcome Titanic::Rest::on_reply(request::Job& job) {
    const std::lock_guard lock(mutex);
    if (job.body.size() != 1 || !is_titanic_id(job.body[0].view())) {
        ++counters.refused_total;
        return status("400 not an id");
    }
    switch (desk.state(job.body[0].view())) {
    case TitanicDesk::State::pending:
        return status("300");
    case TitanicDesk::State::unknown:
        return is_read[0] && is_read[1] ? status("400") : status("300 still reading the store");
    case TitanicDesk::State::done:
        break;
    }
    request::Answer answer = status("200");
    wire::Frames reply = desk.reply(job.body[0].view());
    for (std::size_t i = 0; i < reply.size(); ++i)
        answer.body.add(std::move(reply[i]));
    return answer;
}

request::Outcome Titanic::Rest::on_close(request::Job& job) {
    const std::lock_guard lock(mutex);
    if (job.body.size() != 1 || !is_titanic_id(job.body[0].view())) {
        ++counters.refused_total;
        return status("400 not an id");
    }
    desk.close(job.body[0].view());
    ++counters.closed_total;
    return status("200");
}

// ---- its threads -------------------------------------------------------------------------------

void Titanic::Rest::fail_with(Error error) {
    {
        const std::lock_guard lock(mutex);
        if (outcome && !stopping)
            outcome = fail(std::move(error));
    }
    stopping = true;
    changed.notify_all();
    for (request::Worker& worker : workers)
        worker.stop_soon();
}

// Whether nothing of the queue is unread, nor leased to one who was here before and is gone.
bool Titanic::Rest::holds_all(const queue::Consumer& consumer, const std::string& queue) const {
    const std::uint64_t held = consumer.held();
    const auto all = messages_in(context, options.stores, *options.store_security, queue, 1s);
    return all && *all <= held;
}

// Holds what lies in a queue until the desk says that it may go.
void Titanic::Rest::keep(queue::Consumer& consumer, Kind kind) {
    const std::string& queue = kind == Kind::requests ? requests_queue : replies_queue;
    bool& is_all_read = is_read[kind == Kind::requests ? 0 : 1];
    bool held_all = false;
    bool knows_all = false;
    Instant look_again{};
    while (!stopping) {
        auto message = consumer.take(look);
        if (!message && message.error().code != Errc::timeout)
            return fail_with(message.error());
        // What was held at that look has been taken since.
        knows_all = knows_all || (!message && held_all);
        if (!message && !knows_all && consumer.is_ready() && look_again <= net::now()) {
            held_all = holds_all(consumer, queue);
            look_again = deadline_after(net::now(), look_pause);
        }
        std::vector<queue::Message> done;
        {
            const std::lock_guard lock(mutex);
            is_all_read = knows_all;
            if (message) {
                const Instant now = net::now();
                queue::Message taken = std::move(*message);
                queue::Message refused;
                refused.lease = taken.lease;
                if (!(kind == Kind::requests ? desk.add_request(std::move(taken), now)
                                             : desk.add_reply(std::move(taken))))
                    done.push_back(std::move(refused));
                changed.notify_all();
            }
            for (queue::Message& each :
                 kind == Kind::requests ? desk.take_done_requests() : desk.take_done_replies())
                done.push_back(std::move(each));
        }
        for (const queue::Message& each : done)
            (void)consumer.ack(each); // lost: it comes again, and the desk knows it
    }
}

void Titanic::Rest::call(request::AsyncClient& client) {
    std::unique_lock lock(mutex);
    while (!stopping) {
        auto call = desk.next(net::now());
        if (!call) {
            const Duration wait = time_left(net::now(), desk.next_deadline());
            changed.wait_for(lock, std::clamp<Duration>(wait, 1ms, look));
            continue;
        }
        lock.unlock();
        call_once(client, *call);
        lock.lock();
    }
}

namespace {

// A broker keeps what became of an id for a while, failures too: another try is another request.
std::string id_of(const TitanicDesk::Call& call) {
    return call.failures == 0 ? call.id : call.id + "-" + std::to_string(call.failures);
}

} // namespace

// A call under way when the end is asked for is left to the next Titanic, which joins it under its
// id. So it is not cancelled either.
Result<request::Reply> Titanic::Rest::reply_to(request::AsyncClient& client,
                                               TitanicDesk::Call& call) const {
    request::CallOptions with;
    with.deadline = options.call_deadline;
    with.id = id_of(call);
    // The client may tell of it when this is over.
    const auto ended = std::make_shared<std::optional<Result<request::Reply>>>();
    const auto number = client.call(
        call.service, call.body, with,
        [ended](request::CallId, Result<request::Reply> reply) { *ended = std::move(reply); });
    if (!number)
        return fail(number.error());
    while (!*ended && !stopping)
        (void)client.process(look);
    return *ended ? std::move(**ended) : Result<request::Reply>{fail(Errc::stopped)};
}

void Titanic::Rest::call_once(request::AsyncClient& client, TitanicDesk::Call& call) {
    auto reply = reply_to(client, call);
    bool is_wanted = false;
    {
        const std::lock_guard lock(mutex);
        is_wanted = desk.is_wanted(call.id);
    }
    bool is_kept = false;
    if (reply && is_wanted) {
        wire::Frames body;
        body.add(ByteView{call.id});
        for (std::size_t i = 0; i < reply->body.size(); ++i)
            body.add(std::move(reply->body[i]));
        is_kept = put(replies_queue, std::move(body), call.id) == Put::stored;
    }
    const std::lock_guard lock(mutex);
    const bool is_done = is_kept || !is_wanted;
    counters.answered_total += is_kept ? 1 : 0;
    counters.retries_total += is_done ? 0 : 1;
    desk.tried(call.id,
               is_kept     ? TitanicDesk::Tried::answered
               : is_wanted ? TitanicDesk::Tried::failed
                           : TitanicDesk::Tried::dropped,
               net::now());
}

// ---- the class ---------------------------------------------------------------------------------

Titanic::Titanic(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
Titanic::Titanic(Titanic&&) noexcept = default;
Titanic& Titanic::operator=(Titanic&&) noexcept = default;
Titanic::~Titanic() = default;

Result<Titanic> Titanic::open(net::Context& context, TitanicOptions options) {
    if (options.calls_max < 1 || options.calls_max > 256 || options.unfinished_max < 1 ||
        options.unfinished_max > 1'000'000 || options.stores.empty() ||
        options.confirm_max < 10ms || options.confirm_max > 1h)
        return fail(Errc::bad_option, "Titanic needs 1 to 16 stores, calls_max 1 to 256, "
                                      "unfinished_max 1 to 1,000,000, confirm_max 10ms to 1h");
    if (!options.store_security)
        options.store_security = options.security;
    for (const std::string& name : {requests_queue, replies_queue})
        if (const Status made = create_queue(context, options.stores, *options.store_security, name,
                                             queue_properties(), options.confirm_max);
            !made)
            return fail(made.error());
    queue::ProducerOptions put;
    put.stores = options.stores;
    put.security = *options.store_security;
    auto producer = queue::ProducerThread::open(context, put);
    if (!producer)
        return fail(producer.error());
    auto rest = std::make_unique<Rest>(context, options, std::move(*producer));
    for (const std::string& name : {requests_queue, replies_queue}) {
        queue::ConsumerOptions take;
        take.stores = options.stores;
        take.queue = name;
        take.consumer = "titanic";
        take.credit = options.unfinished_max;
        take.security = *options.store_security;
        auto consumer = queue::Consumer::open(context, take);
        if (!consumer)
            return fail(consumer.error());
        rest->consumers.push_back(std::move(*consumer));
    }
    for (std::uint32_t i = 0; i < options.calls_max; ++i) {
        request::ClientOptions call;
        call.brokers = options.brokers;
        call.security = options.security;
        auto client = request::AsyncClient::open(context, call);
        if (!client)
            return fail(client.error());
        rest->clients.push_back(std::move(*client));
    }
    for (const char* service : {"titanic.request", "titanic.reply", "titanic.close"}) {
        request::WorkerOptions work;
        work.brokers = options.brokers;
        work.service = service;
        work.security = options.security;
        if (work.service == "titanic.request")
            work.threads = 16; // each waits for the store, which takes many at once
        auto worker = request::Worker::open(context, work);
        if (!worker)
            return fail(worker.error());
        rest->workers.push_back(std::move(*worker));
    }
    return Titanic{std::move(rest)};
}

Status Titanic::run() {
    Rest& rest = *rest_;
    const std::function<request::Outcome(request::Job&)> handlers[] = {
        [&](request::Job& job) { return rest.on_request(job); },
        [&](request::Job& job) { return rest.on_reply(job); },
        [&](request::Job& job) { return rest.on_close(job); }};
    std::vector<std::thread> threads;
    threads.emplace_back([&] { rest.keep(rest.consumers[0], Rest::Kind::requests); });
    threads.emplace_back([&] { rest.keep(rest.consumers[1], Rest::Kind::replies); });
    for (request::AsyncClient& client : rest.clients)
        threads.emplace_back([&] { rest.call(client); });
    for (std::size_t i = 0; i < rest.workers.size(); ++i)
        threads.emplace_back([&, i] {
            if (const Status served = rest.workers[i].run(handlers[i]); !served)
                rest.fail_with(served.error());
        });
    for (std::thread& thread : threads)
        thread.join();
    // What is held goes back to the store, for the next one.
    for (queue::Consumer& consumer : rest.consumers)
        consumer.stop();
    const std::lock_guard lock(rest.mutex);
    return rest.outcome;
}

void Titanic::stop_soon() noexcept {
    rest_->stopping = true;
    for (request::Worker& worker : rest_->workers)
        worker.stop_soon();
}

TitanicCounters Titanic::counters() const {
    const std::lock_guard lock(rest_->mutex);
    TitanicCounters counters = rest_->counters;
    counters.pending = rest_->desk.pending();
    counters.kept = rest_->desk.kept();
    return counters;
}

} // namespace flotilla::compose
