// SPDX-License-Identifier: Apache-2.0
//
// An engine on a store of its own, with a clock that stands still until it is told to move, and
// peers that say what they want in one line. Every turn is checked.
#pragma once

#include <flotilla/queue/engine/engine.hpp>
#include <flotilla/queue/engine/memory_store.hpp>
#include <flotilla/queue/engine/store_check.hpp>
#include <flotilla/queue/put_pack.hpp>
#include <flotilla/wire/leased_pack.hpp>

#include <support/catch.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flotilla::queue::test {

// A store that outlives its engine, and that can fail.
class SharedStore final : public Store {
public:
    struct Disk {
        MemoryStore rows{1ULL << 30};
        std::optional<Errc> next_commit_fails{};
        std::uint64_t commits = 0;
        std::uint64_t room = 1ULL << 30;
        bool reads_fail = false;
    };
    explicit SharedStore(std::shared_ptr<Disk> disk) : disk_(std::move(disk)) {}
    Result<std::unique_ptr<Snapshot>> read() const override {
        if (disk_->reads_fail)
            return fail(Errc::io, "as told");
        return disk_->rows.read();
    }
    std::uint64_t room() const override { return disk_->room; }

protected:
    Status write(const Mutations& mutations) override {
        if (const auto code = std::exchange(disk_->next_commit_fails, std::nullopt))
            return fail(*code, "as told");
        ++disk_->commits;
        const auto committed = disk_->rows.commit(mutations);
        return committed ? Status{} : Status{fail(committed.error())};
    }

private:
    std::shared_ptr<Disk> disk_;
};

// A message as a consumer sees it.
struct Seen {
    leased::LeaseToken lease{};
    std::uint64_t id = 0;
    std::uint32_t attempt = 0;
    leased::Redelivered redelivered{};
    std::string key{};
    std::string body{}; // frames joined by '|'
};

class EngineRig {
public:
    explicit EngineRig(StoreLimits limits = {}) : limits_(std::move(limits)) { start(); }

    std::shared_ptr<SharedStore::Disk> disk = std::make_shared<SharedStore::Disk>();
    std::optional<QueueEngine> engine{};
    EngineOutputs out{};
    Times times{Instant{1h}, WallTime{std::chrono::hours{24 * 365 * 50}}};
    std::uint64_t seed = 1;
    bool is_damaged = false; // rows are, on purpose

    // As after a crash, unless stop() came before.
    void start() {
        engine.reset();
        auto opened =
            QueueEngine::open(std::make_unique<SharedStore>(disk), limits_, seed++, times);
        INFO((opened ? std::string{} : to_string(opened.error())));
        REQUIRE(opened);
        engine.emplace(std::move(*opened));
    }
    void stop() { REQUIRE(engine->stop(times, out)); }

    // Says it; nothing happens before turn().
    void say(std::string_view peer, Command command, std::string_view user = {}) {
        const leased::Envelope envelope{false, std::string(peer) + std::to_string(++said_)};
        engine->apply(Peer{peer, user, -1}, envelope, std::move(command), times);
    }
    void turn() {
        out.clear();
        REQUIRE(engine->finish_turn(times, out));
        engine->check();
    }
    // Turns until nothing more is to be said; everything said is in `out`.
    void turns() {
        EngineOutputs all;
        do {
            turn();
            for (auto& send : out.sends)
                all.sends.push_back(std::move(send));
            for (auto& notice : out.notices)
                all.notices.push_back(std::move(notice));
            for (auto& change : out.changes)
                all.changes.push_back(std::move(change));
        } while (engine->has_more());
        out = std::move(all);
        check_store();
    }
    // Whatever has been committed, rows belong together.
    void check_store() const {
        const auto snapshot = disk->rows.read();
        const auto report = check_rows(**snapshot);
        REQUIRE(report);
        INFO((report->findings.empty() ? "" : report->findings.front()));
        CHECK((report->damaged > 0) == is_damaged);
    }
    // Says it, does the turns and returns the answer.
    template <class Answer>
    Answer ask(std::string_view peer, Command command, std::string_view user = {}) {
        say(peer, std::move(command), user);
        turns();
        for (EngineOutputs::Send& send : out.sends)
            if (send.peer == peer && !send.envelope.correlation.empty())
                if (auto* answer = find<Answer>(send.event))
                    return std::move(*answer);
        FAIL("there was no such answer; " << out.sends.size() << " others, " << errors());
        return {};
    }
    void pass(Duration time) {
        times.now += time;
        times.wall += time;
    }

    // ---- common words
    void create(std::string_view queue, QueueProperties properties = {}) {
        ask<Done>("operator", Create{std::string(queue), std::move(properties), false});
    }
    PutOk put(std::string_view queue, std::string_view body, std::string_view key = {}) {
        return ask<PutOk>("producer", one(queue, body, key));
    }
    static Put one(std::string_view queue, std::string_view body, std::string_view key = {}) {
        Put put;
        put.queue = queue;
        put.key = key;
        put.body.add(body);
        return put;
    }
    static PutPacked many(std::string_view queue, std::size_t messages, std::string_view body) {
        PutWriter writer;
        for (std::size_t i = 0; i < messages; ++i) {
            writer.begin({}, 1);
            writer.add_frame(std::string(body) + std::to_string(i));
        }
        wire::Compressor none{wire::Compression::none};
        PutPacked put;
        put.queue = queue;
        put.packed = Blob::copy(writer.finish(none));
        return put;
    }
    leased::Terms hello(std::string_view peer, std::string_view queue, std::uint32_t credit,
                        bool packed = false) {
        leased::Hello hello;
        hello.queue = queue;
        hello.credit = credit;
        hello.packed = packed;
        say(peer, leased::Command{hello});
        turns();
        for (EngineOutputs::Send& send : out.sends)
            if (const auto* ok = find<leased::Ok>(send.event); ok && ok->terms)
                return *ok->terms;
        FAIL("no session: " << errors());
        return {};
    }
    // Everything that was delivered to the peer in the last turns.
    std::vector<Seen> seen(std::string_view peer) {
        std::vector<Seen> all;
        for (EngineOutputs::Send& send : out.sends) {
            if (send.peer != peer)
                continue;
            if (auto* deliver = find<leased::Deliver>(send.event))
                all.push_back({deliver->lease, deliver->id, deliver->attempt, deliver->redelivered,
                               deliver->key, joined(deliver->body)});
            if (auto* packed = find<leased::DeliverPacked>(send.event))
                unpack(*packed, all);
        }
        return all;
    }
    std::vector<Seen> take(std::string_view peer, std::string_view queue) {
        say(peer, Take{std::string(queue), Duration::zero()});
        turns();
        return seen(peer);
    }
    static leased::Leases leases_of(const std::vector<Seen>& messages) {
        leased::Leases leases;
        for (const Seen& message : messages) {
            leases.epoch = message.lease.epoch;
            leases.add(message.lease.number);
        }
        return leases;
    }
    leased::Ok ack(std::string_view peer, const std::vector<Seen>& messages,
                   std::string_view user = {}) {
        return ask<leased::Ok>(peer, leased::Command{leased::Ack{leases_of(messages)}}, user);
    }
    leased::Ok nack(std::string_view peer, const std::vector<Seen>& messages,
                    Duration delay = Duration::zero()) {
        return ask<leased::Ok>(peer,
                               leased::Command{leased::Nack{leases_of(messages), delay, "no"}});
    }
    QueueStat stat(std::string_view queue) const {
        for (const QueueStat& stat : engine->queues())
            if (stat.name == queue)
                return stat;
        return {};
    }
    std::string errors() {
        std::string all;
        for (EngineOutputs::Send& send : out.sends)
            if (const auto* error = find<leased::ErrorReply>(send.event))
                all += std::string(leased::name(error->code)) + ": " + error->text + "; ";
        return all;
    }
    bool noticed(std::string_view event) const {
        for (const auto& notice : out.notices)
            if (notice.event == event)
                return true;
        return false;
    }

    template <class What>
    static What* find(Event& event) {
        if constexpr (std::is_constructible_v<leased::Event, What>) {
            auto* leased_event = std::get_if<leased::Event>(&event);
            return leased_event ? std::get_if<What>(leased_event) : nullptr;
        } else {
            return std::get_if<What>(&event);
        }
    }

private:
    static std::string joined(const wire::Frames& frames) {
        std::string all;
        for (std::size_t i = 0; i < frames.size(); ++i)
            all += (i > 0 ? "|" : "") + std::string(frames[i].view());
        return all;
    }
    static void unpack(leased::DeliverPacked& packed, std::vector<Seen>& all) {
        wire::Expander expander;
        auto reader = leased::PackedReader::open(packed.packed.share(), expander);
        REQUIRE(reader);
        while (const auto record = reader->next()) {
            ByteView rest = record->body;
            std::string body;
            for (std::size_t i = 0; i < record->frames; ++i)
                body += (i > 0 ? "|" : "") + std::string(leased::next_frame(rest));
            all.push_back({{reader->epoch(), record->lease},
                           record->id,
                           record->attempt,
                           record->redelivered,
                           std::string(record->key),
                           body});
        }
    }
    StoreLimits limits_;
    std::uint64_t said_ = 0;
};

} // namespace flotilla::queue::test
