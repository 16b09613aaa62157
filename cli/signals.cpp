// SPDX-License-Identifier: Apache-2.0
#include <cli/signals.hpp>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>

namespace flotilla::cli {

namespace {

std::atomic<int> caught{0};
std::atomic<int> wake_end{-1};
std::atomic<void (*)() noexcept> last_act{nullptr};
int read_end = -1;

void on_signal(int number) {
    const int kept = errno;
    int none = 0;
    if (!caught.compare_exchange_strong(none, number)) {
        if (const auto act = last_act.load())
            act();
        _exit(128 + number);
    }
    const char byte = 1;
    if (write(wake_end.load(), &byte, 1) < 0) {
        // The pipe is full of earlier wake-ups, which serve as well.
    }
    errno = kept;
}

} // namespace

void catch_signals() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) {
        read_end = ends[0];
        wake_end = ends[1];
    }
    struct sigaction action {};
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, nullptr);
}

void before_end_at_once(void (*act)() noexcept) noexcept {
    last_act = act;
}

int signal_caught() noexcept {
    return caught.load();
}

int signal_descriptor() noexcept {
    return read_end;
}

void wait_for_signal(Duration longest) noexcept {
    pollfd signal{read_end, POLLIN, 0};
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(longest);
    const timespec wait{static_cast<time_t>(seconds.count()),
                        static_cast<long>((longest - seconds).count())};
    // One that comes meanwhile interrupts the call, which is as good.
    (void)::ppoll(&signal, 1, &wait, nullptr);
}

} // namespace flotilla::cli
