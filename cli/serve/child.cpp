// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/system.hpp>

#include <cli/serve/child.hpp>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace flotilla::cli {

namespace {

constexpr Duration look_around = 100ms; // longest sleep before `stop` is asked again
constexpr std::size_t child_read_bytes = 64 << 10;

auto system_error(const std::string& what) {
    const Errc code = errno == EMFILE || errno == ENFILE ? Errc::out_of_files : Errc::io;
    return fail(code, what + ": " + std::strerror(errno));
}

int milliseconds(Duration wait) {
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(wait).count());
}

bool is_program(const std::string& path) {
    struct stat about {};
    return ::stat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode) &&
           ::access(path.c_str(), X_OK) == 0;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> all;
    all.reserve(texts.size() + 1);
    for (const std::string& each : texts)
        all.push_back(const_cast<char*>(each.c_str()));
    all.push_back(nullptr);
    return all;
}

// Our environment, in which each of `added` replaces a variable of its name.
std::vector<std::string> added_to_ours(const std::vector<std::string>& added) {
    std::vector<std::string> all = added;
    for (char** each = ::environ; *each != nullptr; ++each) {
        const std::string_view variable = *each;
        const auto name = variable.substr(0, variable.find('=') + 1);
        if (std::none_of(added.begin(), added.end(), [name](const std::string& other) {
                return other.compare(0, name.size(), name) == 0;
            }))
            all.emplace_back(variable);
    }
    return all;
}

// Between fork and exec: nothing but system calls, since other threads may hold any lock.
[[noreturn]] void become(char* const* command, char* const* environment, int input, int output,
                         Child::Life life, pid_t parent) {
    ::setpgid(0, 0);
    if (life == Child::Life::with_our_thread) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) // it ended before that was said
            ::_exit(127);
    }
    ::signal(SIGPIPE, SIG_DFL);
    ::signal(SIGINT, SIG_DFL);
    ::signal(SIGTERM, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (::dup2(input, STDIN_FILENO) >= 0 && ::dup2(output, STDOUT_FILENO) >= 0)
        ::execve(command[0], command, environment);
    ::_exit(127);
}

// The process groups of all children; twice as many as are asked at once. One that finds no place
// is not killed by kill_all_children().
std::array<std::atomic<pid_t>, 2048> groups{};

void change_group(pid_t from, pid_t to) noexcept {
    for (auto& group : groups)
        if (pid_t expected = from; group.compare_exchange_strong(expected, to))
            return;
}

// Both ends, closed when it goes.
struct Pipe {
    int ends[2] = {-1, -1};
    ~Pipe() {
        for (const int end : ends)
            if (end >= 0)
                ::close(end);
    }
    int take(int which) { return std::exchange(ends[which], -1); }
};

} // namespace

Result<std::string> find_program(const std::string& name) {
    if (name.find('/') != std::string::npos) {
        if (is_program(name))
            return name;
        return fail(::access(name.c_str(), F_OK) == 0 ? Errc::bad_option : Errc::not_found,
                    "cannot run '" + name + "': " +
                        (::access(name.c_str(), F_OK) == 0 ? "it is no program, or may not be run"
                                                           : "there is no such file"));
    }
    const char* const path = std::getenv("PATH");
    std::string folders = path ? path : "/usr/bin:/bin";
    while (!name.empty() && !folders.empty()) {
        const std::size_t end = std::min(folders.find(':'), folders.size());
        const std::string found = (end == 0 ? "." : folders.substr(0, end)) + "/" + name;
        if (is_program(found))
            return found;
        folders.erase(0, end + 1);
    }
    return fail(Errc::not_found, "cannot run '" + name + "': there is no such program in PATH");
}

Result<Child> Child::start(const std::vector<std::string>& command,
                           const std::vector<std::string>& environment, Life life) {
    const std::vector<std::string> variables = added_to_ours(environment);
    const std::vector<char*> words = pointers(command);
    const std::vector<char*> values = pointers(variables);
    Pipe to_child;
    Pipe from_child;
    if (::pipe2(to_child.ends, O_CLOEXEC) != 0 || ::pipe2(from_child.ends, O_CLOEXEC) != 0)
        return system_error("cannot make a pipe for " + command[0]);
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0)
        return system_error("cannot start " + command[0]);
    if (pid == 0)
        become(words.data(), values.data(), to_child.ends[0], from_child.ends[1], life, parent);
    ::setpgid(pid, pid); // as the child does; whichever comes first
    change_group(0, pid);
    Child child(pid, to_child.take(1), from_child.take(0));
    ::fcntl(child.input_, F_SETFL, O_NONBLOCK);
    ::fcntl(child.output_, F_SETFL, O_NONBLOCK);
    return child;
}

void kill_all_children() noexcept {
    for (const auto& group : groups)
        if (const pid_t pid = group.load(); pid > 0)
            ::kill(-pid, SIGKILL);
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), input_(std::exchange(other.input_, -1)),
      output_(std::exchange(other.output_, -1)), output_ended_(other.output_ended_),
      read_ahead_(std::move(other.read_ahead_)), written_(other.written_),
      has_answered_(other.has_answered_) {}

Child::~Child() {
    kill_now();
    close_input();
    if (output_ >= 0)
        ::close(output_);
}

void Child::kill_now() noexcept {
    if (pid_ < 0)
        return;
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL); // should the group not exist yet
    change_group(pid_, 0); // while nobody else can be called so
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
}

void Child::close_input() noexcept {
    if (input_ >= 0)
        ::close(std::exchange(input_, -1));
}

Status Child::read_some(std::string& output) {
    std::array<char, child_read_bytes> bytes;
    const ssize_t got = ::read(output_, bytes.data(), bytes.size());
    if (got > 0)
        output.append(bytes.data(), static_cast<std::size_t>(got));
    output_ended_ = got == 0;
    if (got < 0 && errno != EAGAIN && errno != EINTR)
        return system_error("reading from a command failed");
    return {};
}

// It stays a zombie until it is waited for.
Result<std::optional<Child::End>> Child::look_for_end() const {
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) < 0 &&
        errno != EINTR)
        return system_error("waiting for a command failed");
    if (info.si_pid != pid_)
        return std::optional<End>{};
    return std::optional{End{info.si_code != CLD_EXITED, info.si_status}};
}

// Writes some of `input` and reads some output, waiting at most look_around for either. When it has
// ended, and there is nothing more to read, its output has ended, whatever it left in the
// background still holds the pipe.
Status Child::pump(ByteView& input, std::string& output, Instant deadline) {
    const Duration left = time_left(net::now(), deadline);
    if (left == Duration::zero())
        return fail(Errc::timeout, "it took too long");
    const bool writes = input_ >= 0 && !input.empty();
    pollfd ends[2] = {{output_, POLLIN, 0}, {writes ? input_ : -1, POLLOUT, 0}};
    if (::poll(ends, 2, milliseconds(std::min(left, look_around))) < 0 && errno != EINTR)
        return system_error("waiting for a command failed");
    if (ends[1].revents != 0) {
        const ssize_t wrote = ::write(input_, input.data(), input.size());
        if (wrote >= 0) {
            input.remove_prefix(static_cast<std::size_t>(wrote));
            written_ += static_cast<std::uint64_t>(wrote);
        } else if (errno == EPIPE)
            input = {}; // it does not want to read more, which may be right
        else if (errno != EAGAIN && errno != EINTR)
            return system_error("writing to a command failed");
    }
    if (ends[0].revents != 0)
        return read_some(output);
    const auto end = look_for_end();
    if (!end || !*end)
        return end ? Status{} : fail(end.error());
    const std::size_t had = output.size(); // it may have printed between the two looks
    const Status read = read_some(output);
    output_ended_ = output_ended_ || output.size() == had;
    return read;
}

Result<std::string> Child::exchange(ByteView input, std::uint64_t bytes_max, Instant deadline,
                                    const Stop& stop) {
    std::string output;
    if (input.empty())
        close_input();
    while (!output_ended_) {
        if (stop())
            return fail(Errc::stopped, "nobody waits for it any more");
        const bool wrote_all = input.empty();
        if (Status pumped = pump(input, output, deadline); !pumped)
            return fail(pumped.error());
        if (!wrote_all && input.empty())
            close_input();
        if (output.size() > bytes_max) {
            kill_now();
            return fail(Errc::too_large, "it printed more than " + std::to_string(bytes_max) +
                                             " bytes (--max-size)");
        }
    }
    return output;
}

Result<bool> Child::has_more_to_say() {
    if (read_ahead_.empty() && !output_ended_)
        if (Status looked = read_some(read_ahead_); !looked)
            return fail(looked.error());
    return !read_ahead_.empty();
}

// What lies in the pipe stays there when nobody reads it any more.
bool Child::read_nothing() const noexcept {
    int unread = 0;
    return input_ >= 0 && ::ioctl(input_, FIONREAD, &unread) == 0 && unread >= 0 &&
           static_cast<std::uint64_t>(unread) >= written_;
}

Result<std::string> Child::exchange_line(ByteView line, std::uint64_t bytes_max, Instant deadline,
                                         const Stop& stop) {
    const std::string whole = std::string(line) + "\n";
    ByteView input = whole;
    written_ = 0;
    while (true) {
        const std::size_t end = read_ahead_.find('\n');
        if (end != std::string::npos && input.empty()) {
            std::string answer = read_ahead_.substr(0, end);
            read_ahead_.erase(0, end + 1);
            has_answered_ = true;
            return answer;
        }
        if (stop())
            return fail(Errc::stopped, "nobody waits for it any more");
        if (output_ended_)
            return fail(Errc::peer_gone, "it closed its output without a line for this request");
        if (read_ahead_.size() > bytes_max) {
            kill_now();
            return fail(Errc::too_large, "its line has more than " + std::to_string(bytes_max) +
                                             " bytes (--max-size)");
        }
        if (Status pumped = pump(input, read_ahead_, deadline); !pumped)
            return fail(pumped.error());
    }
}

Result<Child::End> Child::wait(Instant deadline, const Stop& stop) {
    Duration pause = 1ms; // it has closed its output, so its end is near
    while (true) {
        const auto end = look_for_end();
        if (!end)
            return fail(end.error());
        if (*end) {
            kill_now(); // the rest of its group
            return **end;
        }
        if (stop())
            return fail(Errc::stopped, "nobody waits for it any more");
        const Duration left = time_left(net::now(), deadline);
        if (left == Duration::zero())
            return fail(Errc::timeout, "it took too long");
        ::poll(nullptr, 0, milliseconds(std::min(left, pause)));
        pause = std::min<Duration>(pause * 2, look_around);
    }
}

} // namespace flotilla::cli
