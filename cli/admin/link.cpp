// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/units.hpp>
#include <flotilla/net/system.hpp>

#include <cli/admin/bounded_json.hpp>
#include <cli/admin/link.hpp>
#include <cli/signals.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::cli {

namespace {

constexpr std::uint32_t questions_max = 8; // that libzmq may hold for a daemon that does not read

std::string reason_in(const AdminAnswer& answer) {
    const auto json = parse_bounded(answer.json);
    for (const char* name : {"why", "error"})
        if (json.is_object() && json.contains(name) && json[name].is_string())
            return json[name].get<std::string>();
    return {};
}

} // namespace

Result<std::string> accepted(const AdminAnswer& answer) {
    if (answer.code == 200)
        return answer.json;
    if (answer.code == 0)
        return fail(Errc::malformed, "what answers there is no admin endpoint of a daemon");
    const std::string reason = reason_in(answer);
    return fail(Errc::refused, std::to_string(answer.code) + (reason.empty() ? "" : ": " + reason));
}

AdminLink::AdminLink(std::string endpoint, net::Socket socket, net::Monitor monitor,
                     std::string doctor)
    : endpoint_(std::move(endpoint)), socket_(std::move(socket)), monitor_(std::move(monitor)),
      doctor_(std::move(doctor)) {}

Result<std::unique_ptr<AdminLink>> AdminLink::open(net::Context& context,
                                                   const net::Endpoint& endpoint,
                                                   const net::Security& security,
                                                   const SecurityFlags& flags) {
    net::SocketOptions options;
    options.send_messages_max = questions_max;
    options.frame_bytes_max = answer_bytes_max;
    options.message_bytes_max = answer_bytes_max;
    options.reconnect_max = 500ms;
    options.to_connected_only = true;
    options.security = security;
    auto socket = net::Socket::open(context, net::SocketType::dealer, std::move(options));
    if (!socket)
        return fail(socket.error());
    auto monitor = net::Monitor::open(*socket);
    if (!monitor)
        return fail(monitor.error());
    if (Status connected = socket->connect(endpoint); !connected)
        return fail(explained(connected.error()));
    return std::unique_ptr<AdminLink>(new AdminLink(endpoint.text(), std::move(*socket),
                                                    std::move(*monitor),
                                                    doctor_line(endpoint.text(), flags)));
}

void AdminLink::wake(net::Poller& poller) {
    poller.on_readable(socket_, [] {});
    poller.on_readable(monitor_.socket(), [] {});
    if (asked_ == Asked::unsent) // a DEALER is writable once a peer is there
        poller.on_writable(socket_, [] {});
}

void AdminLink::ask(std::string verb, std::string arguments, Asking asking) {
    ++number_;
    asking_ = asking;
    verb_ = std::move(verb);
    arguments_ = std::move(arguments);
    asked_ = Asked::unsent;
    send_question();
}

std::optional<AdminAnswer> AdminLink::work() {
    read_events();
    auto answer = read_answer();
    send_question();
    return answer;
}

void AdminLink::read_events() {
    using Kind = net::ConnectionEvent::Kind;
    while (const auto event = monitor_.next()) {
        hint_.hear(*event);
        if (event->kind == Kind::handshake_succeeded) {
            connected_ = true;
        } else if (event->kind == Kind::disconnected) {
            connected_ = false;
            if (asked_ == Asked::sent)
                asked_ = asking_ == Asking::again ? Asked::unsent : Asked::lost;
        }
    }
    if (!hint_.nobody_listens(1))
        refused_since_ = never;
    else if (refused_since_ == never)
        refused_since_ = net::now();
}

bool AdminLink::is_hopeless(Instant now) const noexcept {
    return refused_since_ != never && deadline_after(refused_since_, refused_patience) <= now;
}

void AdminLink::send_question() {
    if (asked_ != Asked::unsent)
        return;
    wire::Frames message{std::to_string(number_), "", verb_};
    if (!arguments_.empty())
        message.add(ByteView{arguments_});
    if (socket_.send(message, Duration::zero()))
        asked_ = Asked::sent;
}

std::optional<AdminAnswer> AdminLink::read_answer() {
    for (;;) {
        auto message = socket_.receive(Duration::zero());
        if (!message)
            return std::nullopt;
        const wire::Frames& frames = *message;
        if (asked_ == Asked::nothing || frames.size() < 1 ||
            (frames.size() >= 2 && frames[1].empty() &&
             frames[0] != ByteView{std::to_string(number_)}))
            continue; // of a question that was given up
        asked_ = Asked::nothing;
        if (frames.size() != 4 || !frames[1].empty())
            return AdminAnswer{};
        const auto code = parse_count(frames[2].view(), 100, 599);
        if (!code)
            return AdminAnswer{};
        return AdminAnswer{static_cast<std::uint16_t>(*code), std::string(frames[3].view())};
    }
}

std::string silence(const AdminLink& link, Duration wait) {
    const bool gave_up = link.is_hopeless(net::now());
    return "no daemon answers at " + link.endpoint() +
           (gave_up ? "" : " within " + format_duration(wait)) +
           (link.hint().empty() ? "" : ": " + link.hint()) + "; this says more: " + link.doctor();
}

Result<std::vector<std::optional<AdminAnswer>>> ask_all(AdminLinks& links, const std::string& verb,
                                                        const std::string& arguments, Duration wait,
                                                        AdminLink::Asking asking) {
    const Instant deadline = deadline_after(net::now(), wait);
    std::vector<std::optional<AdminAnswer>> answers(links.size());
    for (const auto& link : links)
        link->ask(verb, arguments, asking);
    for (;;) {
        for (std::size_t i = 0; i < links.size(); ++i)
            if (auto answer = links[i]->work())
                answers[i] = std::move(answer);
        const Instant now = net::now();
        const bool all = std::none_of(links.begin(), links.end(), [&](const auto& link) {
            return link->is_asking() && !link->is_hopeless(now);
        });
        const Duration left = time_left(now, deadline);
        if (all || left == Duration::zero())
            return answers;
        net::Poller poller;
        poller.on_readable(signal_descriptor(), [] {});
        for (const auto& link : links)
            link->wake(poller);
        if (Status turned = poller.turn(left); !turned)
            return fail(turned.error());
        if (signal_caught() != 0)
            return fail(Errc::stopped, "ended by a signal");
    }
}

Result<std::string> ask_one(AdminLinks& links, const std::string& verb,
                            const std::string& arguments, Duration wait, AdminLink::Asking asking) {
    auto answers = ask_all(links, verb, arguments, wait, asking);
    if (!answers)
        return fail(answers.error());
    if (!answers->front() && links.front()->is_lost())
        return fail(Errc::peer_gone, links.front()->endpoint() + " went away without an answer");
    if (!answers->front())
        return fail(Errc::timeout, silence(*links.front(), wait));
    return accepted(*answers->front());
}

} // namespace flotilla::cli
