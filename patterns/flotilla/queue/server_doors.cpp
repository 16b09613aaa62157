// SPDX-License-Identifier: Apache-2.0
#include "server_doors.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace flotilla::queue {

Result<ServerDoors> ServerDoors::open(net::Context& context, const QueueServerOptions& options,
                                      std::uint64_t seed, net::Socket& router) {
    ServerDoors all;
    for (std::size_t i = 0; i < options.doors.size(); ++i) {
        OpenDoor::Plan plan;
        plan.door = options.doors[i];
        plan.number = i + 1;
        plan.seed = seed;
        plan.message_bytes_max = options.limits.message_bytes_max;
        plan.security = options.security;
        plan.domain = options.domain;
        plan.linger = options.linger;
        auto door = OpenDoor::open(context, std::move(plan));
        if (!door)
            return fail(door.error().code,
                        "door " + std::to_string(i + 1) + ": " + door.error().detail);
        all.by_id_.emplace((*door)->id(), door->get());
        all.doors_.push_back(std::move(*door));
    }
    if (!all.doors_.empty())
        if (Status watched = all.watch_all(router); !watched)
            return fail(std::move(watched.error()));
    return all;
}

ServerDoors::ServerDoors(ServerDoors&& other) noexcept
    : doors_(std::move(other.doors_)), by_id_(std::move(other.by_id_)),
      poller_(std::move(other.poller_)), epoll_(std::exchange(other.epoll_, -1)) {}

ServerDoors::~ServerDoors() {
    if (epoll_ >= 0)
        ::close(epoll_);
}

Status ServerDoors::watch_all(net::Socket& router) {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    bool watched = epoll_ >= 0;
    const auto watch = [&](const net::Socket& socket) {
        epoll_event event{};
        event.events = EPOLLIN;
        watched = watched && ::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket.fd(), &event) == 0;
    };
    watch(router);
    for (const auto& each : doors_)
        watch(each->socket());
    return watched ? Status{} : fail(Errc::out_of_files, "no descriptor for a server's doors");
}

// ---- a turn ------------------------------------------------------------------------------------

void ServerDoors::speak(QueueEngine& engine, Times times) {
    for (const auto& each : doors_)
        each->speak(engine, times);
}

void ServerDoors::hear(EngineOutputs::Send&& said, Times times) {
    if (const auto door = by_id_.find(said.peer); door != by_id_.end())
        door->second->hear(std::move(said.envelope), std::move(said.event), times);
}

void ServerDoors::reloaded() {
    for (const auto& each : doors_)
        each->reloaded();
}

void ServerDoors::read_monitors() {
    for (const auto& each : doors_)
        each->read_monitor();
}

std::vector<int> ServerDoors::monitor_fds() const {
    std::vector<int> all;
    for (const auto& each : doors_)
        if (const int descriptor = each->monitor_fd(); descriptor >= 0)
            all.push_back(descriptor);
    return all;
}

void ServerDoors::cut_disallowed() {
    for (const auto& each : doors_)
        each->cut_disallowed();
}

void ServerDoors::drain() {
    for (const auto& each : doors_)
        each->drain();
}

void ServerDoors::close(QueueEngine& engine, Times times) {
    for (const auto& each : doors_)
        each->close(engine, times);
}

// ---- the loop ----------------------------------------------------------------------------------

Status ServerDoors::wait(net::Socket& router, Duration wait) {
    poller_.on_readable(router, [] {});
    for (const auto& each : doors_)
        each->watch(poller_);
    return poller_.turn(wait);
}

bool ServerDoors::has_input() const noexcept {
    return std::any_of(doors_.begin(), doors_.end(),
                       [](const auto& each) { return each->has_input(); });
}

Instant ServerDoors::next_deadline() const noexcept {
    Instant next = never;
    for (const auto& each : doors_)
        next = std::min(next, each->next_deadline());
    return next;
}

bool ServerDoors::is_idle() const noexcept {
    return std::all_of(doors_.begin(), doors_.end(),
                       [](const auto& each) { return each->is_idle(); });
}

std::vector<DoorStat> ServerDoors::stats() const {
    std::vector<DoorStat> all;
    for (const auto& each : doors_)
        all.push_back(each->stat());
    return all;
}

} // namespace flotilla::queue
