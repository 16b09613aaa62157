// SPDX-License-Identifier: Apache-2.0
#include "unfinished.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace flotilla::net::detail {
namespace {

std::uint64_t spared_in(Duration time) {
    const auto whole_ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
    return static_cast<std::uint64_t>(std::max<std::int64_t>(whole_ms, 0)) *
           UnfinishedMessages::spared_bytes_a_second / 1000;
}

} // namespace

void UnfinishedMessages::accepted(int descriptor, Instant now) {
    ended(descriptor); // its end was not told
    const std::lock_guard lock(mutex_);
    connections_[descriptor].measured_at = now;
}

void UnfinishedMessages::ended(int descriptor) {
    const std::lock_guard lock(mutex_);
    const auto at = connections_.find(descriptor);
    if (at == connections_.end())
        return;
    stop_listening(at->second);
    connections_.erase(at);
    std::erase_if(endless_, [&](const Endless& each) { return each.descriptor == descriptor; });
}

void UnfinishedMessages::forget_all() {
    const std::lock_guard lock(mutex_);
    connections_.clear();
    endless_.clear();
    listened_for_ = 0;
}

void UnfinishedMessages::stop_listening(Connection& connection) {
    if (std::exchange(connection.is_listened_for, false))
        --listened_for_;
    connection.is_over = false;
    connection.bytes = 0;
}

std::vector<int> UnfinishedMessages::to_measure() {
    const std::lock_guard lock(mutex_);
    std::vector<int> all;
    if (listened_for_ > 0)
        for (const auto& [descriptor, connection] : connections_)
            if (connection.is_listened_for)
                all.push_back(descriptor);
    const std::size_t others = std::min(connections_.size(), others_a_look);
    auto next = connections_.upper_bound(last_measured_);
    for (std::size_t i = 0; i < others; ++i) {
        if (next == connections_.end())
            next = connections_.begin();
        last_measured_ = next->first;
        if (!next->second.is_listened_for)
            all.push_back(next->first);
        ++next;
    }
    return all;
}

void UnfinishedMessages::measured(int descriptor, std::uint64_t read_bytes, Instant now) {
    const std::lock_guard lock(mutex_);
    const auto at = connections_.find(descriptor);
    if (at == connections_.end())
        return;
    Connection& connection = at->second;
    const std::uint64_t spared = spared_in(now - std::exchange(connection.measured_at, now));
    const std::uint64_t before =
        std::exchange(connection.read_bytes, std::max(connection.read_bytes, read_bytes));
    const std::uint64_t came = connection.read_bytes - before;
    connection.bytes += came - std::min(came, spared);
    if (connection.bytes <= bytes_max_)
        return;
    if (!connection.is_listened_for) {
        if (listened_for_ == listened_for_max)
            return;
        ++listened_for_;
        connection.is_listened_for = true;
        connection.bytes = 0;
    } else if (!std::exchange(connection.is_over, true)) {
        connection.empties = empties_; // what ended it may have come, and wait to be received
        connection.messages = messages_;
    } else if (was_everybody_asked(connection)) {
        endless_.push_back({descriptor, connection.bytes});
        stop_listening(connection);
    }
}

bool UnfinishedMessages::listens() const {
    const std::lock_guard lock(mutex_);
    return listened_for_ > 0;
}

bool UnfinishedMessages::was_everybody_asked(const Connection& since) const {
    constexpr std::uint64_t until_libzmq_looks = 1'000; // for connections that have something new
    return empties_ != since.empties ||
           messages_ - since.messages > connections_.size() + until_libzmq_looks;
}

void UnfinishedMessages::heard(int descriptor, Frame frame) {
    const std::lock_guard lock(mutex_);
    messages_ += frame == Frame::last ? 1 : 0;
    const auto at = connections_.find(descriptor);
    if (at == connections_.end() || !at->second.is_listened_for)
        return;
    stop_listening(at->second);
}

void UnfinishedMessages::found_empty() {
    const std::lock_guard lock(mutex_);
    ++empties_;
}

std::vector<UnfinishedMessages::Endless> UnfinishedMessages::take_endless() {
    const std::lock_guard lock(mutex_);
    return std::exchange(endless_, {});
}

} // namespace flotilla::net::detail
