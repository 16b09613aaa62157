// SPDX-License-Identifier: Apache-2.0
//
// QueueMachine: what it shows to whoever looks: levels, counters, pages of queues.
#include <flotilla/base/encoding.hpp>
#include <flotilla/queue/engine/keys.hpp>
#include <flotilla/queue/engine/queue_machine_rest.hpp>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace flotilla::queue {
namespace {

constexpr std::size_t names_counted_max = 10'000; // of one page, of queues behind it

struct Fitting {
    std::string name{};
    Slot slot = no_slot; // in the book; else its id in the store
    QueueId id = 0;
};

bool by_name(const Fitting& a, const Fitting& b) {
    return a.name < b.name;
}

// The first by name of those in the store that `is_known` does not know, and how many follow.
struct Others {
    std::vector<Fitting> first{};
    std::uint64_t left_out = 0;
};
template <class IsKnown>
Others others(const Snapshot& snapshot, const QueuePageWish& wish, IsKnown&& is_known) {
    Others found;
    std::string at = std::max(wish.prefix, wish.after.empty() ? std::string{} : wish.after + '\0');
    while (found.left_out < names_counted_max) {
        const auto row = snapshot.at_or_after(Table::name, at);
        if (!row || !*row || !(*row)->key.starts_with(wish.prefix))
            break;
        at.assign((*row)->key);
        const auto id = read_queue_key((*row)->value);
        if (id && !is_known(at)) {
            if (found.first.size() < wish.queues_max)
                found.first.push_back({at, no_slot, *id});
            else
                ++found.left_out;
        }
        at.push_back('\0');
    }
    return found;
}

void add(QueueLevels& sum, const QueueLevels& one) {
    sum.ready += one.ready;
    sum.delayed += one.delayed;
    sum.leased += one.leased;
    sum.bytes += one.bytes;
    sum.consumers += one.consumers;
    sum.lag = std::max(sum.lag, one.lag);
}

QueueLevels levels_of(const QueueCensus::Sum& sum, std::int64_t wall_ms) {
    QueueLevels levels;
    levels.ready = sum.ready;
    levels.delayed = sum.delayed;
    levels.bytes = sum.bytes;
    if (sum.oldest_ms != 0)
        levels.lag = std::chrono::milliseconds(std::max<std::int64_t>(wall_ms - sum.oldest_ms, 0));
    return levels;
}

} // namespace

EngineLevels QueueMachine::levels() const {
    EngineLevels levels;
    levels.queues = rest_->book_.count();
    levels.sessions = static_cast<std::uint32_t>(rest_->sessions_.size());
    levels.leased = rest_->leases_.held();
    levels.takes = rest_->takes_;
    levels.is_full = rest_->full_.has_value();
    return levels;
}

void QueueMachine::count(EngineCounters& counters) const {
    const EngineCounters& own = rest_->counters_;
    counters.turns_total += own.turns_total;
    counters.commands_total += own.commands_total;
    counters.malformed_total += own.malformed_total;
    counters.refused_total += own.refused_total;
    counters.full_total += own.full_total;
    counters.revoked_total += own.revoked_total;
    counters.delivery_times.add(own.delivery_times);
    rest_->book_.count(counters.queues);
    const OperationCounts& refused = rest_->judge_.refused();
    for (std::size_t i = 0; i < refused.size(); ++i)
        counters.not_allowed[i] += refused[i];
}

std::vector<QueueStat> QueueMachine::queues() const {
    std::vector<QueueStat> stats;
    QueueBook& book = rest_->book_;
    book.for_each([&](Slot slot) {
        book[slot].rate(rest_->turn_.now);
        stats.push_back(book[slot].stat(rest_->turn_.now, rest_->turn_.wall_ms()));
    });
    std::sort(stats.begin(), stats.end(),
              [](const QueueStat& a, const QueueStat& b) { return a.name < b.name; });
    return stats;
}

QueuePage QueueMachine::queues(const QueuePageWish& wish, const Snapshot& snapshot) const {
    QueuePage page;
    std::vector<Fitting> fitting;
    QueueBook& book = rest_->book_;
    const Turn& turn = rest_->turn_;
    book.for_each([&](Slot slot) {
        const Queue& queue = book[slot];
        add(page.all, queue.levels(turn.now, turn.wall_ms()));
        if (wish.queues_max > 0 && queue.name > wish.after && queue.name.starts_with(wish.prefix))
            fitting.push_back({queue.name, slot, queue.id});
    });
    add(page.all, levels_of(book.count_others(snapshot), turn.wall_ms()));
    if (wish.queues_max == 0)
        return page;
    Others unused =
        others(snapshot, wish, [&](std::string_view name) { return book.known(name) != no_slot; });
    fitting.insert(fitting.end(), std::make_move_iterator(unused.first.begin()),
                   std::make_move_iterator(unused.first.end()));
    const std::size_t shown = std::min<std::size_t>(fitting.size(), wish.queues_max);
    const auto end = fitting.begin() + static_cast<std::ptrdiff_t>(shown);
    std::partial_sort(fitting.begin(), end, fitting.end(), by_name);
    for (auto each = fitting.begin(); each != end; ++each) {
        if (each->slot != no_slot) {
            book[each->slot].rate(turn.now);
            page.queues.push_back(book[each->slot].stat(turn.now, turn.wall_ms()));
        } else if (const auto queue = read_queue(snapshot, each->id)) {
            page.queues.push_back(queue->stat(turn.now, turn.wall_ms()));
        }
    }
    page.left_out = fitting.size() - shown + unused.left_out;
    return page;
}

std::vector<SessionStat> QueueMachine::sessions(Instant now) const {
    std::vector<SessionStat> all;
    const auto called = [&](const std::string& user_id) -> std::string {
        const auto& permissions = rest_->judge_.permissions();
        const auto name = permissions && !user_id.empty() ? permissions->user_of(user_id)
                                                          : std::optional<std::string_view>{};
        return std::string(name.value_or(user_id)); // of one who was revoked: the credential
    };
    rest_->sessions_.for_each([&](Slot slot) {
        const Session& session = rest_->sessions_[slot];
        SessionStat& stat = all.emplace_back();
        append_hex(stat.peer, session.peer);
        stat.consumer = session.consumer;
        stat.user = called(session.user_id);
        if (session.queue != no_slot)
            stat.queue = rest_->book_[session.queue].name;
        stat.descriptor = session.descriptor;
        stat.is_gone = session.state == Session::State::gone || session.is_lost;
        stat.is_held = session.is_held;
        stat.credit = session.credit;
        stat.leased = session.outstanding;
        stat.silent = std::max(now - session.heard, Duration::zero());
    });
    std::sort(all.begin(), all.end(),
              [](const SessionStat& a, const SessionStat& b) { return a.peer < b.peer; });
    return all;
}

} // namespace flotilla::queue
