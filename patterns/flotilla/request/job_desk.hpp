// SPDX-License-Identifier: Apache-2.0
//
// JobDesk: where a Worker's loop and its handlers meet. Jobs are laid down for the handlers, words
// about them for the loop, line by line. Only values cross it, under one mutex. Private to the
// component.
//
// Bounds: jobs by what the machines hold; outcomes by jobs; pieces of answers by count and bytes a
// line: whoever wants to add one more waits for the loop.
#pragma once

#include <flotilla/request/worker.hpp>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

namespace flotilla::request::detail {

class JobDesk;

// From a Job in a handler's hands to the line that it came by.
struct JobLink {
    std::shared_ptr<JobDesk> desk{};
    std::size_t line = 0;
    std::uint64_t number = 0; // the machine's
    Dialect dialect = Dialect::flotilla;
    std::atomic<bool> released{false}; // nobody waits any more, or the handler has returned
    std::mutex front_mutex{};
    wire::Frames front{}; // mdp_01: pieces that go in front of the answer
};

struct Task {
    Job job{};
    std::shared_ptr<JobLink> link{};
};

// What a handler says of a request: a piece of the answer, or what came of it.
struct Word {
    std::uint64_t number = 0;
    std::variant<wire::Frames, Outcome> says{};
};

// Runs the handler and gives what came of it, in the form in which it can be sent.
Outcome call(const Worker::Handler& handler, Task& task) noexcept;

class JobDesk {
public:
    static constexpr std::size_t pieces_max = 1'000; // a line

    // What partial() does on the loop's own thread, where waiting for the loop would be for ever.
    using HereAndNow = std::function<Status(JobLink&, wire::Frames&)>;

    // Errors: out_of_files.
    static Result<std::shared_ptr<JobDesk>> open(std::size_t lines, std::uint64_t bytes_max);
    explicit JobDesk(int descriptor, std::size_t lines, std::uint64_t bytes_max);
    JobDesk(const JobDesk&) = delete;
    JobDesk& operator=(const JobDesk&) = delete;
    ~JobDesk();

    // ---- the loop
    void serve_here(HereAndNow partial);
    void give(Task task);
    // Everything said about requests of `line`, oldest first.
    std::deque<Word> take(std::size_t line);
    void release(JobLink& link);
    // next() gives what lies there, then nothing; nobody waits in partial() any more.
    void close();
    // Readable when there may be something to take, or wake() was called.
    int fd() const noexcept { return descriptor_; }
    void clear() noexcept;
    // Safe from signal handlers.
    void wake() noexcept;

    // ---- handlers
    // Of an answer, or a piece of it.
    std::uint64_t bytes_max() const noexcept { return bytes_max_; }
    std::optional<Task> next();
    void finish(JobLink& link, Outcome outcome);
    Status partial(JobLink& link, wire::Frames& piece);

private:
    struct Line {
        std::deque<Word> words{};
        std::size_t pieces = 0;
        std::uint64_t bytes = 0; // of these
    };
    Status keep_in_front(JobLink& link, wire::Frames& piece);
    void say(Line& line, Word word);

    const int descriptor_;
    const std::uint64_t bytes_max_;
    std::mutex mutex_;
    std::condition_variable jobs_;
    std::condition_variable room_;
    std::deque<Task> tasks_;
    std::vector<Line> lines_;
    bool closed_ = false;
    HereAndNow here_;
    std::thread::id loop_;
};

} // namespace flotilla::request::detail
