// SPDX-License-Identifier: Apache-2.0
#include <flotilla/pubsub/liveness.hpp>

namespace flotilla::pubsub {

PublisherTable::Publisher& PublisherTable::heard(std::uint64_t epoch, Instant now) {
    Publisher* known = publishers_.touch(epoch);
    if (!known) {
        publishers_.insert(epoch, Publisher{});
        known = publishers_.touch(epoch);
    }
    known->last_heard = now;
    return *known;
}

void PublisherTable::message(std::uint64_t epoch, std::uint64_t lost, Instant now) {
    Publisher& publisher = heard(epoch, now);
    publisher.last_message = now;
    publisher.has_sent = true;
    ++publisher.messages_total;
    publisher.lost_total += lost;
}

void PublisherTable::heartbeat(std::uint64_t epoch, Duration interval, std::uint64_t lost,
                               Instant now) {
    Publisher& publisher = heard(epoch, now);
    publisher.interval = interval;
    publisher.lost_total += lost;
}

Liveness PublisherTable::liveness(const Publisher& publisher, Instant now) const noexcept {
    const Duration interval =
        publisher.interval > Duration::zero() ? publisher.interval : default_interval;
    const Duration window = interval * missed_heartbeats_max_;
    if (publisher.has_sent && now - publisher.last_message <= window)
        return Liveness::alive;
    return now - publisher.last_heard <= window ? Liveness::silent : Liveness::dead;
}

std::vector<PublisherReport> PublisherTable::report(Instant now) const {
    std::vector<PublisherReport> reports;
    reports.reserve(publishers_.size());
    for (const auto& [epoch, publisher] : publishers_)
        reports.push_back(PublisherReport{epoch, liveness(publisher, now), publisher.messages_total,
                                          publisher.lost_total, publisher.interval,
                                          publisher.last_heard});
    return reports;
}

} // namespace flotilla::pubsub
