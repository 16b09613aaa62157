// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/units.hpp>
#include <flotilla/net/system.hpp>

#include <cli/serve/servant.hpp>
#include <cli/words.hpp>

#include <utility>

namespace flotilla::cli {

namespace {

constexpr Duration end_wait = 100ms; // for the exit code of a command that closed its output

constexpr const char* out_of_step =
    "the command printed more than a line for a request; it was ended, and another is started";

bool nobody_cancels() {
    return false;
}

Servant::Said said_by_exit(const Child::End& end) {
    if (end.killed)
        return Servant::Failed{"the command was killed by signal " + std::to_string(end.number)};
    if (end.number == Servant::exit_later)
        return Servant::Later{"the command asks to try again (exit 75)"};
    return Servant::Failed{"the command ended with exit code " + std::to_string(end.number)};
}

} // namespace

Servant::Said Servant::answer(Asked asked) {
    switch (options_.kind) {
    case ServantOptions::Kind::echo:
        return std::move(asked.body);
    case ServantOptions::Kind::lines:
        return ask_line(asked);
    case ServantOptions::Kind::command:
        break;
    }
    return run_command(asked);
}

Servant::Said Servant::framed(std::string output) const {
    if (options_.last_newline == ServantOptions::LastNewline::leave_out && !output.empty() &&
        output.back() == '\n')
        output.pop_back();
    wire::Frames frames;
    ByteView rest = output;
    while (true) {
        const std::size_t end =
            options_.frame_separator.empty() ? ByteView::npos : rest.find(options_.frame_separator);
        if (frames.size() == wire::Frames::frames_max)
            return Failed{"the command's answer has more than " +
                          std::to_string(wire::Frames::frames_max) + " frames"};
        frames.add(rest.substr(0, end));
        if (end == ByteView::npos)
            return frames;
        rest.remove_prefix(end + options_.frame_separator.size());
    }
}

Servant::Said Servant::explained(Child& child, const Error& error) const {
    switch (error.code) {
    case Errc::timeout:
        return Failed{"the command took longer than " + format_duration(options_.timeout) +
                      " (--timeout) and was ended"};
    case Errc::peer_gone: // of lines: it ended; why?
        if (auto end = child.wait(deadline_after(net::now(), end_wait), nobody_cancels))
            return end->killed || end->number != 0
                       ? said_by_exit(*end)
                       : Said{Failed{"the command ended without an answer"}};
        return Failed{"the command: " + error.detail};
    default:
        return Failed{"the command: " + error.detail};
    }
}

Servant::Said Servant::run_command(const Asked& asked) {
    auto child = Child::start(options_.command, asked.environment, Child::Life::with_our_thread);
    if (!child)
        return Later{child.error().detail}; // another worker may have what is missing here
    const Instant deadline = deadline_after(net::now(), options_.timeout);
    auto output = child->exchange(joined(asked.body, options_.separator), options_.bytes_max,
                                  deadline, asked.is_cancelled);
    if (!output)
        return explained(*child, output.error());
    const auto end = child->wait(deadline, asked.is_cancelled);
    if (!end)
        return explained(*child, end.error());
    if (end->killed || end->number != 0)
        return said_by_exit(*end);
    return framed(std::move(*output));
}

std::optional<Child> Servant::take_idle() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty())
        return std::nullopt;
    std::optional<Child> child{std::move(idle_.back())};
    idle_.pop_back();
    return child;
}

// A line too many would be taken for the answer to the next request, and that one's for the answer
// to the one behind it, for ever.
Result<Child> Servant::take_line_child(const Asked& asked) {
    while (auto child = take_idle()) {
        const auto more = child->has_more_to_say();
        if (child->has_said_all())
            continue; // it ended after its last answer
        if (more && !*more)
            return std::move(*child);
        asked.note(more ? out_of_step : more.error().detail);
    }
    return start_line_child();
}

Result<Child> Servant::start_line_child() const {
    return Child::start(options_.command, {}, Child::Life::its_own);
}

void Servant::give_back(Child child, const Asked& asked) {
    const auto more = child.has_more_to_say();
    if (child.has_said_all())
        return; // it has ended, and the next request starts another
    if (!more || *more)
        return asked.note(more ? out_of_step : more.error().detail);
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(child));
}

Servant::Said Servant::ask_line(const Asked& asked) {
    const std::string line = joined(asked.body, options_.separator);
    if (line.find('\n') != std::string::npos)
        return Failed{"the request has a line feed in it, and the command takes one line each"};
    auto taken = take_line_child(asked);
    if (!taken)
        return Later{taken.error().detail};
    std::optional<Child> child{std::move(*taken)};
    const Instant deadline = deadline_after(net::now(), options_.timeout);
    auto answer = child->exchange_line(line, options_.bytes_max, deadline, asked.is_cancelled);
    // It was about to end when it was asked; one that never was asked is to say what is wrong.
    if (!answer && answer.error().code == Errc::peer_gone && child->has_answered() &&
        child->read_nothing()) {
        auto fresh = start_line_child();
        if (!fresh)
            return Later{fresh.error().detail};
        child.emplace(std::move(*fresh));
        answer = child->exchange_line(line, options_.bytes_max, deadline, asked.is_cancelled);
    }
    if (!answer) // the child goes with this scope, and the next request starts another
        return explained(*child, answer.error());
    give_back(std::move(*child), asked);
    return framed(std::move(*answer));
}

} // namespace flotilla::cli
