// SPDX-License-Identifier: Apache-2.0
#include "host/signals.hpp"

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace flotilla::host {
namespace {

sigset_t watched() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1})
        sigaddset(&set, number);
    return set;
}

} // namespace

Result<Signals> Signals::open() {
    const sigset_t set = watched();
    const int descriptor = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (descriptor < 0)
        return fail(Errc::out_of_files,
                    std::string("cannot watch signals: ") + std::strerror(errno));
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    // A peer or a reader of our output that goes away is an outcome, not an end.
    ::signal(SIGPIPE, SIG_IGN);
    return Signals{descriptor};
}

Signals::Signals(Signals&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

Signals::~Signals() {
    if (descriptor_ < 0)
        return;
    ::close(descriptor_);
    const sigset_t set = watched();
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

std::optional<Signal> Signals::next() {
    signalfd_siginfo info{};
    if (::read(descriptor_, &info, sizeof info) != static_cast<ssize_t>(sizeof info))
        return std::nullopt;
    switch (info.ssi_signo) {
    case SIGHUP:
        return Signal::reload;
    case SIGUSR1:
        return Signal::report;
    default:
        return Signal::stop;
    }
}

} // namespace flotilla::host
