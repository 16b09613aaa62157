// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/encoding.hpp>
#include <flotilla/base/units.hpp>
#include <flotilla/net/system.hpp>

#include <cli/output.hpp>
#include <cli/queue/listing.hpp>
#include <cli/queue/message_shown.hpp>
#include <cli/queue/take_command.hpp>
#include <cli/queue/take_session.hpp>
#include <cli/serve/child.hpp>
#include <cli/signals.hpp>
#include <cli/words.hpp>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace flotilla::cli {

namespace {

constexpr int exit_retry = 75; // EX_TEMPFAIL of sysexits.h
constexpr std::size_t attempts_told_max = 10'000;
constexpr std::uint64_t output_bytes_max = 64ULL << 20;

// What all jobs have done; and their way to the terminal and to standard output.
class Tally {
public:
    explicit Tally(Terminal& terminal) : terminal_(terminal) {}

    void done() { add(done_); }
    void retried(const std::string& why) {
        add(retried_);
        note(why);
    }
    void failed(const std::string& why) {
        add(failed_);
        note(why);
    }
    // The command ended, and what the store makes of it is not what was asked for, or not known.
    void unsettled(const std::string& why) {
        add(unsettled_);
        note(why);
    }
    void detail(const std::string& text) {
        const std::lock_guard lock(mutex_);
        terminal_.detail(text);
    }
    ConnectionTold told() {
        if (terminal_.verbosity() != Verbosity::verbose)
            return {};
        return [this](const std::string& sentence) { detail(sentence); };
    }
    void ended(Error error) {
        const std::lock_guard lock(mutex_);
        if (!error_)
            error_ = std::move(error);
    }
    // What a command printed, whole.
    void print(ByteView output) {
        const std::lock_guard lock(mutex_);
        Status written = out_.write(output);
        if (written)
            written = out_.flush();
        if (!written && !error_) // the message is done all the same
            error_ = written.error();
    }
    // What one that failed printed: it is nobody's answer, and may say why.
    void pass_on(ByteView output) {
        const std::lock_guard lock(mutex_);
        while (!output.empty()) {
            const ssize_t written = ::write(STDERR_FILENO, output.data(), output.size());
            if (written < 0 && errno != EINTR)
                return;
            output.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
        }
    }
    // It was given back after so many attempts.
    void given_back(std::uint32_t attempt) {
        const std::lock_guard lock(mutex_);
        if (attempts_.size() < attempts_told_max || attempts_.count(attempt) > 0)
            ++attempts_[attempt];
    }
    const std::map<std::uint32_t, std::uint64_t>& attempts() const noexcept { return attempts_; }
    // A signal came while commands run.
    void stopping() {
        const std::lock_guard lock(mutex_);
        if (!std::exchange(is_stopping_, true))
            terminal_.note("the commands that run may end; another signal ends them at once");
    }
    void note(const std::string& text) {
        const std::lock_guard lock(mutex_);
        terminal_.note(text);
    }
    Result<ExitCode> end(const TakeCommand& command) const {
        terminal_.note(std::to_string(done_) + " done, " + std::to_string(retried_) +
                       " given back to be tried again, " + std::to_string(failed_) +
                       " given back as failed" +
                       (unsettled_ > 0 ? ", " + std::to_string(unsettled_) + " not settled" : ""));
        if (error_)
            return fail(*error_);
        if (failed_ + retried_ + unsettled_ > 0)
            return ExitCode::refused;
        const bool enough = command.endless ? done_ > 0 : done_ == command.wanted;
        return enough || signal_caught() != 0 ? ExitCode::ok : ExitCode::nothing;
    }

private:
    void add(std::uint64_t& counter) {
        const std::lock_guard lock(mutex_);
        ++counter;
    }

    Terminal& terminal_;
    std::mutex mutex_;
    Output out_{};
    bool is_stopping_ = false;
    std::map<std::uint32_t, std::uint64_t> attempts_{}; // how many were given back after so many
    std::uint64_t done_ = 0;
    std::uint64_t retried_ = 0;
    std::uint64_t failed_ = 0;
    std::uint64_t unsettled_ = 0;
    std::optional<Error> error_{};
};

std::vector<std::string> environment_of(const TakeCommand& command, const Taken& message) {
    std::vector<std::string> all{"FLOTILLA_QUEUE=" + command.queue,
                                 "FLOTILLA_ID=" + std::to_string(message.id),
                                 "FLOTILLA_ATTEMPT=" + std::to_string(message.attempt),
                                 "FLOTILLA_REDELIVERED=" + std::string(name(message.redelivered))};
    if (!message.key.empty() && message.key.find('\0') == std::string::npos)
        all.push_back("FLOTILLA_KEY=" + message.key);
    return all;
}

// How a command ended; an error is one that could not be started, or had to be ended.
Result<Child::End> run_child(const TakeCommand& command, const Taken& message, TakeSession& session,
                             Tally& tally) {
    auto child = Child::start(command.command, environment_of(command, message),
                              Child::Life::with_our_thread);
    if (!child)
        return fail(child.error());
    const Instant deadline = deadline_after(net::now(), command.timeout);
    // Asked about every 100 ms: time to say that we are still at it.
    const Child::Stop stop = [&] {
        (void)session.renew(); // a store that is away is met at the end
        if (signal_caught() != 0)
            tally.stopping();
        return false;
    };
    auto output =
        child->exchange(joined(message.body, command.separator), output_bytes_max, deadline, stop);
    if (!output)
        return fail(output.error());
    auto end = child->wait(deadline, stop);
    if (end && !end->killed && end->number == 0)
        tally.print(*output);
    else
        tally.pass_on(*output);
    return end;
}

// Only what the store has settled counts.
Status work_on(const TakeCommand& command, const Taken& message, TakeSession& session,
               Tally& tally) {
    const auto end = run_child(command, message, session, tally);
    const std::string which = "message " + std::to_string(message.id) + ": ";
    const bool is_done = end && !end->killed && end->number == 0;
    const auto count = [&](const Status& settled, const std::string& what, auto&& as_asked) {
        if (settled) {
            as_asked();
            if (!is_done)
                tally.given_back(message.attempt);
            return Status{};
        }
        const bool is_lost = settled.error().code == Errc::lease_lost;
        tally.unsettled(which + what + ", but " +
                        (is_lost
                             ? "its lease is no more (it was over, or the store was started anew): "
                               "it may be delivered again"
                             : "the store has not said that it knows: " + settled.error().detail));
        return is_lost ? Status{} : settled;
    };
    if (is_done) {
        Status acked = session.ack(message.lease);
        if (acked)
            acked = session.settle();
        return count(acked, "the command ended with 0", [&] { tally.done(); });
    }
    if (end && !end->killed && end->number == exit_retry) {
        const std::string what = "the command asks to try again (exit 75)";
        return count(session.nack(message, command.retry_delay, "retry"), what,
                     [&] { tally.retried(which + what); });
    }
    const std::string why = end ? end->killed ? "killed by signal " + std::to_string(end->number)
                                              : "exit code " + std::to_string(end->number)
                                : std::string(name(end.error().code)) + ": " + end.error().detail;
    const std::string what = "the command failed: " + why;
    return count(session.nack(message, command.retry_delay, why), what,
                 [&] { tally.failed(which + what); });
}

Status run_job(const TakeCommand& command, std::uint64_t wanted, const StoreFlags& flags,
               StoreReturn& store, Tally& tally) {
    auto link = store.open(flags, tally.told());
    if (!link)
        return fail(link.error());
    auto session = TakeSession::open(*link, command.queue, {wanted, 1}, &store);
    if (!session)
        return fail(session.error());
    for (std::uint64_t taken = 0; taken < wanted && signal_caught() == 0; ++taken) {
        auto message = session->next(command.wait);
        if (!message)
            return message.error().code == Errc::stopped ? session->close() : fail(message.error());
        if (!*message || signal_caught() != 0)
            break;
        link->on_signal(StoreLink::OnSignal::go_on); // until its command's answer is settled
        if (Status worked = work_on(command, **message, *session, tally); !worked)
            return worked;
        link->on_signal(StoreLink::OnSignal::stop);
    }
    return session->close();
}

// Of those given back after their last attempt, as far as the store tells.
void tell_dead(const TakeCommand& command, const StoreFlags& store, const Tally& tally,
               Terminal& terminal) {
    if (tally.attempts().empty() || signal_caught() != 0)
        return;
    auto link = StoreLink::open(store, {});
    if (!link)
        return;
    const auto stat =
        link->ask_for<queue::StatReply>(queue::Stat{command.queue}, queue::Asked::stat);
    if (!stat)
        return;
    const auto properties = option_pairs(stat->text);
    const auto attempts_max = parse_count(value_of(properties, "attempts_max"), 1, UINT32_MAX);
    if (!attempts_max)
        return;
    std::uint64_t dead = 0;
    for (const auto& [attempt, count] : tally.attempts())
        dead += attempt >= *attempts_max ? count : 0;
    if (dead == 0)
        return;
    const std::string_view letters = value_of(properties, "dead_letter_queue");
    terminal.note(counted_are(dead, "message") + " dead after " +
                  counted(*attempts_max, "attempt") +
                  (letters.empty() ? " and gone: '" + command.queue + "' has no dead_letter_queue"
                                   : ": in '" + std::string(letters) + "'"));
}

} // namespace

Result<ExitCode> run_command_each(TakeCommand command, const StoreFlags& store,
                                  Terminal& terminal) {
    auto program = find_program(command.command.front());
    if (!program)
        return fail(program.error());
    command.command.front() = std::move(*program);
    auto separator = unescape(command.separator);
    if (!separator)
        return fail(separator.error());
    command.separator = std::move(*separator);
    Tally tally(terminal);
    StoreReturn back(command.patience, [&tally](const std::string& text) { tally.note(text); });
    std::vector<std::thread> jobs;
    for (std::uint32_t i = 0; i < command.jobs; ++i) {
        const std::uint64_t share =
            command.endless
                ? UINT64_MAX
                : command.wanted / command.jobs + (i < command.wanted % command.jobs ? 1 : 0);
        if (share == 0)
            break;
        jobs.emplace_back([&command, &store, &back, &tally, share] {
            if (Status done = run_job(command, share, store, back, tally);
                !done && done.error().code != Errc::stopped)
                tally.ended(done.error());
        });
    }
    for (std::thread& each : jobs)
        each.join();
    tell_dead(command, store, tally, terminal);
    return tally.end(command);
}

} // namespace flotilla::cli
