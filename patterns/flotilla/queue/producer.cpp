// SPDX-License-Identifier: Apache-2.0
#include "client_options.hpp"

#include <flotilla/base/check.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/queue/outbox.hpp>
#include <flotilla/queue/producer.hpp>
#include <flotilla/queue/producer_machine.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <deque>
#include <unordered_map>
#include <utility>

namespace flotilla::queue {

namespace {

constexpr std::size_t turn_messages_max = 256;
constexpr std::uint64_t read_ahead_bytes = 4ULL << 20;
// The record of one message, which travels as a packed put like any other.
constexpr std::size_t record_bytes_max = limits::packed_bytes_max - 1024;
constexpr ByteView ping_correlation = "p";

// Tickets of a lane's messages, of which many follow each other.
struct TicketRun {
    std::uint64_t ticket = 0;
    std::uint64_t count = 0;
};

struct LaneInfo {
    std::string queue{};
    std::deque<TicketRun> tickets{};

    void add(std::uint64_t ticket) {
        if (!tickets.empty() && tickets.back().ticket + tickets.back().count == ticket)
            ++tickets.back().count;
        else
            tickets.push_back({ticket, 1});
    }
    std::uint64_t take() {
        FLOTILLA_CHECK(!tickets.empty(), "a message without ticket was settled");
        const std::uint64_t ticket = tickets.front().ticket++;
        if (--tickets.front().count == 0)
            tickets.pop_front();
        return ticket;
    }
};

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

struct Producer::Rest {
    Rest(ProducerOptions given, net::Socket socket, net::Monitor watcher, Outbox box)
        : options(std::move(given)), dealer(std::move(socket)), monitor(std::move(watcher)),
          outbox(std::move(box)),
          machine(machine_limits(options), options.stores.size(), net::system_seed()),
          compressor(options.compression) {}

    void restore();
    Result<Lane> lane_of(std::string_view queue);
    Result<std::uint64_t> put(std::string_view queue, std::span<const ByteView> frames,
                              const PutOptions& with);
    void connect(std::size_t store);
    void act();
    bool send(const PutOrder& order);
    void send_lone(Lane lane);
    void send_gathered();
    void handle(wire::Frames& message);
    Status read_inputs();
    void turn(const std::function<void(const Confirm&)>& on_confirm);
    void confirm(const Settled& settled, const std::function<void(const Confirm&)>& on_confirm);
    Duration wait_max() const;

    ProducerOptions options;
    net::Socket dealer;
    net::Monitor monitor;
    Outbox outbox;
    ProducerMachine machine;
    ProducerOutputs out;
    wire::Compressor compressor;
    std::string scratch;
    std::deque<LaneInfo> lanes;
    std::unordered_map<std::string, Lane> lane_by_queue;
    Lane last_lane = 0;
    std::uint64_t tickets = 0;
    std::optional<std::size_t> connected;
    std::vector<Settled> settled; // of this turn, being told
    ProducerCounters counters;
    Status alive{};
};

// ---- putting -----------------------------------------------------------------------------------

void Producer::Rest::restore() {
    for (const OutboxLaneState& state : outbox.restored()) {
        const auto store =
            std::find_if(options.stores.begin(), options.stores.end(),
                         [&](const auto& each) { return each.text() == state.store; });
        // At a store that is not among ours a new epoch begins in any case.
        const ProducerEpoch epoch{state.producer, state.base,
                                  static_cast<std::size_t>(store - options.stores.begin())};
        const Lane lane =
            machine.restore_lane(epoch, state.settled, state.appended, OutboxLane::block_bytes);
        lanes.emplace_back().queue = state.queue;
        lane_by_queue.emplace(state.queue, lane);
        if (const std::uint64_t left = state.appended - state.settled; left > 0)
            lanes.back().tickets.push_back({tickets + 1, left});
        tickets += state.appended - state.settled;
    }
}

Result<Lane> Producer::Rest::lane_of(std::string_view queue) {
    if (last_lane < lanes.size() && lanes[last_lane].queue == queue)
        return last_lane;
    std::string name(queue);
    if (const auto known = lane_by_queue.find(name); known != lane_by_queue.end())
        return known->second;
    if (const auto added = outbox.add_lane(queue); !added)
        return fail(added.error());
    const Lane lane = machine.add_lane();
    lanes.emplace_back().queue = name;
    lane_by_queue.emplace(std::move(name), lane);
    return lane;
}

Result<std::uint64_t> Producer::Rest::put(std::string_view queue, std::span<const ByteView> frames,
                                          const PutOptions& with) {
    if (!alive)
        return fail(alive.error());
    if (last_lane >= lanes.size() || lanes[last_lane].queue != queue || !with.key.empty() ||
        with.priority != 0 || with.delay != 0ns || with.ttl != 0ns || !with.message_id.empty())
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
        return fail(Errc::too_large, "a Producer's message is 16 MiB at most");
    const auto lane = lane_of(queue);
    if (!lane)
        return fail(lane.error());
    last_lane = *lane;
    const auto bytes = outbox.append(*lane, head, frames);
    if (!bytes)
        return fail(bytes.error());
    machine.append(*lane, *bytes);
    lanes[*lane].add(++tickets);
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
    for (const Lane lane : out.epochs) {
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
          PutPacked{lanes[order.lane].queue, head.from, std::move(packed)}, message);
    // It was writable; what is lost all the same is sent again when no answer comes.
    (void)dealer.send(message, Duration::zero());
    return true;
}

void Producer::Rest::send_lone(Lane lane) {
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
    machine.heard();
    const auto event = read_event(*head, Asked::put, message);
    if (!event)
        return;
    const std::string& text = head->envelope.correlation;
    std::uint64_t correlation = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), correlation);
    const auto* plain = std::get_if<leased::Event>(&*event);
    if (plain && std::holds_alternative<leased::Bye>(*plain))
        machine.receive_bye(net::now());
    else if (parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size())
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

void Producer::Rest::confirm(const Settled& of,
                             const std::function<void(const Confirm&)>& on_confirm) {
    using Outcome = Confirm::Outcome;
    LaneInfo& lane = lanes[of.lane];
    Confirm told;
    told.outcome = of.outcome == Settled::Outcome::stored      ? Outcome::stored
                   : of.outcome == Settled::Outcome::duplicate ? Outcome::duplicate
                                                               : Outcome::refused;
    (of.outcome == Settled::Outcome::stored      ? counters.stored_total
     : of.outcome == Settled::Outcome::duplicate ? counters.duplicate_total
                                                 : counters.refused_total) += of.count;
    if (of.outcome == Settled::Outcome::refused)
        told.error = {errc_of(of.code),
                      of.text.empty() ? std::string(leased::name(of.code)) : of.text};
    told.id = of.id;
    for (std::uint64_t i = 0; i < of.count; ++i) {
        told.ticket = lane.take();
        if (on_confirm)
            on_confirm(told);
        if (told.id != 0)
            ++told.id;
    }
}

void Producer::Rest::turn(const std::function<void(const Confirm&)>& on_confirm) {
    if (!alive)
        return;
    using Kind = net::ConnectionEvent::Kind;
    while (const auto event = monitor.next()) {
        if (event->kind == Kind::handshake_succeeded)
            machine.connection_made();
        else if (event->kind == Kind::disconnected)
            machine.connection_lost(net::now());
    }
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
        confirm(each, on_confirm);
}

Duration Producer::Rest::wait_max() const {
    if (dealer.readable() || !settled.empty())
        return Duration::zero();
    return time_left(net::now(), machine.next_deadline());
}

// ---- the class ---------------------------------------------------------------------------------

Producer::Producer(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
Producer::Producer(Producer&&) noexcept = default;
Producer& Producer::operator=(Producer&&) noexcept = default;
Producer::~Producer() = default;

Result<Producer> Producer::open(net::Context& context, ProducerOptions options) {
    if (const Status checked = check(options); !checked)
        return fail(checked.error());
    net::SocketOptions socket;
    socket.security = options.security;
    socket.linger = options.linger;
    socket.heartbeat_interval = 5s; // the window bounds what lies before one
    auto dealer = net::Socket::open(context, net::SocketType::dealer, std::move(socket));
    if (!dealer)
        return fail(dealer.error());
    auto monitor = net::Monitor::open(*dealer);
    if (!monitor)
        return fail(monitor.error());
    auto outbox = Outbox::open({options.outbox_messages_max, options.outbox_bytes_max,
                                options.outbox_directory, options.window_bytes + read_ahead_bytes});
    if (!outbox)
        return fail(outbox.error());
    auto rest = std::make_unique<Rest>(std::move(options), std::move(*dealer), std::move(*monitor),
                                       std::move(*outbox));
    rest->restore();
    rest->turn({}); // connects, so that a wrong endpoint is told of now
    if (!rest->alive)
        return fail(rest->alive.error());
    return Producer{std::move(rest)};
}

Result<std::uint64_t> Producer::put(std::string_view queue, ByteView body,
                                    const PutOptions& options, Duration wait) {
    const ByteView frames[] = {body};
    Result<std::uint64_t> ticket = rest_->put(queue, frames, options);
    if (ticket || ticket.error().code != Errc::would_block || wait == Duration::zero())
        return ticket;
    const Instant deadline = deadline_after(net::now(), wait);
    for (;;) {
        const Duration left = time_left(net::now(), deadline);
        if (const Status turned = process(left); !turned)
            return fail(turned.error());
        ticket = rest_->put(queue, frames, options);
        if (ticket || ticket.error().code != Errc::would_block)
            return ticket;
        if (left == Duration::zero())
            return fail(Errc::timeout, "the outbox is full: " + state_text());
    }
}

Result<std::uint64_t> Producer::put(std::string_view queue, wire::Frames& body,
                                    const PutOptions& options, Duration wait) {
    if (body.size() == 1)
        return put(queue, body[0].view(), options, wait);
    if (body.empty() || body.size() > leased::limits::body_frames_max)
        return fail(Errc::too_many, "a message has 1 to 1000 frames");
    std::array<ByteView, leased::limits::body_frames_max> views;
    for (std::size_t i = 0; i < body.size(); ++i)
        views[i] = body[i].view();
    const Instant deadline = deadline_after(net::now(), wait);
    for (;;) {
        auto ticket = rest_->put(queue, {views.data(), body.size()}, options);
        if (ticket || ticket.error().code != Errc::would_block || wait == Duration::zero())
            return ticket;
        const Duration left = time_left(net::now(), deadline);
        if (left == Duration::zero())
            return fail(Errc::timeout, "the outbox is full: " + state_text());
        if (const Status turned = process(left); !turned)
            return fail(turned.error());
    }
}

Status Producer::sync_outbox() {
    return rest_->outbox.sync();
}

Status Producer::process(Duration wait) {
    if (wait > Duration::zero()) {
        rest_->send_gathered();
        const Duration most = std::min(wait, rest_->wait_max());
        if (const Status ready = rest_->dealer.wait_readable(most);
            !ready && ready.error().code == Errc::stopped)
            return ready;
    }
    rest_->turn(on_confirm);
    return rest_->alive;
}

Result<std::uint64_t> Producer::flush(Duration wait) {
    const Instant deadline = deadline_after(net::now(), wait);
    for (;;) {
        const Duration left = time_left(net::now(), deadline);
        if (const Status turned = process(left); !turned)
            return fail(turned.error());
        if (unconfirmed() == 0 || left == Duration::zero())
            return unconfirmed();
    }
}

std::uint64_t Producer::unconfirmed() const noexcept {
    return rest_->machine.unsettled();
}

bool Producer::is_connected() const noexcept {
    return rest_->machine.state() == ProducerMachine::State::ready;
}

std::string Producer::state_text() const {
    if (!rest_->alive)
        return to_string(rest_->alive.error());
    if (!is_connected())
        return "connecting to " + rest_->options.stores[rest_->machine.store()].text();
    return rest_->machine.trouble();
}

ProducerCounters Producer::counters() const {
    ProducerCounters counters = rest_->counters;
    counters.resent_total = rest_->machine.resent_total();
    counters.maybe_duplicate_total = rest_->machine.maybe_duplicate_total();
    counters.connects_total = rest_->machine.connects_total();
    counters.full_total = rest_->machine.full_total();
    return counters;
}

int Producer::fd() const noexcept {
    return rest_->dealer.fd();
}
bool Producer::has_input() const noexcept {
    return rest_->dealer.readable();
}
Duration Producer::wait_max() const noexcept {
    return rest_->wait_max();
}

} // namespace flotilla::queue
