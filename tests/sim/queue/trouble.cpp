// SPDX-License-Identifier: Apache-2.0
// What goes wrong in a World, or is done to it.
#include "world.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace flotilla::sim {

void World::plan_trouble() {
    const auto again = [this](Duration every, Action trouble) {
        if (every == Duration::zero())
            return;
        for (Instant when = now_ + up_to(2 * every); when < storm_ends_;
             when += 1ms + up_to(2 * every))
            at(when, trouble);
    };
    again(plan_.storm.crash_every, [this] {
        if (random_.one_in(2))
            crash();
        else
            crashes_next_ = true;
    });
    again(plan_.storm.drains_every, [this] { drain(); });
    again(plan_.storm.holds_every, [this] { hold_somebody(); });
    again(plan_.storm.hangs_every, [this] {
        Peer* peer = somebody();
        for (const auto& [name, since] : given_) // rather somebody who has something in hand
            if (const auto found = connected_.find(name); found != connected_.end())
                peer = found->second;
        if (peer)
            peer->hangs_until = std::max(peer->hangs_until, now_ + up_to(plan_.storm.hang_max));
    });
    again(plan_.storm.clock_jumps_every, [this] { clock_offset_ += up_to(4s) - 2s; });
    again(plan_.storm.rights_change_every, [this] { change_rights(); });
    again(plan_.storm.faults.any() ? 200ms : 0ms, [this] {
        disk_->is_full = true;
        after(up_to(50ms), [this] { disk_->is_full = false; });
    });
    if (plan_.one_hangs)
        after(50ms + up_to(100ms), [this] {
            for (const auto& peer : peers_)
                if (peer->has_credit() && peer->hangs_until <= now_)
                    return (void)(peer->hangs_until = never);
        });
    at(storm_ends_, [this] {
        disk_->faults = {};
        set_rights(nullptr);
        schedule_turn(0ms);
    });
}

void World::crash() {
    if (!engine_)
        return;
    trace("     crash");
    ++crashes_;
    disk_->crash();
    end_engine();
}

void World::end_engine() {
    reloads_ += engine_->counters().reloads_total;
    engine_.reset();
    if (plan_.properties.durability == queue::Durability::memory)
        oracle_.forgot();
    crashes_next_ = false;
    held_.clear();
    after(up_to(60ms), [this] { open_engine(); });
}

// Puts are refused for a while, then it ends in order, and begins again.
void World::drain() {
    if (!engine_)
        return;
    trace("     drain");
    engine_->drain(times());
    schedule_turn(0ms);
    after(up_to(60ms), [this, start = starts_] {
        if (!engine_ || starts_ != start)
            return;
        trace("     stop");
        oracle_.stopped();
        queue::EngineOutputs out;
        (void)engine_->stop(times(), out); // with a disk that fails, as good as a crash
        give_out(out);
        end_engine();
    });
}

Peer* World::somebody() {
    if (connected_.empty())
        return nullptr;
    const auto number = static_cast<std::ptrdiff_t>(random_.below(connected_.size()));
    return std::next(connected_.begin(), number)->second;
}

void World::hold_somebody() {
    const Peer* peer = somebody();
    if (!engine_ || !peer)
        return;
    const std::string name = peer->name;
    if (!held_.insert(name).second)
        return;
    trace("     hold " + name);
    engine_->hold(name);
    after(up_to(100ms), [this, name] {
        if (held_.erase(name) == 0 || !engine_)
            return;
        trace("     release " + name);
        engine_->release(name);
        schedule_turn(0ms);
    });
}

// It cannot be reached any more.
void World::forget(const std::string& peer) {
    if (!engine_)
        return;
    held_.erase(peer);
    engine_->unreachable(peer, queue::QueueEngine::Unreachable::gone, times());
    schedule_turn(0ms);
}

} // namespace flotilla::sim
