// SPDX-License-Identifier: Apache-2.0
#include "unfinished.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

namespace flotilla::net::detail {

void UnfinishedMessages::accepted(int descriptor, Instant now) {
    ended(descriptor); // its end was not told
    const std::lock_guard lock(mutex_);
    Connection& connection = connections_[descriptor];
    connection.measured_at = connection.grown_at = now;
}

void UnfinishedMessages::ended(int descriptor) {
    const std::lock_guard lock(mutex_);
    listened_for_.erase(descriptor);
    connections_.erase(descriptor);
    std::erase_if(endless_, [&](const Endless& each) { return each.descriptor == descriptor; });
}

void UnfinishedMessages::forget_all() {
    const std::lock_guard lock(mutex_);
    listened_for_.clear();
    connections_.clear();
    endless_.clear();
}

void UnfinishedMessages::listen(int descriptor, Connection& connection) {
    listened_for_.insert(descriptor);
    connection.is_resting = false;
    connection.bytes = 0;
}

void UnfinishedMessages::stop_listening(int descriptor, Connection& connection) {
    listened_for_.erase(descriptor);
    connection.is_over = false;
    connection.bytes = 0;
}

void UnfinishedMessages::was_heard(int descriptor, Connection& connection) {
    stop_listening(descriptor, connection);
    connection.is_resting = false;
    connection.rests = 0;
}

std::vector<int> UnfinishedMessages::to_measure() {
    const std::lock_guard lock(mutex_);
    std::vector<int> all;
    const auto add_next = [&all](const auto& from, int& last, std::size_t most, auto descriptor) {
        auto next = from.upper_bound(last);
        for (std::size_t i = std::min(from.size(), most); i > 0; --i, ++next) {
            if (next == from.end())
                next = from.begin();
            last = descriptor(*next);
            all.push_back(last);
        }
    };
    add_next(listened_for_, last_listened_for_, listened_for_a_look, [](int each) { return each; });
    const auto others = static_cast<std::ptrdiff_t>(all.size());
    add_next(connections_, last_other_, others_a_look, [](const auto& each) { return each.first; });
    all.erase(std::remove_if(all.begin() + others, all.end(),
                             [&](int each) { return listened_for_.contains(each); }),
              all.end());
    return all;
}

// Of what came, without what may be heartbeats.
std::uint64_t UnfinishedMessages::count(Connection& connection, Traffic traffic,
                                        Instant now) const {
    const Duration time = now - std::exchange(connection.measured_at, now);
    const auto whole_ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
    const Traffic before = std::exchange(
        connection.traffic, {std::max(connection.traffic.read_bytes, traffic.read_bytes),
                             std::max(connection.traffic.sent_bytes, traffic.sent_bytes)});
    const std::uint64_t came = connection.traffic.read_bytes - before.read_bytes;
    const std::uint64_t sent = connection.traffic.sent_bytes - before.sent_bytes;
    // A PING is up to four times its PONG.
    const std::uint64_t answered =
        std::min(sent * 4, static_cast<std::uint64_t>(std::max<std::int64_t>(whole_ms, 0)) *
                               answered_bytes_a_second / 1000);
    return came - std::min(came, answered);
}

void UnfinishedMessages::measured(int descriptor, Traffic traffic, Instant now) {
    const std::lock_guard lock(mutex_);
    const auto at = connections_.find(descriptor);
    if (at == connections_.end())
        return;
    Connection& connection = at->second;
    if (traffic.read_bytes < connection.traffic.read_bytes / 2) { // another's by now
        was_heard(descriptor, connection);
        connection.traffic = {};
    }
    const std::uint64_t counted = count(connection, traffic, now);
    if (counted > 0)
        connection.grown_at = now;
    connection.bytes += counted;
    if (!listened_for_.contains(descriptor)) {
        if (connection.bytes > (connection.is_resting ? 0 : bytes_max_))
            listen(descriptor, connection);
    } else if (now - connection.grown_at >= idle_max && connection.rests < rests_max) {
        stop_listening(descriptor, connection);
        connection.is_resting = true;
        ++connection.rests;
    } else if (connection.bytes <= bytes_max_) {
        return;
    } else if (!std::exchange(connection.is_over, true)) {
        connection.empties = empties_; // what ended it may have come, and wait to be received
        connection.messages = messages_;
    } else if (was_everybody_asked(connection)) {
        endless_.push_back({descriptor, connection.bytes});
        was_heard(descriptor, connection);
    }
}

bool UnfinishedMessages::listens() const {
    const std::lock_guard lock(mutex_);
    return !listened_for_.empty();
}

bool UnfinishedMessages::was_everybody_asked(const Connection& since) const {
    constexpr std::uint64_t until_libzmq_looks = 300; // for connections that have something new
    return empties_ != since.empties ||
           messages_ - since.messages > connections_.size() + until_libzmq_looks;
}

void UnfinishedMessages::heard(int descriptor, Frame frame) {
    const std::lock_guard lock(mutex_);
    messages_ += frame == Frame::last ? 1 : 0;
    if (listened_for_.contains(descriptor))
        return was_heard(descriptor, connections_.at(descriptor));
    if (descriptor < 0)
        while (!listened_for_.empty())
            was_heard(*listened_for_.begin(), connections_.at(*listened_for_.begin()));
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
