// SPDX-License-Identifier: Apache-2.0
#include <flotilla/pipeline/wake.hpp>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace flotilla::pipeline {

Result<Wake> Wake::open(std::initializer_list<int> descriptors) {
    Wake wake{::epoll_create1(EPOLL_CLOEXEC),
              ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)};
    bool complete = wake.epoll_ >= 0 && wake.timer_ >= 0;
    const auto add = [&](int descriptor) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = descriptor;
        complete = complete && ::epoll_ctl(wake.epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0;
    };
    add(wake.timer_);
    for (const int descriptor : descriptors)
        add(descriptor);
    if (!complete)
        return fail(Errc::out_of_files, "no descriptor for a Pusher's event loop");
    return wake;
}

Wake::Wake(Wake&& other) noexcept
    : epoll_(std::exchange(other.epoll_, -1)), timer_(std::exchange(other.timer_, -1)) {}

Wake& Wake::operator=(Wake&& other) noexcept {
    std::swap(epoll_, other.epoll_);
    std::swap(timer_, other.timer_);
    return *this;
}

Wake::~Wake() {
    if (timer_ >= 0)
        ::close(timer_);
    if (epoll_ >= 0)
        ::close(epoll_);
}

void Wake::after(Duration wait) noexcept {
    wait = std::max<Duration>(wait, 1ns); // zero would disarm it
    const auto seconds = std::chrono::floor<std::chrono::seconds>(wait);
    itimerspec time{};
    time.it_value.tv_sec = seconds.count();
    time.it_value.tv_nsec = (wait - seconds).count();
    ::timerfd_settime(timer_, 0, &time, nullptr);
}

void Wake::clear_time() noexcept {
    std::uint64_t expirations = 0;
    [[maybe_unused]] const auto read = ::read(timer_, &expirations, sizeof expirations);
}

void wait_for_either(int first, int second, Duration wait) noexcept {
    pollfd descriptors[2] = {{first, POLLIN, 0}, {second, POLLIN, 0}};
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
    // The caller looks again at whatever it waits for, so an interrupted wait needs no care.
    ::poll(descriptors, 2,
           wait == no_limit ? -1 : static_cast<int>(std::clamp<std::int64_t>(ms, 0, 60'000)));
}

} // namespace flotilla::pipeline
