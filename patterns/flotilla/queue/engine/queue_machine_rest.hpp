// SPDX-License-Identifier: Apache-2.0
//
// What a QueueMachine is made of. Its work is told apart by file:
//
//     machine_turn.cpp      the turn, from command to commit
//     machine_puts.cpp      put; machine_blocks.cpp the way into a lane
//     machine_sessions.cpp  hello, credit, take, ping, bye; who is there
//     machine_leases.cpp    ack, nack, touch
//     machine_returns.cpp   what comes back: again, later, or dead
//     machine_lanes.cpp     blocks in use, keys, finishing
//     machine_delivery.cpp  what goes out, to whom; machine_fresh.cpp the next message of a lane
//     machine_admin.cpp     create to redrive
//     machine_rights.cpp    who may say what
//     machine_host.cpp      what jobs do through the machine, and what is due
//     machine_looks.cpp     what it shows
//     machine_check.cpp     what must always hold
#pragma once

#include <flotilla/base/judge.hpp>
#include <flotilla/base/random.hpp>
#include <flotilla/queue/engine/acked_waits.hpp>
#include <flotilla/queue/engine/browse.hpp>
#include <flotilla/queue/engine/delay_wheel.hpp>
#include <flotilla/queue/engine/duplicate_window.hpp>
#include <flotilla/queue/engine/engine.hpp>
#include <flotilla/queue/engine/jobs.hpp>
#include <flotilla/queue/engine/leases.hpp>
#include <flotilla/queue/engine/producer_table.hpp>
#include <flotilla/queue/engine/queue_book.hpp>
#include <flotilla/queue/engine/queue_machine.hpp>
#include <flotilla/queue/engine/sessions.hpp>
#include <flotilla/queue/engine/turn.hpp>
#include <flotilla/queue/put_pack.hpp>
#include <flotilla/wire/hop.hpp>
#include <flotilla/wire/leased_pack.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace flotilla::queue {

inline constexpr std::size_t held_back_max = 1'000; // order=key: looked past in one lane

class QueueMachine::Rest final : public JobHost {
public:
    Rest(const StoreLimits& limits, std::uint64_t seed);

    // ---- the turn
    Status load(const Snapshot& snapshot, Times times);
    void set_times(Times times);
    void begin_turn(const Snapshot& snapshot, StoreRoom room, Times times);
    void end_apply(Times times);
    void committed(EngineOutputs& out);
    void release_early(EngineOutputs& out);
    Status look_ahead(const Snapshot& snapshot);
    Instant next_deadline() const noexcept;
    bool has_more() const noexcept { return more_ || more_due_ || jobs_.has_work(); }
    bool must_commit() const noexcept;
    bool is_turn_full() const noexcept;   // for more commands
    bool is_commit_full() const noexcept; // of what it has to write
    void drain() noexcept;
    void stop(Times times);
    void check() const;

    void record_hops(); // as the limits say

    // ---- inputs
    struct Said {
        const Peer& peer;
        const leased::Envelope& envelope;
        std::uint64_t user;
        Slot session; // of the peer; no_slot when it has none
    };
    void receive(const Peer& peer, const leased::Envelope& envelope, Command&& command);
    void malformed(const Peer& peer, const leased::Envelope& envelope, const Error& error);
    void connection_lost(int descriptor); // a hint of the transport
    void question(int descriptor);        // whose session it may have been
    void unreachable(std::string_view peer, QueueEngine::Unreachable why);
    void set_permissions(std::shared_ptr<const Permissions> permissions);
    void release(std::string_view peer);

    // ---- JobHost
    Result<std::vector<bool>> ready_in(const Snapshot& snapshot, const BlockPlace& place,
                                       std::size_t count) override;
    void damaged(const BlockPlace& place) override;
    Status leave(const Snapshot& snapshot, const Waiting& message, Leaving why) override;
    void leave_delayed(const Delayed& message, Leaving why) override;
    Status put_back(const Snapshot& snapshot, const Waiting& message) override;

    // ---- deliveries
    Status deliver(const Snapshot& snapshot, EngineOutputs& out);

    StoreLimits limits_;
    std::optional<wire::HopStamp> hop_; // where hops are recorded
    Random random_;
    std::uint64_t epoch_;
    Turn turn_{};
    QueueBook book_{};
    BlockUses uses_{};
    Leases leases_{};
    Sessions sessions_;
    ProducerTable producers_;
    DuplicateWindow duplicates_{};
    DelayWheel wheel_{};
    Jobs jobs_{};
    EngineCounters counters_{};
    Judge judge_{};
    bool draining_ = false;
    bool stopped_ = false;
    std::uint32_t halved_turns_ = 0;
    // Puts are refused for lack of room: the last time, and what that one would have taken.
    struct Full {
        Instant since_refusal{};
        StoreRoom wanted{};
    };
    std::optional<Full> full_{};
    std::uint32_t takes_ = 0;

private:
    // What waits for the commit, in the order in which it was decided.
    enum class Needs : std::uint8_t { commit, nothing };
    struct Held {
        EngineOutputs::Send send{};
        Needs needs{};
    };
    // Where a message is named: of one queue, in one lane.
    struct LaneRef {
        Slot queue = no_slot;
        Lane lane = 0;
    };

    // ---- answers
    void answer(const Said& said, Event event, Needs needs = Needs::nothing);
    void answer_if_wanted(const Said& said, Event event, Needs needs);
    void refuse(const Said& said, leased::ErrorCode code, std::string text);
    void notice(std::string_view event, std::string detail, std::string queue = {});
    // Of a change of this queue: whether its answer waits for the commit, and the turn with it.
    Needs changed(const Queue& queue);
    void commit_soon();
    void gather();
    void end_round(EngineOutputs& out, Needs upto);

    // ---- rights
    bool is_judged(const Peer& peer) const noexcept;
    bool may(const Said& said, const Command& command);
    void name_queue(Command& command) const;
    bool may_see(std::string_view user_id, std::string_view queue);
    void not_allowed(const Said& said, Operation operation, std::string_view queue);
    void note_change(const Said& said, std::string_view verb, std::string_view queue);
    void revoke(Slot session);

    // ---- queues
    enum class Creates : std::uint8_t { no, by_pattern, always };
    // no_slot, and an answer: there is no such queue.
    Slot queue_for(const Said& said, std::string_view name, Creates creates);
    Slot find_or_create(std::string_view name, Creates creates, std::string& why);
    Slot make(std::string name, const QueueProperties& properties);
    void become(Slot queue, QueueProperties properties);
    void end_queue(Slot queue);
    Queue& queue_of(const BlockUse& use) { return book_[use.queue]; }
    void wake(Slot queue); // it may have something to deliver

    // ---- puts
    struct Message {
        Record record{};
        std::uint8_t priority = 0;
        Duration delay{0};
        Duration ttl{0};
        std::string_view message_id{};
    };
    // The note of a message that its producer may have put before, under a name of its own that
    // this store has forgotten. It is delivered as maybe.
    static constexpr std::string_view maybe_note = "maybe_duplicate=yes\n";
    std::uint64_t message_bytes_max(const QueueProperties& properties) const;
    struct Batch; // what becomes of one put: queue_batch.hpp
    struct Answering;
    void handle(const Said& said, Put& put);
    void handle(const Said& said, PutPacked& put);
    bool begin_batch(const Said& said, Batch& batch, std::string_view queue,
                     const ProducerSequence& from, std::uint64_t messages);
    void end_batch(const Said& said, Batch& batch, const ProducerSequence& from,
                   const Answering& answering);
    enum class Alone : std::uint8_t { yes, no };
    void put_one(Batch& batch, const Message& message, std::uint32_t index, Alone alone);
    void put_runs(Batch& batch, PutReader& reader);
    std::uint32_t room_in(Batch& batch, std::uint64_t bytes);
    std::uint64_t& gathered_for(const Queue& queue) noexcept {
        return is_memory_queue(queue.id) ? gathered_.memory : gathered_.disk;
    }
    std::uint64_t room_for(const Queue& queue) const noexcept {
        return is_memory_queue(queue.id) ? room_.memory : room_.disk;
    }
    Lane lane_for(const Queue& queue, std::uint8_t priority, std::string_view key) const;
    LaneState& lane_with_room(Slot queue, Lane lane, std::size_t bytes, std::size_t records);
    // At the end of a lane; the record's id is set. Levels are the caller's.
    Position append(Slot queue, Lane lane, Record record);
    void begin_block(Slot queue, Lane lane);
    void close_block(Slot queue, Lane lane);
    void close_blocks();
    wire::Compressor* compressor_for(const Queue& queue);

    // ---- sessions
    void handle(const Said& said, leased::Command& command);
    void handle(Said& said, const leased::Hello& hello);
    void handle(Said& said, const leased::Credit& credit);
    void handle(Said& said, const leased::Take& take);
    void handle(Said& said, const leased::Ack& ack);
    void handle(Said& said, const leased::Nack& nack);
    void handle(Said& said, const leased::Touch& touch);
    void handle(Said& said, const leased::Ping& ping);
    void handle(Said& said, const leased::Pong& pong);
    void handle(Said& said, const leased::Bye& bye);
    void handle(const Said& said, const Take& take);
    void take(Said& said, Slot queue, Duration wait);
    void end_take(Session& session, Event event);
    void heard(Slot session);
    void set_credit(Slot session, std::uint32_t credit);
    Slot open_session(Said& said);
    Slot resume(Said& said, const leased::Hello& hello, Slot queue);
    std::vector<std::uint64_t> held_by(Slot session);
    void return_unheld(Slot session, const leased::Held& held);
    void drop(Slot session);
    void end_session(Slot session);
    void update(Slot session);
    void tick_sessions();
    void tick_session(Slot session);
    void tick_takes(EngineOutputs& out);
    void probe(const Session& session);

    // ---- leases
    enum class Hold : std::uint8_t { held, late, lost };
    Hold hold(const Said& said, const Lease& lease);
    template <class Each>
    void for_leases(const Said& said, const leased::Leases& leases, Each&& each);
    void acknowledge(std::uint64_t number, Lease& lease, Hold held);
    void lease_ended(const Grant& grant);
    void tick_leases();
    // What a lease holds at its session: one of its window.
    void free_window(const Lease& lease);
    void update_touched();
    // ---- returns
    enum class Cause : std::uint8_t { nacked, lease_over, consumer_gone, taken_back, stopping };
    static std::string_view name(Cause cause) noexcept;
    void give_back(std::uint64_t number, Cause cause, std::string_view text,
                   std::optional<Duration> delay);
    void give_back_all(std::vector<std::uint64_t>& numbers, Cause cause, std::string_view text,
                       std::optional<Duration> delay);
    void take_back_behind(Slot queue, Position position);
    void delay_again(std::uint64_t number, Lease& lease, Duration delay);
    void bury(std::uint64_t number, Lease& lease, Cause cause, std::string_view text);
    struct Grave {
        Slot origin = no_slot;
        MessageId id = 0;
        std::string_view reason{};
        std::uint32_t attempts = 0;
        std::string_view text{};
        Lane lane = 0; // that it was in
    };
    void bury(const Grave& grave, const Record& record);
    void accept(Slot queue, const Record& record, std::uint8_t priority);
    void end_lease(std::uint64_t number, const Lease& lease);
    static bool take_returned(LaneState& lane, Position position, Returned& returned);
    void tick_resting();

    // ---- lanes
    enum class Keyed : std::uint8_t { no, yes };
    // Finished in its block; levels and counters are the caller's, except bytes. `attempts_kept` is
    // what the row of its attempts says, which goes with it; 0: it has none since the start.
    void finish(Slot block, std::size_t index, std::uint32_t bytes, std::uint32_t attempts_kept);
    void unpin(Slot block, std::uint32_t key, Keyed keyed);
    void release_key(LaneRef at, std::uint32_t key);
    static void leave_line(LaneState& lane, std::uint32_t key, Position position);
    void write_blocks();
    void try_free(Slot block);
    void forget_block(Slot block);
    Slot use_of(Slot queue, const BlockPlace& place, const BlockReader& reader,
                const Snapshot& snapshot);
    void read_attempts(BlockUse& use, QueueId queue, const Snapshot& snapshot);
    // The record of a message in use, with its id, from the turn's snapshot; false: it is not
    // readable.
    bool read_used(Slot block, std::size_t index, Record& record);
    Slot use_from_store(const Snapshot& snapshot, Slot queue, const BlockPlace& place);
    void answer_waits(QueueId queue, MessageId id, Acked acked);
    void tick_waits();

    // ---- delivery
    struct Round; // one call of deliver(): queue_round.hpp
    struct Giver;
    struct Given;
    enum class Served : std::uint8_t { idle, more };
    Served serve(Round& round, Slot queue);
    Slot next_session(Slot queue);
    std::optional<Lane> next_lane(Round& round, Slot queue);
    bool can_give(const Queue& queue, const LaneState& lane) const;
    bool is_behind_horizon(Round& round, LaneRef at);
    void give(Round& round, Slot queue, Lane lane, Slot session, std::uint32_t messages);
    bool give_returned(Round& round, Giver& giver);
    bool give_fresh(Round& round, Giver& giver);
    void fill(Given& given, const LaneState& lane, Slot block, std::size_t index);
    bool fits(const Giver& giver, const Record& record) const;
    std::uint64_t emit(Round& round, Giver& giver, const Given& message);
    void send_one(Round& round, const Giver& giver, const Record& record, ByteView body,
                  std::uint64_t number, std::uint32_t attempts, leased::Redelivered redelivered);
    void send_pack(Round& round, const Giver& giver);
    // machine_hops.cpp: of a message on its way out.
    ByteView body_with_hop(const Given& message);
    void expire(Slot queue, Slot block, std::size_t index, const Record& record,
                std::uint32_t attempts_kept);
    bool read_returned(Round& round, Slot block);
    bool open_at_cursor(Round& round, LaneRef at);
    bool open_block(Round& round, LaneRef at, const BlockPlace& place, ByteView value);
    void skip_damaged(Round& round, LaneRef at, const BlockPlace& place, ByteView value,
                      const Error& error);
    enum class Raise : std::uint8_t { no, yes };
    // Whether somebody waits for what lies beyond a horizon.
    bool plan_horizon(Slot queue, Raise raise);
    bool plan_horizons(Raise raise);
    void answer_reads(Round& round);
    ListReply list_reply(const NamesPage& page, const std::optional<std::string>& viewer);

    // ---- administration
    void handle(const Said& said, const Create& create);
    void handle(const Said& said, const Alter& alter);
    void handle(const Said& said, const Delete& erase);
    void handle(const Said& said, const Purge& purge);
    void handle(const Said& said, const Stat& stat);
    void handle(const Said& said, const List& list);
    void handle(const Said& said, const Peek& peek);
    void handle(const Said& said, const Kick& kick);
    void handle(const Said& said, const Redrive& redrive);
    std::string store_text() const;
    void await(const Said& said, JobNumber job);
    bool has_room_for_job(const Said& said);
    void run_jobs();
    void drop_excess();
    void promote();
    void reap();
    void check_lane(Slot queue, Lane lane, std::unordered_map<Slot, std::uint32_t>& pins) const;

    struct Asker { // whom to answer later
        std::string peer{};
        leased::Envelope envelope{};
    };
    static constexpr std::size_t reads_max = 16; // of a turn; a page has up to page_bytes_max
    struct Read {                                // answered from the next snapshot
        Asker asker{};
        std::variant<List, Peek> what{};
        std::optional<std::string> viewer{}; // a user who does not see everything
    };

    // ---- of this turn
    std::vector<Held> held_{};
    std::vector<EngineOutputs::Notice> notices_{};
    std::vector<EngineOutputs::Change> changes_{};
    std::vector<int> cuts_{};
    std::vector<LaneRef> open_lanes_{}; // with something in their writers
    std::vector<Slot> over_limit_{};    // queues with overflow to be dropped
    std::vector<LaneRef> tails_{};      // that go up with the commit
    std::vector<Read> reads_{};
    std::vector<Slot> touched_sessions_{};
    std::uint32_t commands_ = 0;
    StoreRoom gathered_{}; // bytes of puts
    StoreRoom room_{};
    bool needs_commit_ = false;
    Instant commit_by_ = never;
    bool meta_changed_ = false;
    bool was_told_set_back_ = false;

    // ---- of the machine
    AckedWaits acked_waits_;
    std::unordered_map<std::uint64_t, MessageId> waited_leases_{};
    std::map<JobNumber, Asker> job_askers_{};
    std::deque<Slot> waiting_{};  // queues to deliver from
    std::vector<Slot> starved_{}; // that wait until leases_max allows more
    std::set<Slot> resting_{};    // queues with retry delays that are waited out in place
    std::uint64_t last_turn_ = 0;
    bool more_ = false;
    bool more_due_ = false;
    Instant next_look_ = never; // at sessions
    Instant next_take_ = never; // the first take whose wait ends
    Instant next_rest_ = never; // rate limits and retry delays in place
    std::optional<std::int64_t> next_delayed_ms_{};
    std::optional<std::int64_t> next_expiry_ms_{};
    std::int64_t stored_wall_ms_ = 0;

    // ---- memory that is used again
    wire::Expander expander_{};
    std::array<std::optional<wire::Compressor>, 3> compressors_{};
    leased::PackedWriter pack_{};
    std::string hop_frame_{}; // of body_with_hop(), for their memory
    std::string hop_body_{};
    BlockReader applied_reader_{};
    Slot applied_block_ = no_slot;
    BlockReader fresh_reader_{};
    KeptBlock kept_{};
    BlockReader returned_reader_{};
    wire::Writer body_{};
};

std::uint32_t key_hash(std::string_view key) noexcept;
// Bytes that a message counts for: of its body and key.
std::uint32_t load_of(const Record& record) noexcept;

} // namespace flotilla::queue
