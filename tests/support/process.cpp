// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <support/process.hpp>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>

extern char** environ;

namespace flotilla::test {
namespace {

[[noreturn]] void raise_error(const std::string& what, int number) {
    throw std::runtime_error(what + ": " + std::strerror(number));
}

struct Ends {
    int read = -1;
    int write = -1;
};

Ends open_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        raise_error("pipe2", errno);
    return Ends{ends[0], ends[1]};
}

void close_descriptor(int& descriptor) noexcept {
    if (descriptor >= 0)
        ::close(descriptor);
    descriptor = -1;
}

std::string_view variable_name(std::string_view entry) {
    return entry.substr(0, entry.find('='));
}

std::vector<std::string> merged_environment(const std::vector<std::string>& changes) {
    std::vector<std::string> all;
    for (char** entry = environ; *entry; ++entry) {
        const std::string_view old_name = variable_name(*entry);
        const bool changed =
            std::any_of(changes.begin(), changes.end(), [&](const std::string& change) {
                return variable_name(change) == old_name;
            });
        if (!changed)
            all.emplace_back(*entry);
    }
    for (const std::string& change : changes)
        if (change.find('=') != std::string::npos)
            all.push_back(change);
    return all;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (const std::string& text : texts)
        all.push_back(const_cast<char*>(text.c_str()));
    all.push_back(nullptr);
    return all;
}

int wait_ms(std::chrono::steady_clock::time_point deadline) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    return static_cast<int>(std::max<std::chrono::milliseconds::rep>(0, left.count()));
}

// False at the end of the stream.
bool read_some(int descriptor, std::string& into) {
    std::array<char, 65536> bytes;
    const ssize_t got = ::read(descriptor, bytes.data(), bytes.size());
    if (got > 0)
        into.append(bytes.data(), static_cast<std::size_t>(got));
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

} // namespace

Process Process::start(const std::vector<std::string>& command, ProcessOptions options) {
    // A child that closes its input early must cost the test an error, not its life.
    ::signal(SIGPIPE, SIG_IGN);
    Ends input = open_pipe();
    Ends output = open_pipe();
    Ends error = open_pipe();

    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, input.read, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, output.write, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, error.write, STDERR_FILENO);
    if (!options.directory.empty())
        ::posix_spawn_file_actions_addchdir_np(&actions, options.directory.c_str());

    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t standard;
    sigemptyset(&standard);
    sigaddset(&standard, SIGPIPE);
    ::posix_spawnattr_setsigdefault(&attributes, &standard);
    sigset_t unblocked;
    sigemptyset(&unblocked);
    ::posix_spawnattr_setsigmask(&attributes, &unblocked);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);

    const std::vector<std::string> environment = merged_environment(options.environment);
    Process child;
    const int outcome = ::posix_spawnp(&child.pid_, command.at(0).c_str(), &actions, &attributes,
                                       pointers(command).data(), pointers(environment).data());
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    close_descriptor(input.read);
    close_descriptor(output.write);
    close_descriptor(error.write);
    child.input_ = input.write;
    child.output_.descriptor = output.read;
    child.error_.descriptor = error.read;
    if (outcome != 0) {
        child.pid_ = -1;
        raise_error(command[0], outcome);
    }
    ::fcntl(child.input_, F_SETFL, O_NONBLOCK);
    ::fcntl(child.output_.descriptor, F_SETFL, O_NONBLOCK);
    ::fcntl(child.error_.descriptor, F_SETFL, O_NONBLOCK);
    return child;
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), input_(std::exchange(other.input_, -1)),
      output_(std::exchange(other.output_, {})), error_(std::exchange(other.error_, {})),
      exit_(std::exchange(other.exit_, {})) {}

Process& Process::operator=(Process&& other) noexcept {
    if (this == &other)
        return *this;
    end();
    pid_ = std::exchange(other.pid_, -1);
    input_ = std::exchange(other.input_, -1);
    output_ = std::exchange(other.output_, {});
    error_ = std::exchange(other.error_, {});
    exit_ = std::exchange(other.exit_, {});
    return *this;
}

Process::~Process() {
    end();
}

void Process::end() noexcept {
    if (pid_ > 0 && !exit_) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    pid_ = -1;
    close_descriptor(input_);
    close_descriptor(output_.descriptor);
    close_descriptor(error_.descriptor);
}

// Waits for any stream to have something, and takes it. False when the deadline passed or, unless
// the caller waits to write, both outputs have ended.
bool Process::pump(Deadline deadline, bool for_input) {
    std::array<pollfd, 3> polled{};
    nfds_t count = 0;
    for (Pipe* each : {&output_, &error_})
        if (each->descriptor >= 0)
            polled[count++] = pollfd{each->descriptor, POLLIN, 0};
    if (for_input)
        polled[count++] = pollfd{input_, POLLOUT, 0};
    if (count == 0)
        return false;
    const int ready = ::poll(polled.data(), count, wait_ms(deadline));
    if (ready < 0 && errno != EINTR)
        raise_error("poll", errno);
    for (nfds_t i = 0; ready > 0 && i < count; ++i)
        for (Pipe* each : {&output_, &error_})
            if (polled[i].revents != 0 && polled[i].fd == each->descriptor &&
                !read_some(each->descriptor, each->text))
                close_descriptor(each->descriptor);
    return ready > 0 || std::chrono::steady_clock::now() < deadline;
}

bool Process::write(std::string_view bytes, Wait wait) {
    const Deadline deadline = std::chrono::steady_clock::now() + wait;
    while (!bytes.empty()) {
        const ssize_t written = ::write(input_, bytes.data(), bytes.size());
        if (written > 0)
            bytes.remove_prefix(static_cast<std::size_t>(written));
        else if (errno != EAGAIN && errno != EINTR)
            return false;
        else if (!pump(deadline, true))
            return false;
    }
    return true;
}

void Process::close_input() {
    close_descriptor(input_);
}

std::optional<std::string> Process::wait_line(Stream stream, std::string_view part, Wait wait) {
    const Deadline deadline = std::chrono::steady_clock::now() + wait;
    Pipe& from = pipe(stream);
    while (true) {
        for (std::size_t end = from.text.find('\n', from.passed); end != std::string::npos;
             end = from.text.find('\n', from.passed)) {
            std::string line = from.text.substr(from.passed, end - from.passed);
            from.passed = end + 1;
            if (line.find(part) != std::string::npos)
                return line;
        }
        if (from.descriptor < 0 || !pump(deadline, false))
            return std::nullopt;
    }
}

void Process::signal(int number) {
    if (pid_ > 0 && !exit_)
        ::kill(pid_, number);
}

std::optional<Exit> Process::wait_exit(Wait wait) {
    if (exit_)
        return exit_;
    const Deadline deadline = std::chrono::steady_clock::now() + wait;
    // A grandchild may hold the pipes open, so their end is not waited for when the child is gone.
    int ended = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    if (ended < 0)
        raise_error("pidfd_open", errno);
    bool gone = false;
    while (!gone && std::chrono::steady_clock::now() < deadline) {
        std::array<pollfd, 3> polled{pollfd{ended, POLLIN, 0},
                                     pollfd{output_.descriptor, POLLIN, 0},
                                     pollfd{error_.descriptor, POLLIN, 0}};
        if (::poll(polled.data(), polled.size(), wait_ms(deadline)) < 0 && errno != EINTR)
            raise_error("poll", errno);
        gone = polled[0].revents != 0;
        if (polled[1].revents != 0 && !read_some(output_.descriptor, output_.text))
            close_descriptor(output_.descriptor);
        if (polled[2].revents != 0 && !read_some(error_.descriptor, error_.text))
            close_descriptor(error_.descriptor);
    }
    close_descriptor(ended);
    if (!gone)
        return std::nullopt;
    // What it wrote before it ended is in the pipes already.
    const Deadline at_once = std::chrono::steady_clock::now();
    while (pump(at_once, false)) {
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    exit_ = WIFSIGNALED(status) ? Exit::by(WTERMSIG(status)) : Exit::with(WEXITSTATUS(status));
    return exit_;
}

Completed run_program(const std::vector<std::string>& command, std::string_view input,
                      ProcessOptions options, Process::Wait wait) {
    Process child = Process::start(command, std::move(options));
    // A program may end without reading its input; its exit says what that means.
    child.write(input, wait);
    child.close_input();
    const std::optional<Exit> exit = child.wait_exit(wait);
    if (!exit)
        throw std::runtime_error(command.at(0) + " did not end in time");
    return Completed{*exit, child.text(Stream::output), child.text(Stream::error)};
}

} // namespace flotilla::test
