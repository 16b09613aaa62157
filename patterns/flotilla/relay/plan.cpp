// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/option_check.hpp>
#include <flotilla/base/units.hpp>
#include <flotilla/relay/plan.hpp>

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

namespace flotilla::relay {
namespace {

// Of each connection; then it waits. An XPUB takes in whatever has come, and goes on while more
// comes: with longer queues, which are filled again meanwhile, a flood of subscriptions was taken
// in whole before the first one was given out.
constexpr std::uint32_t subscriptions_waiting_max = 2;

constexpr std::uint32_t forwarder_messages_max = 131'072;
constexpr std::uint32_t other_messages_max = 1'000;

struct KindRow {
    Kind kind;
    std::string_view name;
    net::SocketType frontend;
    net::SocketType backend;
};
constexpr std::array<KindRow, 3> kinds{
    {{Kind::forwarder, "forwarder", net::SocketType::xsub, net::SocketType::xpub},
     {Kind::queue, "queue", net::SocketType::router, net::SocketType::dealer},
     {Kind::streamer, "streamer", net::SocketType::pull, net::SocketType::push}}};

const KindRow& row(Kind kind) noexcept {
    return kinds[static_cast<std::size_t>(kind)];
}

tl::unexpected<Error> refuse(const RelayOptions& options, Errc code, std::string why) {
    return fail(code, "relay '" + options.name + "': " + std::move(why));
}

bool is_name(std::string_view text) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    };
    return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), fits);
}

Status check_range(const RelayOptions& options, std::string_view what, std::uint64_t value,
                   std::uint64_t min, std::uint64_t max) {
    Status within = check_within(what, value, min, max);
    return within ? within : refuse(options, within.error().code, within.error().detail);
}

// One socket is either the server or the client of a CURVE handshake, and refuses what is neither
// encrypted nor local; said here with the side's name.
Status check_side(const RelayOptions& options, std::string_view side, const SideOptions& given) {
    if (given.attachments.empty())
        return refuse(options, Errc::bad_option,
                      "no " + std::string(side) + " endpoint; give at least one");
    if (given.attachments.size() > Plan::attachments_max)
        return refuse(options, Errc::bad_option,
                      std::to_string(given.attachments.size()) + " " + std::string(side) +
                          " endpoints; at most " + std::to_string(Plan::attachments_max));
    const auto* plain = std::get_if<net::Plaintext>(&given.security);
    for (const net::Attachment& each : given.attachments) {
        const std::string where = std::string(side) + " '" + each.endpoint.text() + "'";
        if (std::holds_alternative<net::CurveServer>(given.security) &&
            each.how == net::Attach::connect)
            return refuse(options, Errc::bad_option,
                          where + " connects, so it needs the key of the server it connects to; "
                                  "one side cannot be a CURVE server and a CURVE client");
        if (std::holds_alternative<net::CurveClient>(given.security) &&
            each.how == net::Attach::bind)
            return refuse(options, Errc::bad_option,
                          where + " binds, but the side has the key of a server to connect to; "
                                  "one side cannot be a CURVE server and a CURVE client");
        if (plain && plain->where == net::Plaintext::Where::local_only &&
            each.endpoint.reach() == net::Reach::remote)
            return refuse(options, Errc::insecure,
                          where + " reaches beyond this machine and would be plaintext; use CURVE "
                                  "keys, a loopback or ipc endpoint, or allow plaintext by name");
    }
    return {};
}

// Every address, or every IPv4 address.
// An endpoint bound twice would fail at the second bind with a message about a stranger.
Status check_distinct(const RelayOptions& options) {
    std::vector<std::pair<std::string_view, const net::Attachment*>> bound;
    const auto gather = [&](std::string_view side, const SideOptions& given) {
        for (const net::Attachment& each : given.attachments)
            if (each.how == net::Attach::bind)
                bound.emplace_back(side, &each);
    };
    gather("frontend", options.frontend);
    gather("backend", options.backend);
    if (options.capture)
        gather("capture", *options.capture);
    for (std::size_t i = 0; i < bound.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            if (net::is_one_place(bound[i].second->endpoint, bound[j].second->endpoint))
                return refuse(
                    options, Errc::bad_endpoint,
                    net::bound_twice(bound[i].second->endpoint, bound[j].second->endpoint) +
                        ", by " + std::string(bound[j].first) + " and " +
                        std::string(bound[i].first));
    return {};
}

Status check_forwarder_only(const RelayOptions& options) {
    if (options.kind == Kind::forwarder)
        return {};
    const std::string kind{name(options.kind)};
    if (options.last_value)
        return refuse(options, Errc::bad_option,
                      "last_value is for a forwarder; a " + kind + " has no topics");
    if (options.overflow.policy != Overflow::Policy::lossy)
        return refuse(options, Errc::bad_option,
                      "overflow is for a forwarder; a full " + kind + " pushes back by itself");
    return {};
}

std::uint32_t queue_length(const RelayOptions& options) {
    return options.messages_max.value_or(options.kind == Kind::forwarder ? forwarder_messages_max
                                                                         : other_messages_max);
}

// A new subscriber is given all the values at once; what its queue does not hold would be lost in
// silence.
Status check_last_values(const RelayOptions& options) {
    const std::uint32_t length = queue_length(options);
    if (!options.last_value || options.last_value->topics_max <= length)
        return {};
    return refuse(options, Errc::bad_option,
                  "last_value_topics is " + std::to_string(options.last_value->topics_max) +
                      ", and hwm is " + std::to_string(length) +
                      ": the queue of a new subscriber would not hold them; make hwm as large");
}

Status check(const RelayOptions& options) {
    if (!is_name(options.name))
        return refuse(options, Errc::bad_option, "a name has 1 to 64 letters, digits, '-' and '_'");
    const LastValueLimits memory = options.last_value.value_or(LastValueLimits{});
    constexpr std::uint64_t tib = 1ULL << 40;
    const Status checks[] = {
        check_side(options, "frontend", options.frontend),
        check_side(options, "backend", options.backend),
        options.capture ? check_side(options, "capture", *options.capture) : Status{},
        check_distinct(options),
        check_forwarder_only(options),
        check_range(options, "hwm", options.messages_max.value_or(1), 1, 1'000'000),
        check_range(options, "capture_hwm", options.capture_messages_max, 1, 1'000'000),
        check_range(options, "frame_bytes_max", options.frame_bytes_max, 1, tib),
        check_range(options, "message_bytes_max", options.message_bytes_max, 1, tib),
        check_range(options, "frames_max", options.frames_max, 1, 1024),
        check_range(options, "last_value_topics", memory.topics_max, 1, 10'000'000),
        check_range(options, "last_value_bytes", memory.bytes_max, 1024, tib),
        check_last_values(options),
        check_range(options, "reply backlog messages", options.reply_backlog_messages_max, 1,
                    1'000'000),
        check_range(options, "reply backlog bytes", options.reply_backlog_bytes_max, 1, tib),
        check_range(options, "subscriptions_bytes_max", options.subscriptions_bytes_max,
                    64ULL << 10, tib),
    };
    for (const Status& each : checks)
        if (!each)
            return each;
    if (options.overflow.policy == Overflow::Policy::block &&
        (options.overflow.block_wait < 1ms || options.overflow.block_wait > 1h))
        return refuse(options, Errc::bad_option,
                      "overflow blocks for " + format_duration(options.overflow.block_wait) +
                          "; it must be from 1ms to 1h");
    return {};
}

net::SocketOptions socket_options(const RelayOptions& options, const SideOptions& side,
                                  std::string_view which) {
    net::SocketOptions socket;
    const std::uint32_t length = queue_length(options);
    socket.send_messages_max = length;
    socket.receive_messages_max = length;
    socket.frame_bytes_max = options.frame_bytes_max;
    socket.message_bytes_max = options.message_bytes_max;
    socket.frames_max = options.frames_max;
    socket.security = side.security;
    socket.domain = options.name + "." + std::string(which);
    return socket;
}

// Of an XPUB: what comes in are subscriptions, and nothing else is wanted.
void listen_for_subscriptions(net::SocketOptions& socket, bool answers_them) {
    using Subscriptions = net::SocketOptions::Subscriptions;
    socket.subscriptions = answers_them ? Subscriptions::manual : Subscriptions::every;
    socket.frame_bytes_max = Plan::subscription_bytes_max;
    socket.message_bytes_max = Plan::subscription_bytes_max;
    socket.receive_messages_max = subscriptions_waiting_max;
}

// What everybody who connects must be allowed, where peers may never say a word to be judged by.
std::optional<net::Entry> entry_of(const RelayOptions& options, const SideOptions& side,
                                   Operation operation) {
    if (!net::asks_handshakes(side.security))
        return std::nullopt;
    return net::Entry{operation, options.name};
}

} // namespace

std::string_view name(Kind kind) noexcept {
    return row(kind).name;
}

std::optional<Kind> kind_named(std::string_view name) noexcept {
    for (const KindRow& each : kinds)
        if (each.name == name)
            return each.kind;
    return std::nullopt;
}

std::string_view name(Side side) noexcept {
    return side == Side::frontend ? "frontend" : "backend";
}

Result<Overflow> parse_overflow(std::string_view text) {
    if (text == "lossy")
        return Overflow{Overflow::Policy::lossy};
    if (text == "drop")
        return Overflow{Overflow::Policy::drop};
    constexpr std::string_view block = "block";
    if (text == block)
        return Overflow{Overflow::Policy::block};
    if (text.substr(0, block.size() + 1) != "block:")
        return fail(Errc::bad_option, "'" + std::string(text) +
                                          "' is no overflow policy; it is lossy, drop or "
                                          "block:100ms");
    const Result<Duration> wait = parse_duration(text.substr(block.size() + 1));
    if (!wait)
        return fail(wait.error());
    if (*wait < 1ms || *wait > 1h)
        return fail(Errc::bad_option, "overflow blocks for " + format_duration(*wait) +
                                          "; it must be from 1ms to 1h");
    return Overflow{Overflow::Policy::block, *wait};
}

std::string format_overflow(const Overflow& overflow) {
    switch (overflow.policy) {
    case Overflow::Policy::drop:
        return "drop";
    case Overflow::Policy::block:
        return "block:" + format_duration(overflow.block_wait);
    default:
        return "lossy";
    }
}

Result<Plan> Plan::make(RelayOptions options) {
    if (const Status right = check(options); !right)
        return fail(right.error());
    Plan plan;
    plan.frontend_type = row(options.kind).frontend;
    plan.backend_type = row(options.kind).backend;
    plan.frontend = socket_options(options, options.frontend, "frontend");
    plan.backend = socket_options(options, options.backend, "backend");
    if (options.kind == Kind::forwarder) {
        listen_for_subscriptions(plan.backend, options.last_value || options.permissions);
        plan.backend.refuse_when_full = options.overflow.policy != Overflow::Policy::lossy;
    }
    if (options.kind == Kind::queue) {
        plan.frontend.entry = entry_of(options, options.frontend, Operation::call);
        plan.backend.entry = entry_of(options, options.backend, Operation::serve);
    } else if (options.kind == Kind::streamer) {
        plan.frontend.entry = entry_of(options, options.frontend, Operation::put);
        plan.backend.entry = entry_of(options, options.backend, Operation::take);
    }
    if (options.capture) {
        plan.capture = socket_options(options, *options.capture, "capture");
        plan.capture.send_messages_max = options.capture_messages_max;
        listen_for_subscriptions(plan.capture, options.permissions != nullptr);
    }
    plan.options = std::move(options);
    return plan;
}

} // namespace flotilla::relay
