// SPDX-License-Identifier: Apache-2.0
#include "job_desk.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <exception>
#include <utility>

namespace flotilla::request {

Status Job::partial(wire::Frames& piece) {
    if (!link_)
        return fail(Errc::refused, "the job came from no broker");
    return link_->desk->partial(*link_, piece);
}

bool Job::is_cancelled() const noexcept {
    return link_ && link_->released.load(std::memory_order_relaxed);
}

} // namespace flotilla::request

namespace flotilla::request::detail {

namespace {

auto nobody_waits() {
    return fail(Errc::refused, "nobody waits for this answer any more");
}

std::string over(std::uint64_t bytes, std::uint64_t bytes_max) {
    return std::to_string(bytes) + " bytes, and message_bytes_max is " + std::to_string(bytes_max);
}

// Pieces that could not be sent go first. What a broker does not take would cost the connection,
// and with it whatever else is held.
Outcome complete(JobLink& link, Answer answer) {
    const std::lock_guard lock(link.front_mutex);
    const std::uint64_t bytes = link.front.bytes() + answer.body.bytes();
    if (bytes > link.desk->bytes_max())
        return Failure{"the answer has " + over(bytes, link.desk->bytes_max())};
    if (link.front.size() + answer.body.size() > limits::body_frames_max)
        return Failure{"the answer has more than 1000 frames"};
    if (link.front.empty())
        return answer;
    for (std::size_t i = 0; i < answer.body.size(); ++i)
        link.front.add(std::move(answer.body[i]));
    return Answer{std::move(link.front)};
}

} // namespace

Outcome call(const Worker::Handler& handler, Task& task) noexcept {
    try {
        Outcome outcome = handler(task.job);
        if (auto* answer = std::get_if<Answer>(&outcome))
            return complete(*task.link, std::move(*answer));
        return outcome;
    } catch (const std::exception& error) {
        return Failure{std::string("the handler threw: ") + error.what()};
    } catch (...) {
        return Failure{"the handler threw"};
    }
}

Result<std::shared_ptr<JobDesk>> JobDesk::open(std::size_t lines, std::uint64_t bytes_max) {
    const int descriptor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (descriptor < 0)
        return fail(Errc::out_of_files, "no descriptor for a worker's loop");
    return std::make_shared<JobDesk>(descriptor, lines, bytes_max);
}

JobDesk::JobDesk(int descriptor, std::size_t lines, std::uint64_t bytes_max)
    : descriptor_(descriptor), bytes_max_(bytes_max), lines_(lines) {}

JobDesk::~JobDesk() {
    ::close(descriptor_);
}

void JobDesk::wake() noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(descriptor_, &one, sizeof one);
}

void JobDesk::clear() noexcept {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto read = ::read(descriptor_, &count, sizeof count);
}

// ---- the loop ----------------------------------------------------------------------------------

void JobDesk::serve_here(HereAndNow partial) {
    const std::lock_guard lock(mutex_);
    here_ = std::move(partial);
    loop_ = std::this_thread::get_id();
}

void JobDesk::give(Task task) {
    {
        const std::lock_guard lock(mutex_);
        tasks_.push_back(std::move(task));
    }
    jobs_.notify_one();
}

std::deque<Word> JobDesk::take(std::size_t line) {
    std::deque<Word> words;
    bool full = false;
    {
        const std::lock_guard lock(mutex_);
        Line& from = lines_[line];
        full = from.pieces > 0;
        words = std::exchange(from.words, {});
        from.pieces = 0;
        from.bytes = 0;
    }
    if (full)
        room_.notify_all();
    return words;
}

void JobDesk::release(JobLink& link) {
    {
        const std::lock_guard lock(mutex_);
        link.released = true;
    }
    room_.notify_all();
}

void JobDesk::close() {
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        here_ = nullptr;
        loop_ = {};
    }
    jobs_.notify_all();
    room_.notify_all();
}

// ---- handlers ----------------------------------------------------------------------------------

std::optional<Task> JobDesk::next() {
    std::unique_lock lock(mutex_);
    jobs_.wait(lock, [&] { return closed_ || !tasks_.empty(); });
    if (tasks_.empty())
        return std::nullopt;
    std::optional<Task> task{std::move(tasks_.front())};
    tasks_.pop_front();
    return task;
}

void JobDesk::say(Line& line, Word word) {
    line.words.push_back(std::move(word));
    if (line.words.size() == 1)
        wake();
}

void JobDesk::finish(JobLink& link, Outcome outcome) {
    const std::lock_guard lock(mutex_);
    link.released = true;
    say(lines_[link.line], {link.number, std::move(outcome)});
}

Status JobDesk::keep_in_front(JobLink& link, wire::Frames& piece) {
    const std::lock_guard lock(link.front_mutex);
    if (link.front.size() + piece.size() > limits::body_frames_max)
        return fail(Errc::too_many, "an answer has at most 1000 frames");
    for (std::size_t i = 0; i < piece.size(); ++i)
        link.front.add(std::move(piece[i]));
    piece.clear();
    return {};
}

Status JobDesk::partial(JobLink& link, wire::Frames& piece) {
    if (piece.size() > limits::body_frames_max)
        return fail(Errc::too_many, "a piece of an answer has at most 1000 frames");
    if (piece.bytes() > bytes_max_)
        return fail(Errc::too_large, "the piece has " + over(piece.bytes(), bytes_max_));
    if (link.released)
        return nobody_waits();
    std::unique_lock lock(mutex_);
    // The loop hears nobody while the handler runs on its thread.
    if (here_ && loop_ != std::this_thread::get_id())
        return fail(Errc::refused, "a worker with one thread takes pieces of an answer only from "
                                   "the thread that runs the handler");
    if (here_ || link.dialect == Dialect::mdp_01) {
        lock.unlock(); // here_ changes only on this thread
        return link.dialect == Dialect::mdp_01 ? keep_in_front(link, piece) : here_(link, piece);
    }
    const std::uint64_t bytes = piece.bytes();
    Line& line = lines_[link.line];
    room_.wait(lock, [&] {
        return closed_ || link.released || line.pieces == 0 ||
               (line.pieces < pieces_max && line.bytes + bytes <= bytes_max_);
    });
    if (closed_ || link.released)
        return nobody_waits();
    ++line.pieces;
    line.bytes += bytes;
    say(line, {link.number, std::move(piece)});
    piece.clear();
    return {};
}

} // namespace flotilla::request::detail
