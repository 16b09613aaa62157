// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/units.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/taker/taker.hpp>
#include <flotilla/wire/leased_pack.hpp>

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

namespace flotilla::taker {

namespace leased = wire::leased;

namespace {

constexpr std::size_t turn_messages_max = 1000;
constexpr std::size_t unsent_max = 1000; // messages to a source that does not read
constexpr Duration retry_unsent = 10ms;

// What one deliver brought and has not been handed out.
struct Batch {
    std::optional<leased::PackedReader> packed{};
    std::optional<leased::Deliver> single{};
};

} // namespace

struct Taker::Rest {
    Rest(TakerOptions with, net::Socket dealer_socket, net::Monitor its_monitor)
        : options(std::move(with)), dealer(std::move(dealer_socket)),
          monitor(std::move(its_monitor)),
          machine(options.limits, options.sources.size(), net::system_seed()) {}

    void connect(std::size_t source);
    void act();
    void flush_unsent();
    Status read_inputs();
    void handle(wire::Frames& message);
    void hear(const leased::Event& event);
    const net::Endpoint& source() const { return options.sources[connected.value_or(0)]; }
    void take_in(leased::DeliverPacked packed);
    void take_in(leased::Deliver single);
    void turn();
    std::optional<Taken> next();
    Taken unpack(const leased::PackedReader& reader, const leased::PackedRecord& record) const;
    Duration wait_max() const;

    TakerOptions options;
    net::Socket dealer;
    net::Monitor monitor;
    TakerMachine machine;
    TakerOutputs out;
    std::optional<std::size_t> connected;
    std::deque<wire::Frames> unsent;
    std::deque<Batch> batches;
    wire::Expander expander;
    Status alive{}; // until the context stops or the transport fails
};

// ---- output ------------------------------------------------------------------------------------

// The same socket throughout, so that its descriptor stays; a new connection, so that nothing old
// is in its way.
void Taker::Rest::connect(std::size_t source) {
    unsent.clear();
    if (connected)
        (void)dealer.disconnect(options.sources[*connected]);
    connected = source;
    if (Status done = dealer.connect(options.sources[source]); !done)
        alive = std::move(done);
}

void Taker::Rest::act() {
    if (out.connect)
        connect(*out.connect);
    for (const auto& each : out.sends) {
        wire::Frames message;
        leased::write(each.envelope, each.command, message);
        // Beyond the bound acknowledgements are lost, and what they were about comes again.
        if (unsent.size() < unsent_max)
            unsent.push_back(std::move(message));
    }
    out.clear();
    flush_unsent();
}

void Taker::Rest::flush_unsent() {
    while (!unsent.empty() && dealer.send(unsent.front(), Duration::zero()))
        unsent.pop_front();
}

// ---- input -------------------------------------------------------------------------------------

Status Taker::Rest::read_inputs() {
    for (std::size_t i = 0; i < turn_messages_max; ++i) {
        auto message = dealer.receive(Duration::zero());
        if (message)
            handle(*message);
        else if (message.error().code == Errc::would_block)
            return {};
        else if (message.error().code == Errc::too_large || message.error().code == Errc::too_many)
            machine.receive_malformed();
        else
            return fail(message.error());
    }
    return {};
}

void Taker::Rest::handle(wire::Frames& message) {
    const auto head = leased::read_head(message, 0);
    if (!head)
        return machine.receive_malformed();
    auto event = leased::read_event(*head, message);
    if (!event)
        return machine.receive_malformed();
    if (auto* packed = std::get_if<leased::DeliverPacked>(&*event))
        take_in(std::move(*packed));
    else if (auto* single = std::get_if<leased::Deliver>(&*event))
        take_in(std::move(*single));
    else
        hear(*event);
}

void Taker::Rest::hear(const leased::Event& event) {
    const bool was_refused = machine.refusal().has_value();
    machine.receive(event, net::now(), out);
    if (!was_refused && machine.refusal() && options.on_refused)
        options.on_refused(source(), *machine.refusal());
}

void Taker::Rest::take_in(leased::Deliver single) {
    if (machine.deliver(single.lease, single.redelivered, net::now()))
        batches.push_back({std::nullopt, std::move(single)});
}

void Taker::Rest::take_in(leased::DeliverPacked packed) {
    auto reader = leased::PackedReader::open(std::move(packed.packed), expander);
    if (!reader)
        return machine.receive_malformed();
    const Instant now = net::now();
    std::size_t accepted = 0;
    while (const auto record = reader->next())
        accepted +=
            machine.deliver({reader->epoch(), record->lease}, record->redelivered, now) ? 1 : 0;
    reader->rewind();
    if (accepted > 0)
        batches.push_back({std::move(*reader), std::nullopt});
}

void Taker::Rest::turn() {
    if (!alive)
        return;
    alive = read_inputs(); // before a hello says what has arrived
    using Kind = net::ConnectionEvent::Kind;
    while (const auto event = monitor.next())
        if (event->kind == Kind::handshake_succeeded)
            machine.connection_made(net::now(), out);
    machine.tick(net::now(), out);
    if (alive)
        act();
}

// ---- handing out -------------------------------------------------------------------------------

Taken Taker::Rest::unpack(const leased::PackedReader& reader,
                          const leased::PackedRecord& record) const {
    Taken taken{{},
                record.id,
                record.attempt,
                record.redelivered,
                std::string(record.key),
                {reader.epoch(), record.lease}};
    ByteView body = record.body;
    for (std::uint16_t i = 0; i < record.frames; ++i)
        taken.body.add(reader.cut(leased::next_frame(body)));
    return taken;
}

// What is not held any more (the source forgot it, or it is a repeat) is passed over.
std::optional<Taken> Taker::Rest::next() {
    while (!batches.empty()) {
        Batch& batch = batches.front();
        if (batch.packed) {
            while (const auto record = batch.packed->next())
                if (machine.holds({batch.packed->epoch(), record->lease}))
                    return unpack(*batch.packed, *record);
        } else if (leased::Deliver& single = *batch.single; machine.holds(single.lease)) {
            Taken taken{std::move(single.body), single.id,   single.attempt, single.redelivered,
                        std::move(single.key),  single.lease};
            batches.pop_front();
            return taken;
        }
        batches.pop_front();
    }
    return std::nullopt;
}

Duration Taker::Rest::wait_max() const {
    if (dealer.readable())
        return Duration::zero();
    const Duration wait = time_left(net::now(), machine.next_deadline());
    return unsent.empty() ? wait : std::min(wait, retry_unsent);
}

// ---- the class ---------------------------------------------------------------------------------

Taker::Taker(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
Taker::Taker(Taker&&) noexcept = default;

Taker& Taker::operator=(Taker&& other) noexcept {
    std::swap(rest_, other.rest_);
    return *this;
}

Taker::~Taker() {
    if (rest_)
        stop();
}

Result<Taker> Taker::open(net::Context& context, TakerOptions options) {
    if (const Status checked = check(options); !checked)
        return fail(checked.error());
    net::SocketOptions socket;
    socket.frame_bytes_max = options.message_bytes_max;
    socket.message_bytes_max = options.message_bytes_max;
    socket.security = options.security;
    socket.linger = options.linger;
    socket.heartbeat_interval = 5s; // credit bounds what lies before one
    auto dealer = net::Socket::open(context, net::SocketType::dealer, std::move(socket));
    if (!dealer)
        return fail(dealer.error());
    auto monitor = net::Monitor::open(*dealer);
    if (!monitor)
        return fail(monitor.error());
    auto rest = std::make_unique<Rest>(std::move(options), std::move(*dealer), std::move(*monitor));
    rest->turn(); // connects, so that a wrong endpoint is told of now
    if (!rest->alive)
        return fail(rest->alive.error());
    return Taker{std::move(rest)};
}

Status Taker::process(Duration wait) {
    if (wait > Duration::zero()) {
        flush_acks();
        const Duration most = std::min(wait, rest_->wait_max());
        if (const Status ready = rest_->dealer.wait_readable(most);
            !ready && ready.error().code == Errc::stopped)
            return ready;
    }
    rest_->turn();
    return rest_->alive;
}

Result<Taken> Taker::take(Duration wait) {
    if (rest_->machine.state() == TakerMachine::State::stopped)
        return fail(Errc::stopped);
    // Acknowledgements that are due do not wait until all that is here was given out.
    if (rest_->machine.next_deadline() <= net::recent_now())
        flush_acks();
    if (auto taken = rest_->next())
        return std::move(*taken);
    const Instant deadline = deadline_after(net::now(), wait);
    for (Duration left = Duration::zero();; left = time_left(net::now(), deadline)) {
        // First without waiting: most of the time the next ones are there.
        if (const Status turned = process(left); !turned)
            return fail(turned.error());
        if (auto taken = rest_->next())
            return std::move(*taken);
        if (time_left(net::now(), deadline) == Duration::zero()) {
            flush_acks();
            if (wait == Duration::zero())
                return fail(Errc::would_block);
            return fail(Errc::timeout,
                        waited_text(rest_->options.limits.queue, source(), state_text(), wait));
        }
    }
}

Status Taker::ack(leased::LeaseToken lease) {
    const Status acked = rest_->machine.ack(lease, net::now(), rest_->out);
    if (!rest_->out.sends.empty())
        rest_->act();
    return acked;
}

Status Taker::nack(leased::LeaseToken lease, Duration delay, std::string_view reason) {
    const Status nacked = rest_->machine.nack(lease, delay, reason, net::now(), rest_->out);
    rest_->act();
    return nacked;
}

Status Taker::touch(leased::LeaseToken lease) {
    const Status touched = rest_->machine.touch(lease, net::now(), rest_->out);
    rest_->act();
    return touched;
}

void Taker::flush_acks() {
    rest_->machine.idle(net::now(), rest_->out);
    rest_->act();
}

std::optional<Taken> Taker::next() {
    return rest_->next();
}

void Taker::stop() {
    rest_->machine.stop(net::now(), rest_->out);
    rest_->act();
    rest_->batches.clear();
}

int Taker::fd() const noexcept {
    return rest_->dealer.fd();
}
bool Taker::has_input() const noexcept {
    return rest_->dealer.readable();
}
Duration Taker::wait_max() const noexcept {
    return rest_->wait_max();
}
bool Taker::is_ready() const noexcept {
    return rest_->machine.state() == TakerMachine::State::ready;
}
std::uint64_t Taker::held() const noexcept {
    return rest_->machine.held();
}
std::uint64_t Taker::epoch() const noexcept {
    return rest_->machine.epoch();
}
bool Taker::is_stopped() const noexcept {
    return rest_->machine.state() == TakerMachine::State::stopped;
}
const TakerCounters& Taker::counters() const noexcept {
    return rest_->machine.counters();
}
const std::optional<leased::ErrorReply>& Taker::refusal() const noexcept {
    return rest_->machine.refusal();
}

const net::Endpoint& Taker::source() const noexcept {
    return rest_->source();
}

std::string Taker::state_text() const {
    if (const auto& refused = refusal())
        return source().text() + ": " + std::string(leased::name(refused->code)) +
               (refused->text.empty() ? "" : ": " + refused->text);
    return is_ready() || is_stopped() ? "" : "connecting to " + source().text();
}

std::string waited_text(const std::string& queue, const net::Endpoint& source,
                        const std::string& state, Duration wait) {
    const std::string within = " within " + format_duration(wait);
    if (!state.empty())
        return "no message" + within + ": " + state;
    return (queue.empty() ? "no message" : "no message of queue '" + queue + "'") +
           std::string(" from ") + source.text() + within;
}

} // namespace flotilla::taker
