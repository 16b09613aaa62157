// SPDX-License-Identifier: Apache-2.0
#include "job_desk.hpp"
#include "worker_line.hpp"
#include "worker_options.hpp"

#include <flotilla/net/poller.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/request/worker.hpp>

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace flotilla::request {

using detail::JobDesk;
using detail::JobLink;
using detail::Task;
using detail::Word;

namespace {

// How long handlers may run before the brokers are looked at again.
constexpr Duration slice = 1ms;
constexpr std::size_t slice_jobs_max = 64;
// Answers wait for others only where handlers are known to be fast, since the next one may not be.
constexpr Duration fast_handler = 50us;
constexpr std::uint32_t fast_handlers_min = 16; // in a row

} // namespace

struct Worker::Rest {
    Rest(net::Context& context, WorkerOptions with, std::shared_ptr<JobDesk> its_desk);

    Status start_threads(const Handler& handler);
    void join_threads();
    Status serve(const Handler& handler);
    bool turn();
    bool run_some(const Handler& handler);
    bool hand_out();
    bool hear_handlers();
    bool serve_threads();
    Status partial_here(JobLink& link, wire::Frames& piece);
    bool is_done() const;
    Status sleep();
    void publish();

    WorkerOptions options;
    std::shared_ptr<JobDesk> desk;
    net::Poller poller;
    std::deque<Task> tasks; // given and not begun
    std::vector<std::unique_ptr<detail::WorkerLine>> lines;
    std::vector<std::thread> threads;
    std::uint64_t in_hand = 0; // with the threads
    Instant turned{};
    std::uint32_t fast_in_a_row = 0; // handlers on this thread
    bool draining = false;
    bool has_run = false;
    Status alive{};

    std::atomic<bool> stopping{false};
    std::atomic<bool> registered{false};
    mutable std::mutex counters_mutex;
    WorkerCounters counters;
};

Worker::Rest::Rest(net::Context& context, WorkerOptions with, std::shared_ptr<JobDesk> its_desk)
    : options(std::move(with)), desk(std::move(its_desk)) {
    for (std::size_t i = 0; i < options.brokers.size(); ++i)
        lines.push_back(
            std::make_unique<detail::WorkerLine>(context, options, i, desk, poller, tasks));
    poller.on_readable(desk->fd(), [this] { desk->clear(); });
}

// ---- the loop ----------------------------------------------------------------------------------

// True: something came.
bool Worker::Rest::turn() {
    const bool drains = stopping && !std::exchange(draining, true);
    bool heard = false;
    for (const auto& line : lines) {
        heard = line->turn() || heard;
        if (drains)
            line->drain(); // what had arrived is held by now
        if (!line->alive())
            alive = line->alive();
    }
    turned = net::now();
    return heard;
}

// On this thread, for a bounded time.
bool Worker::Rest::run_some(const Handler& handler) {
    using Leaves = detail::WorkerLine::Leaves;
    std::size_t ran = 0;
    Instant began = net::now();
    for (; ran < slice_jobs_max && !tasks.empty(); ++ran) {
        // What a broker asks that does not read its answers waits, and holds up nobody else.
        const auto next = std::find_if(tasks.begin(), tasks.end(), [this](const Task& each) {
            return lines[each.link->line]->has_room();
        });
        if (next == tasks.end())
            break;
        Task task = std::move(*next);
        tasks.erase(next);
        auto& line = *lines[task.link->line];
        // Dropped by whoever released it; the machine wants to hear that it is over.
        Outcome outcome = task.link->released ? Outcome{Answer{}} : call(handler, task);
        const Instant done = net::now();
        fast_in_a_row = done - began <= fast_handler ? fast_in_a_row + 1 : 0;
        began = done;
        const bool fast = fast_in_a_row >= fast_handlers_min;
        line.finish(task.link->number, std::move(outcome),
                    fast ? Leaves::gathered : Leaves::at_once);
        desk->release(*task.link);
        if (done >= deadline_after(turned, slice)) {
            ++ran;
            break;
        }
    }
    for (const auto& line : lines)
        line->send_gathered();
    return ran > 0;
}

bool Worker::Rest::hand_out() {
    const bool some = !tasks.empty();
    for (; !tasks.empty(); tasks.pop_front(), ++in_hand)
        desk->give(std::move(tasks.front()));
    return some;
}

bool Worker::Rest::hear_handlers() {
    bool heard = false;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (!lines[i]->has_room())
            continue;
        for (Word& word : desk->take(i)) {
            heard = true;
            if (auto* piece = std::get_if<wire::Frames>(&word.says)) {
                (void)lines[i]->partial(word.number, std::move(*piece));
                continue;
            }
            lines[i]->finish(word.number, std::move(std::get<Outcome>(word.says)),
                             detail::WorkerLine::Leaves::gathered);
            --in_hand;
        }
        lines[i]->send_gathered();
    }
    return heard;
}

bool Worker::Rest::serve_threads() {
    const bool gave = hand_out();
    return hear_handlers() || gave;
}

// A handler on this thread says a piece. While it waits for room the brokers are served.
Status Worker::Rest::partial_here(JobLink& link, wire::Frames& piece) {
    auto& line = *lines[link.line];
    if (time_left(net::now(), deadline_after(turned, slice)) == Duration::zero())
        turn();
    while (alive && !line.has_room() && !link.released) {
        if (const Status slept = sleep(); !slept)
            alive = slept;
        turn();
    }
    if (!alive || link.released || !line.partial(link.number, std::move(piece)))
        return fail(Errc::refused, "nobody waits for this answer any more");
    piece.clear();
    return {};
}

bool Worker::Rest::is_done() const {
    return draining && tasks.empty() && in_hand == 0 &&
           std::all_of(lines.begin(), lines.end(),
                       [](const auto& line) { return line->is_stopped(); });
}

Status Worker::Rest::sleep() {
    publish();
    Duration wait = no_limit;
    for (const auto& line : lines)
        wait = std::min(wait, line->wait_max());
    return poller.turn(wait);
}

void Worker::Rest::publish() {
    WorkerCounters sum;
    bool any = false;
    for (const auto& line : lines) {
        sum += line->machine().counters();
        any = any || line->machine().is_registered();
    }
    registered = any;
    const std::lock_guard lock(counters_mutex);
    counters = sum;
}

Status Worker::Rest::serve(const Handler& handler) {
    for (bool busy = true;; busy = false) {
        busy = turn();
        busy = (threads.empty() ? run_some(handler) : serve_threads()) || busy;
        publish();
        if (!alive)
            return alive;
        if (is_done())
            return {};
        // More may be waiting in a socket whose descriptor says nothing new.
        if (!busy)
            if (const Status slept = sleep(); !slept)
                return slept;
    }
}

// ---- threads -----------------------------------------------------------------------------------

Status Worker::Rest::start_threads(const Handler& handler) {
    try {
        for (std::uint32_t i = 0; i < options.threads && options.threads > 1; ++i)
            threads.emplace_back([shared = desk, &handler] {
                while (auto task = shared->next())
                    shared->finish(*task->link,
                                   task->link->released ? Outcome{Answer{}} : call(handler, *task));
            });
    } catch (const std::system_error& error) {
        return fail(Errc::out_of_files, std::string("cannot start a thread: ") + error.what());
    }
    return {};
}

void Worker::Rest::join_threads() {
    desk->close();
    for (std::thread& thread : threads)
        thread.join();
    threads.clear();
}

// ---- the class ---------------------------------------------------------------------------------

Worker::Worker(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
Worker::Worker(Worker&&) noexcept = default;
Worker& Worker::operator=(Worker&&) noexcept = default;
Worker::~Worker() = default;

Result<Worker> Worker::open(net::Context& context, WorkerOptions options) {
    if (const Status checked = check(options); !checked)
        return fail(checked.error());
    auto desk = JobDesk::open(options.brokers.size(), options.message_bytes_max);
    if (!desk)
        return fail(desk.error());
    auto rest = std::make_unique<Rest>(context, std::move(options), std::move(*desk));
    // Connects, so that a wrong endpoint is told of now.
    (void)rest->turn();
    if (!rest->alive)
        return fail(rest->alive.error());
    return Worker{std::move(rest)};
}

Status Worker::run(const Handler& handler) {
    Rest& rest = *rest_;
    if (std::exchange(rest.has_run, true))
        return fail(Errc::stopped, "this worker has run before");
    if (rest.options.threads == 1)
        rest.desk->serve_here(
            [&rest](JobLink& link, wire::Frames& piece) { return rest.partial_here(link, piece); });
    Status served = rest.start_threads(handler);
    if (served)
        served = rest.serve(handler);
    // Nobody will send what handlers still say.
    rest.join_threads();
    rest.publish();
    rest.registered = false;
    return served;
}

void Worker::stop_soon() noexcept {
    rest_->stopping = true;
    rest_->desk->wake();
}

bool Worker::is_registered() const noexcept {
    return rest_->registered;
}

WorkerCounters Worker::counters() const {
    const std::lock_guard lock(rest_->counters_mutex);
    return rest_->counters;
}

} // namespace flotilla::request
