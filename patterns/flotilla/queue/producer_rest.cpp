// SPDX-License-Identifier: Apache-2.0
#include "producer_rest.hpp"

#include "client_options.hpp"

#include <flotilla/net/system.hpp>

#include <algorithm>
#include <charconv>

namespace flotilla::queue {

namespace {

constexpr std::size_t turn_messages_max = 256;
// The record of one message, which travels as a packed put like any other.
constexpr std::size_t record_bytes_max = limits::packed_bytes_max - 1024;
constexpr ByteView ping_correlation = "p";
// That a connection ended wakes nobody: looked at so often while acknowledgements are awaited.
constexpr Duration loss_look = 100ms;

// Error codes of the store as a caller of this library knows them.
Errc errc_of(leased::ErrorCode code) {
    using Code = leased::ErrorCode;
    switch (code) {
    case Code::no_queue:
    case Code::not_found:
        return Errc::not_found;
    case Code::too_large:
        return Errc::too_large;
    case Code::bad_option:
        return Errc::bad_option;
    case Code::malformed:
        return Errc::malformed;
    case Code::unsupported:
        return Errc::unsupported;
    default:
        return Errc::refused;
    }
}

// Of a message in a packed put the store says the code alone.
std::string why(const Settled& of) {
    using Code = leased::ErrorCode;
    if (!of.text.empty())
        return of.text;
    if (of.code == Code::too_large)
        return "the queue takes smaller messages (message_bytes_max)";
    if (of.code == Code::bad_option)
        return "its priority is none of the queue's (0 to priority_levels - 1), or its "
               "delay or ttl is over 10 years";
    return std::string(leased::name(of.code));
}

// Of whoever says that he is no store.
const std::string* text_of_stranger(const Event& event) {
    constexpr auto wrong = leased::ErrorCode::wrong_peer;
    if (const auto* put = std::get_if<PutRefused>(&event))
        return put->code == wrong ? &put->text : nullptr;
    const auto* plain = std::get_if<leased::Event>(&event);
    const auto* error = plain ? std::get_if<leased::ErrorReply>(plain) : nullptr;
    return error && error->code == wrong ? &error->text : nullptr;
}

ProducerLimits machine_limits(const ProducerOptions& options) {
    ProducerLimits limits;
    limits.window_messages = options.window_messages;
    limits.window_bytes = options.window_bytes;
    limits.greet_max = std::min<Duration>(options.answer_max, limits.greet_max);
    limits.answer_max = options.answer_max;
    limits.reconnect_min = options.reconnect_min;
    limits.reconnect_max = options.reconnect_max;
    return limits;
}

} // namespace

Producer::Rest::Rest(ProducerOptions given, net::Socket socket, net::Monitor watcher, Outbox box)
    : options(std::move(given)), dealer(std::move(socket)), monitor(std::move(watcher)),
      outbox(std::move(box)),
      machine(machine_limits(options), options.stores.size(), net::system_seed()),
      compressor(options.compression) {}

// ---- putting -----------------------------------------------------------------------------------

void Producer::Rest::restore() {
    for (const OutboxLaneState& state : outbox.restored()) {
        const auto store =
            std::find_if(options.stores.begin(), options.stores.end(),
                         [&](const auto& each) { return each.text() == state.store; });
        // At a store that is not among ours a new epoch begins in any case.
        const ProducerEpoch epoch{state.producer, state.base,
                                  static_cast<std::size_t>(store - options.stores.begin())};
        const ProducerLane lane =
            machine.restore_lane(epoch, state.settled, state.appended, OutboxLane::block_bytes);
        lanes.emplace_back().queue = state.queue;
        lane_by_queue.emplace(state.queue, lane);
        if (const std::uint64_t left = state.appended - state.settled; left > 0)
            lanes.back().tickets.push_back({tickets + 1, left});
        tickets += state.appended - state.settled;
    }
}

Result<ProducerLane> Producer::Rest::lane_of(std::string_view queue) {
    if (last_lane < lanes.size() && lanes[last_lane].queue == queue)
        return last_lane;
    std::string name(queue);
    if (const auto known = lane_by_queue.find(name); known != lane_by_queue.end())
        return known->second;
    if (const auto added = outbox.add_lane(queue); !added)
        return fail(added.error());
    const ProducerLane lane = machine.add_lane();
    lanes.emplace_back().queue = name;
    lane_by_queue.emplace(std::move(name), lane);
    return lane;
}

Result<std::uint64_t> Producer::Rest::put(std::string_view queue, std::span<const ByteView> frames,
                                          const PutOptions& with) {
    if (!alive)
        return fail(alive.error());
    if (last_lane >= lanes.size() || lanes[last_lane].queue != queue || !with.key.empty() ||
        with.priority != 0 || with.delay != 0ns || with.ttl != 0ns || !with.message_id.empty() ||
        with.acknowledged_max != 0ns)
        if (const Status checked = check(queue, with); !checked)
            return fail(checked.error());
    PutRecord head;
    head.key = with.key;
    head.priority = with.priority;
    head.delay = std::chrono::ceil<std::chrono::milliseconds>(with.delay);
    head.ttl = std::chrono::ceil<std::chrono::milliseconds>(with.ttl);
    head.message_id = with.message_id;
    std::uint64_t body = 0;
    for (const ByteView frame : frames)
        body += frame.size();
    if (body > record_bytes_max ||
        PutWriter::record_bytes(head, frames.size(), body) > record_bytes_max)
        return fail(Errc::too_large, "a message of " + std::to_string(body) +
                                         " bytes; a Producer sends 16 MiB at most, of which 1 KiB "
                                         "is for its key and the like");
    if (!has_room_to_wait(with))
        return fail(Errc::would_block);
    const auto lane = lane_of(queue);
    if (!lane)
        return fail(lane.error());
    last_lane = *lane;
    const auto bytes = outbox.append(*lane, head, frames);
    if (!bytes)
        return fail(bytes.error());
    std::optional<Instant> acked_by;
    if (with.acknowledged_max > 0ns)
        acked_by = deadline_after(net::now(), with.acknowledged_max);
    machine.append(*lane, *bytes, acked_by);
    lanes[*lane].add(++tickets);
    if (acked_by)
        watch.add(tickets, *acked_by);
    ++counters.put_total;
    send_lone(*lane);
    return tickets;
}

// ---- output ------------------------------------------------------------------------------------

// The same socket throughout, so that its descriptor stays.
void Producer::Rest::connect(std::size_t store) {
    if (connected)
        (void)dealer.disconnect(options.stores[*connected]);
    connected = store;
    if (Status done = dealer.connect(options.stores[store]); !done)
        alive = std::move(done);
}

void Producer::Rest::act() {
    if (out.connect)
        connect(*out.connect);
    if (out.ping && alive) {
        wire::Frames message;
        leased::write({false, std::string(ping_correlation)}, leased::Command{leased::Ping{}},
                      message);
        (void)dealer.send(message, Duration::zero()); // without an answer it is tried again
    }
    for (const ProducerLane lane : out.epochs) {
        const ProducerEpoch& epoch = machine.epoch(lane);
        if (Status kept = outbox.set_epoch(lane, epoch.producer, epoch.base,
                                           options.stores[epoch.store].text());
            !kept && kept.error().code != Errc::would_block)
            alive = std::move(kept);
    }
    for (Settled& each : out.settled)
        settled.push_back(std::move(each));
    out.clear();
}

// False: it cannot leave now.
bool Producer::Rest::send(const PutOrder& order) {
    const auto cut = outbox.measure(order.lane, order.first, order.messages_max, order.bytes_max);
    if (!cut) {
        alive = fail(cut.error());
        return false;
    }
    Blob packed;
    if (options.compression == wire::Compression::none) {
        net::Part part = net::Part::allocate(wire::region_overhead_bytes + cut->bytes);
        wire::write_plain_region_head(part.data(), cut->bytes);
        outbox.copy(order.lane, part.data() + wire::region_overhead_bytes);
        packed = std::move(part).to_blob();
    } else {
        scratch.resize(cut->bytes);
        outbox.copy(order.lane, scratch.data());
        packed = Blob::copy(compressor.region(scratch));
    }
    const PutHead head = machine.sent(order, cut->messages, cut->bytes, net::now());
    wire::Frames message;
    write({false, std::to_string(head.correlation)},
          PutPacked{lanes[order.lane].queue, head.from, std::move(packed), head.tell_acked,
                    head.acked_max},
          message);
    // It was writable; what is lost all the same is sent again when no answer comes.
    (void)dealer.send(message, Duration::zero());
    return true;
}

void Producer::Rest::send_lone(ProducerLane lane) {
    // Most of the time others are under way, and nothing more is asked than that.
    if (auto order = machine.next(lane, ProducerMachine::Leave::alone, net::recent_now(), out)) {
        act();
        if (dealer.writable())
            send(*order);
    }
}

void Producer::Rest::send_gathered() {
    while (alive && dealer.writable()) {
        const auto order = machine.next(net::now(), out);
        act();
        if (!order || !alive || !send(*order))
            return;
    }
}

// ---- input -------------------------------------------------------------------------------------

void Producer::Rest::handle(wire::Frames& message) {
    const auto head = leased::read_head(message, 0);
    if (!head)
        return;
    const auto event = read_event(*head, Asked::put, message);
    if (const auto* text = event ? text_of_stranger(*event) : nullptr)
        return machine.wrong_peer(*text, net::now());
    machine.heard();
    if (!event)
        return;
    const std::string& text = head->envelope.correlation;
    std::uint64_t correlation = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), correlation);
    const auto* plain = std::get_if<leased::Event>(&*event);
    const auto* ok = std::get_if<PutOk>(&*event);
    if (plain && std::holds_alternative<leased::Bye>(*plain))
        machine.receive_bye(net::now());
    else if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size())
        return;
    else if (ok && ok->acked != Acked::unsaid)
        told.push_back(
            {static_cast<ProducerLane>(queue::lane_of(correlation)), ok->first_id, ok->acked});
    else
        machine.receive(correlation, *event, net::now(), out);
}

Status Producer::Rest::read_inputs() {
    for (std::size_t i = 0; i < turn_messages_max; ++i) {
        auto message = dealer.receive(Duration::zero());
        if (message)
            handle(*message);
        else if (message.error().code == Errc::would_block)
            return {};
        else if (message.error().code != Errc::too_large && message.error().code != Errc::too_many)
            return fail(message.error());
    }
    return {};
}

void Producer::Rest::confirm(const Settled& of, const Listeners& listeners) {
    using Outcome = Confirm::Outcome;
    LaneInfo& lane = lanes[of.lane];
    Confirm said;
    said.outcome = of.outcome == Settled::Outcome::stored      ? Outcome::stored
                   : of.outcome == Settled::Outcome::duplicate ? Outcome::duplicate
                                                               : Outcome::refused;
    (of.outcome == Settled::Outcome::stored      ? counters.stored_total
     : of.outcome == Settled::Outcome::duplicate ? counters.duplicate_total
                                                 : counters.refused_total) += of.count;
    if (of.outcome == Settled::Outcome::refused)
        said.error = {errc_of(of.code), why(of)};
    said.id = of.id;
    for (std::uint64_t i = 0; i < of.count; ++i) {
        said.ticket = lane.take();
        if (watch.size() > 0)
            watch.confirmed(said, of.lane,
                            of.is_watched ? AckWatch::Store::watches : AckWatch::Store::is_full);
        if (listeners.confirm)
            listeners.confirm(said);
        if (said.id != 0)
            ++said.id;
    }
}

void Producer::Rest::look_for_losses() {
    if (std::exchange(losses, machine.losses()) != machine.losses())
        watch.lose({Errc::peer_gone, "the connection ended: the store tells no more of it"});
}

void Producer::Rest::turn(const Listeners& listeners) {
    if (!alive)
        return;
    using Kind = net::ConnectionEvent::Kind;
    while (const auto event = monitor.next()) {
        if (event->kind == Kind::handshake_succeeded)
            machine.connection_made();
        else if (event->kind == Kind::disconnected)
            machine.connection_lost(net::now());
        if (options.on_connection)
            options.on_connection(*event);
    }
    look_for_losses(); // those before what is confirmed and told now
    alive = read_inputs();
    machine.tick(net::now(), out);
    if (!alive)
        return;
    act();
    send_gathered();
    // What is under way goes first; then the outbox forgets, and then the caller is told.
    std::vector<Settled> now_settled = std::exchange(settled, {});
    for (std::size_t i = 0; i < now_settled.size() && alive; ++i)
        if (i + 1 == now_settled.size() || now_settled[i + 1].lane != now_settled[i].lane)
            alive =
                outbox.settle(now_settled[i].lane, now_settled[i].first + now_settled[i].count - 1);
    for (const Settled& each : now_settled)
        confirm(each, listeners);
    for (const Told& each : std::exchange(told, {}))
        watch.told(each.lane, each.id, each.acked);
    look_for_losses();
    watch.tick(net::now());
    for (const Acknowledgement& each : watch.take())
        if (listeners.acknowledged)
            listeners.acknowledged(each);
}

Duration Producer::Rest::wait_max() const {
    if (dealer.readable() || !settled.empty())
        return Duration::zero();
    const Duration wait =
        time_left(net::now(), std::min(machine.next_deadline(), watch.next_deadline()));
    return watch.size() > 0 ? std::min(wait, loss_look) : wait;
}

std::string Producer::Rest::state_text() const {
    if (!alive)
        return to_string(alive.error());
    const std::string store = options.stores[machine.store()].text();
    if (!machine.stranger().empty())
        return store + ": " + machine.stranger();
    if (machine.state() != ProducerMachine::State::ready)
        return "connecting to " + store;
    return machine.trouble();
}

std::string Producer::Rest::full_text(const PutOptions& with) const {
    if (!has_room_to_wait(with))
        return std::to_string(watch.size()) + " puts wait for their acknowledgement";
    return "the outbox is full: " + state_text();
}

} // namespace flotilla::queue
