// SPDX-License-Identifier: Apache-2.0
#include "admin/endpoint.hpp"

#include "admin/unread_answers.hpp"

#include <flotilla/net/connection_figures.hpp>
#include <flotilla/net/cut.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/part.hpp>
#include <flotilla/net/socket.hpp>

#include <optional>
#include <string_view>
#include <utility>

namespace flotilla::admin {
namespace {

constexpr std::uint32_t frames_max = 2;

// The frames of one request and who sent it. The rest of a longer one is read and let go.
struct Heard {
    wire::Frames frames{};
    std::string user_id{};
    std::string address{};
    int descriptor = -1;
};

Result<Heard> hear(net::Socket& socket) {
    Heard heard;
    net::Part part;
    bool is_too_long = false;
    const bool names_users = net::names_users(socket.options().security);
    do {
        if (Status received = socket.receive(part, Duration::zero()); !received)
            return fail(received.error());
        if (names_users) // else a peer may say anything
            heard.user_id = part.property("User-Id").value_or(std::string_view{});
        heard.descriptor = part.descriptor();
        if (heard.address.empty())
            heard.address = net::peer_text(heard.descriptor);
        is_too_long = is_too_long || heard.frames.size() == frames_max;
        if (!is_too_long)
            heard.frames.add(part.view());
    } while (part.more());
    if (is_too_long)
        heard.frames.clear(); // no request: answered as malformed
    return heard;
}

Answer answer(Office& office, const Heard& heard) {
    if (heard.descriptor < 0) // of ZMTP 2: who does not read his answers could not be told
        return {400, error_json("unsupported", "a peer of ZMTP 3 is answered, libzmq 4 for one")};
    auto request = zeromq_request(heard.frames);
    if (!request)
        return {400, error_json(name(request.error().code), request.error().detail)};
    request->user_id = heard.user_id;
    request->address = heard.address;
    return office.answer(*request);
}

void serve_one(net::Socket& socket, Office& office, UnreadAnswers& unread) {
    const auto heard = hear(socket);
    if (!heard)
        return;
    Answer answered = answer(office, *heard);
    net::Part code = net::Part::copy(std::to_string(answered.code));
    net::Part json = unread.lend(std::move(answered.json), heard->descriptor);
    // A REP that cannot deliver forgets the answer; then it hears the next one.
    if (socket.send(code, net::More::yes, Duration::zero()))
        (void)socket.send(json, net::More::no, Duration::zero());
}

void cut_heaviest(const UnreadAnswers& unread, const Endpoint::Options& options) {
    const auto heaviest = unread.heaviest_beyond(options.unread_bytes_max);
    if (!heaviest || *heaviest < 0)
        return;
    if (options.on_unread)
        options.on_unread(net::peer_text(*heaviest));
    net::cut(*heaviest);
}

} // namespace

Result<Request> zeromq_request(const wire::Frames& frames) {
    if (frames.empty() || frames.size() > frames_max || frames[0].size() > 64)
        return fail(Errc::malformed, "a request is a verb and a JSON object of arguments");
    auto arguments = parse_arguments(frames.size() == 2 ? frames[1].view() : std::string_view{});
    if (!arguments)
        return fail(arguments.error());
    Request request;
    request.verb = frames[0].view();
    if (const auto token = arguments->find("token"); token != arguments->end()) {
        request.token = token->second;
        arguments->erase(token);
    }
    request.arguments = std::move(*arguments);
    return request;
}

Endpoint::Endpoint(net::Runner runner, net::Endpoint bound)
    : runner_(std::move(runner)), bound_(std::move(bound)) {}

Result<Endpoint> Endpoint::open(net::Context& context, Options options,
                                std::shared_ptr<Office> office) {
    std::optional<net::Endpoint> bound;
    auto runner = net::Runner::start(context, "admin", [&](net::Runner::Inside& inside) -> Status {
        net::SocketOptions socket_options;
        socket_options.frame_bytes_max = request_bytes_max;
        socket_options.message_bytes_max = 2 * request_bytes_max;
        socket_options.send_messages_max = 16;
        socket_options.receive_messages_max = 16;
        socket_options.linger = 500ms;
        socket_options.security = options.security;
        socket_options.domain = options.domain;
        auto opened = net::Socket::open(inside.context, net::SocketType::rep, socket_options);
        if (!opened)
            return fail(opened.error());
        const auto socket = std::make_shared<net::Socket>(std::move(*opened));
        // Without it nobody is counted, and nobody is turned away (net/gate.hpp).
        auto watched = net::Monitor::open(*socket);
        if (!watched)
            return fail(watched.error());
        const auto monitor = std::make_shared<net::Monitor>(std::move(*watched));
        auto endpoint = socket->bind(options.bind);
        if (!endpoint)
            return fail(endpoint.error());
        bound = std::move(*endpoint);
        const auto look = [monitor] {
            while (monitor->next()) {
            }
        };
        const auto unread = std::make_shared<UnreadAnswers>();
        inside.poller.on_readable(*socket, [socket, office, look, unread, options] {
            look(); // who asks has arrived
            serve_one(*socket, *office, *unread);
            cut_heaviest(*unread, options);
        });
        inside.poller.on_readable(monitor->socket(), look);
        return {};
    });
    if (!runner)
        return fail(runner.error());
    return Endpoint{std::move(*runner), std::move(*bound)};
}

void Endpoint::stop() {
    (void)runner_.stop(); // what its loop ended with matters to nobody any more
}

} // namespace flotilla::admin
