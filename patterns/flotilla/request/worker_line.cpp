// SPDX-License-Identifier: Apache-2.0
#include "worker_line.hpp"

#include <flotilla/net/system.hpp>
#include <flotilla/request/codec.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::request::detail {

namespace {

constexpr std::size_t line_turn_messages_max = 256;
constexpr std::size_t unsent_messages_max = 1'000; // beyond it requests and pieces wait
// More than a broker that keeps to the protocol is owed by then: all that may be held, once as
// answers and once as refusals, and what handlers have said meanwhile.
constexpr std::size_t unsent_messages_most =
    2 * std::size_t{limits::capacity_max} + unsent_messages_max + JobDesk::pieces_max;

// How often a busy line looks at what its monitor has to say; an idle one is woken by it.
constexpr Duration monitor_interval = 10ms;

WorkerLimits limits_of(const WorkerOptions& options) {
    return {options.service,
            options.dialect,
            options.capacity.value_or(options.threads),
            options.heartbeat,
            options.liveness,
            options.reconnect_min,
            options.reconnect_max,
            options.on_registration ? WorkerLimits::BehindReady::heartbeat
                                    : WorkerLimits::BehindReady::nothing};
}

} // namespace

WorkerLine::WorkerLine(net::Context& context, const WorkerOptions& options, std::size_t index,
                       std::shared_ptr<JobDesk> desk, net::Poller& poller, std::deque<Task>& tasks)
    : context_(context), options_(options), index_(index), desk_(std::move(desk)), poller_(poller),
      tasks_(tasks), machine_(limits_of(options), net::system_seed()) {}

WorkerLine::~WorkerLine() {
    close_connection();
}

// ---- the connection ----------------------------------------------------------------------------

Status WorkerLine::open_connection() {
    net::SocketOptions socket;
    socket.frame_bytes_max = options_.message_bytes_max;
    socket.message_bytes_max = options_.message_bytes_max + limits::envelope_bytes_max;
    socket.security = options_.security;
    socket.linger = options_.linger;
    // What is said to a broker that went must not reach the one that comes.
    socket.to_connected_only = true;
    auto dealer = net::Socket::open(context_, net::SocketType::dealer, std::move(socket));
    if (!dealer)
        return fail(dealer.error());
    auto monitor = net::Monitor::open(*dealer);
    if (!monitor)
        return fail(monitor.error());
    if (const Status connected = dealer->connect(options_.brokers[index_]); !connected)
        return connected;
    dealer_ = std::make_unique<net::Socket>(std::move(*dealer));
    monitor_.emplace(std::move(*monitor));
    // Only to be woken: turn() does the work.
    poller_.on_readable(*dealer_, [] {});
    poller_.on_readable(monitor_->socket(), [] {});
    return {};
}

void WorkerLine::close_connection() {
    if (!dealer_)
        return;
    send_gathered();
    flush();
    // The last words of a worker that stops are worth a wait; others are repeated by the broker.
    const Instant deadline = deadline_after(net::now(), options_.linger);
    while (is_stopped() && alive_ && !unsent_.empty() &&
           dealer_->wait_writable(time_left(net::now(), deadline)))
        flush();
    unsent_.clear();
    unsent_bytes_ = 0;
    watches_room_ = false;
    poller_.forget(monitor_->socket());
    poller_.forget(*dealer_);
    monitor_.reset();
    dealer_.reset();
}

// ---- output ------------------------------------------------------------------------------------

void WorkerLine::act() {
    for (Message& message : out_.sends)
        send(std::move(message));
    for (WorkerOutputs::Given& given : out_.given)
        lay_down(std::move(given));
    for (const std::uint64_t number : out_.released)
        desk_->release(*links_[WorkerMachine::place(number)]);
    const WorkerOutputs::Change change = out_.change;
    const auto refused = std::exchange(out_.refused, std::nullopt);
    out_.clear();
    tell_registration();
    if (refused && options_.on_refused)
        options_.on_refused(options_.brokers[index_], refused->code, refused->text);
    if (change == WorkerOutputs::Change::close)
        close_connection();
    if (change != WorkerOutputs::Change::open)
        return;
    const Status opened = open_connection();
    if (!opened && (first_ || opened.error().code == Errc::stopped))
        alive_ = opened;
    else if (!opened)
        machine_.connection_lost(net::now(), out_);
    else if (options_.brokers[index_].transport() == net::Transport::inproc)
        machine_.connection_made(net::now(), out_); // there are no events to wait for
    first_ = false;
    act();
}

void WorkerLine::tell_registration() {
    if (std::exchange(was_kept_, machine_.is_kept()) == machine_.is_kept())
        return;
    using Registration = WorkerOptions::Registration;
    if (options_.on_registration)
        options_.on_registration(options_.brokers[index_],
                                 machine_.is_kept() ? Registration::begun : Registration::ended);
}

void WorkerLine::send(Message&& message) {
    const bool ends_request = message.verb == Verb::final || message.verb == Verb::error;
    if (gathers_ && ends_request && PackWriter::takes(message)) {
        if (!gathered_) {
            gathered_ = std::move(message);
            return;
        }
        if (pack_.count() == 0)
            pack_.add(*gathered_);
        pack_.add(message);
        if (!pack_.has_room())
            send_gathered();
        return;
    }
    send_gathered();
    wire::Frames frames;
    write(std::move(message), frames);
    send(std::move(frames));
}

void WorkerLine::send_gathered() {
    if (!gathered_)
        return;
    wire::Frames frames;
    if (pack_.count() > 0)
        pack_.finish(frames);
    else
        write(std::move(*gathered_), frames);
    gathered_.reset();
    send(std::move(frames));
}

void WorkerLine::send(wire::Frames&& frames) {
    if (unsent_.empty()) {
        if (dealer_ && dealer_->send(frames, Duration::zero()))
            return;
        stuck_since_ = net::now();
    }
    unsent_bytes_ += frames.held_bytes();
    unsent_.push_back(std::move(frames));
}

void WorkerLine::flush() {
    while (!unsent_.empty()) {
        const std::uint64_t bytes = unsent_.front().held_bytes();
        const Status sent = dealer_->send(unsent_.front(), Duration::zero());
        if (!sent && sent.error().code == Errc::stopped)
            alive_ = sent;
        if (!sent && sent.error().code != Errc::transport)
            break;
        unsent_bytes_ -= bytes;
        unsent_.pop_front();
        stuck_since_ = net::now();
    }
}

// When a broker that does not read is as good as silent.
Instant WorkerLine::deaf_at() const noexcept {
    if (unsent_.empty())
        return never;
    return unsent_.size() > unsent_messages_most
               ? stuck_since_
               : deadline_after(stuck_since_, options_.heartbeat * options_.liveness);
}

bool WorkerLine::has_room() const noexcept {
    return unsent_.size() < unsent_messages_max && unsent_bytes_ <= options_.message_bytes_max;
}

void WorkerLine::watch_room() {
    if (!dealer_ || watches_room_ == !unsent_.empty())
        return;
    watches_room_ = !unsent_.empty();
    if (watches_room_)
        poller_.on_writable(*dealer_, [] {});
    else
        poller_.on_writable(*dealer_, {});
}

// ---- input -------------------------------------------------------------------------------------

void WorkerLine::hear_monitor() {
    using Kind = net::ConnectionEvent::Kind;
    while (monitor_) {
        const auto event = monitor_->next();
        if (!event)
            return;
        if (options_.on_connection)
            options_.on_connection(*event);
        if (event->kind == Kind::handshake_succeeded)
            machine_.connection_made(net::now(), out_);
        else if (event->kind == Kind::disconnected &&
                 machine_.state() != WorkerMachine::State::connecting)
            machine_.connection_lost(net::now(), out_);
        else if (event->kind == Kind::handshake_failed_protocol)
            machine_.connection_lost(net::now(), out_); // libzmq does not try again by itself
        else
            continue;
        act(); // may close the monitor
    }
}

void WorkerLine::lay_down(WorkerOutputs::Given&& given) {
    Message& request = given.request;
    auto link = std::make_shared<JobLink>();
    link->desk = desk_;
    link->line = index_;
    link->number = given.number;
    link->dialect = machine_.dialect();
    const std::size_t place = WorkerMachine::place(given.number);
    if (place >= links_.size())
        links_.resize(place + 1);
    links_[place] = link;
    Task task;
    task.job.body = std::move(request.body);
    task.job.service =
        request.service.empty() ? options_.service : std::string(request.service.view());
    task.job.id = std::move(request.id);
    task.job.attempt = request.attempt;
    task.job.expires = request.expires;
    task.job.link_ = link;
    task.link = std::move(link);
    tasks_.push_back(std::move(task));
}

void WorkerLine::handle(wire::Frames& message) {
    if (PackReader::is_pack(message)) {
        PackReader pack(std::move(message), PackReader::At::worker);
        while (auto read = pack.next())
            take(std::move(*read));
    } else {
        auto read = read_at_worker(message);
        if (!read && machine_.listens_as_client())
            read = read_at_client(message);
        take(std::move(read));
    }
    act();
}

void WorkerLine::take(Result<Message>&& read) {
    if (!read)
        return machine_.receive_malformed();
    const bool too_large = read->body.bytes() > options_.message_bytes_max;
    if (too_large)
        read->body.clear();
    const Instant now = net::now();
    const std::size_t given_before = out_.given.size();
    machine_.receive(std::move(*read), now, out_);
    if (too_large && out_.given.size() > given_before) {
        const std::uint64_t number = out_.given.back().number;
        out_.given.pop_back();
        machine_.fail(number, ErrorCode::worker_failed,
                      "the request has more bytes than this worker takes", now, out_);
    }
}

bool WorkerLine::read_inputs() {
    for (std::size_t i = 0; i < line_turn_messages_max && dealer_; ++i) {
        auto message = dealer_->receive(Duration::zero());
        if (message) {
            handle(*message);
            continue;
        }
        const Errc code = message.error().code;
        if (code == Errc::would_block)
            return i > 0;
        if (code == Errc::too_large || code == Errc::too_many) {
            // It may have been a request, for whose answer the broker would wait.
            machine_.receive_malformed();
            machine_.give_up(net::now(), out_);
            act();
            continue;
        }
        alive_ = fail(message.error());
        return false;
    }
    return true;
}

bool WorkerLine::turn() {
    if (!alive_)
        return false;
    send_gathered();
    const bool heard = dealer_ && read_inputs();
    if (const Instant now = net::now();
        !heard || deadline_after(monitor_heard_, monitor_interval) <= now) {
        monitor_heard_ = now;
        hear_monitor();
    }
    machine_.tick(net::now(), out_);
    act();
    if (dealer_ && !unsent_.empty())
        flush();
    if (deaf_at() <= net::now()) {
        machine_.give_up(net::now(), out_);
        act();
    }
    watch_room();
    return heard;
}

// ---- the worker's words ------------------------------------------------------------------------

void WorkerLine::finish(std::uint64_t number, Outcome&& outcome, Leaves when) {
    const Instant now = net::now();
    gathers_ = when == Leaves::gathered && options_.capacity.value_or(options_.threads) > 1;
    if (auto* answer = std::get_if<Answer>(&outcome))
        machine_.answer(number, std::move(answer->body), now, out_);
    else if (const auto* retry = std::get_if<Retry>(&outcome))
        machine_.fail(number, ErrorCode::retry, retry->text, now, out_);
    else
        machine_.fail(number, ErrorCode::worker_failed, std::get<Failure>(outcome).text, now, out_);
    act();
    gathers_ = false;
}

bool WorkerLine::partial(std::uint64_t number, wire::Frames&& piece) {
    const bool wanted = machine_.partial(number, std::move(piece), net::now(), out_);
    act();
    return wanted;
}

void WorkerLine::drain() {
    machine_.drain(net::now(), out_);
    act();
}

Duration WorkerLine::wait_max() const {
    return time_left(net::now(), std::min(machine_.next_deadline(), deaf_at()));
}

} // namespace flotilla::request::detail
