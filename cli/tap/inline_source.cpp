// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/context.hpp>
#include <flotilla/net/poller.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/relay/relay.hpp>

#include <cli/signals.hpp>
#include <cli/tap/inline_source.hpp>

#include <algorithm>

namespace flotilla::cli::tap {
namespace {

// The tap reads between the relay's bursts, so this is never reached by a tap that keeps up.
constexpr std::uint32_t tap_messages_max = 100'000;

Result<relay::SideOptions> side_of(const std::vector<std::string>& endpoints,
                                   const SocketFlags& flags) {
    relay::SideOptions side;
    for (const std::string& text : endpoints) {
        auto attachment = net::parse_attachment(text, net::AttachRule::bind);
        if (!attachment)
            return fail(attachment.error());
        side.attachments.push_back(std::move(*attachment));
    }
    auto security = make_security(flags.security);
    if (!security)
        return fail(security.error());
    side.security = std::move(*security);
    return side;
}

Result<relay::RelayOptions> relay_options(const SourceFlags& flags) {
    relay::RelayOptions options;
    options.name = "tap";
    options.kind = *relay::kind_named(flags.kind);
    auto frontend = side_of(flags.frontend, flags.socket);
    if (!frontend)
        return fail(frontend.error());
    auto backend = side_of(flags.backend, flags.socket);
    if (!backend)
        return fail(backend.error());
    options.frontend = std::move(*frontend);
    options.backend = std::move(*backend);
    auto capture = net::Endpoint::parse("inproc://flotilla.tap");
    if (!capture)
        return fail(capture.error());
    options.capture = relay::SideOptions{{{*capture, net::Attach::bind}}, {}};
    options.capture_messages_max = tap_messages_max;
    options.frame_bytes_max = options.message_bytes_max = flags.socket.message_bytes_max;
    return options;
}

class InlineSource final : public Source {
public:
    InlineSource(std::string kind, net::Context context) noexcept
        : kind_(std::move(kind)), context_(std::move(context)) {}

    Status start(relay::RelayOptions options, Terminal& terminal) {
        const net::Endpoint capture = options.capture->attachments.front().endpoint;
        auto opened = relay::Relay::open(context_, std::move(options));
        if (!opened && opened.error().code == Errc::insecure)
            return fail(Errc::insecure, opened.error().detail + " (--allow-plaintext)");
        if (!opened)
            return fail(opened.error());
        relay_.emplace(std::move(*opened));
        net::SocketOptions socket_options;
        socket_options.receive_messages_max = tap_messages_max;
        auto socket = net::Socket::open(context_, net::SocketType::sub, socket_options);
        if (!socket)
            return fail(socket.error());
        socket_.emplace(std::move(*socket));
        if (Status subscribed = socket_->subscribe(""); !subscribed)
            return subscribed;
        if (Status connected = socket_->connect(capture); !connected)
            return connected;
        relay_->attach(poller_);
        poller_.on_readable(*socket_, [] {});
        if (signal_descriptor() >= 0)
            poller_.on_readable(signal_descriptor(), [] {});
        frontend_ = joined(relay_->endpoints(relay::Side::frontend));
        backend_ = joined(relay_->endpoints(relay::Side::backend));
        terminal.note("standing between frontend " + frontend_ + " and backend " + backend_);
        return poller_.turn(Duration::zero()); // the relay takes in our subscription
    }

    Result<std::optional<Seen>> next() override {
        auto message = socket_->receive(Duration::zero());
        if (!message && message.error().code == Errc::would_block)
            return std::optional<Seen>{};
        if (!message)
            return fail(message.error());
        auto seen = captured_message(std::move(*message));
        if (!seen)
            return fail(seen.error());
        gaps_.see(seen->relay, seen->direction, seen->sequence);
        return std::optional(std::move(*seen));
    }
    Status turn(Duration wait) override { return poller_.turn(wait); }
    std::string description() const override { return kind_ + " " + frontend_ + " to " + backend_; }
    std::string endpoint_text() const override { return frontend_; }
    std::uint64_t missed_total() const override { return gaps_.missed_total(); }

    bool drain(Duration wait) override {
        if (signal_descriptor() >= 0)
            poller_.forget(signal_descriptor()); // stays readable after a signal: would not wait
        bool drained = false;
        relay_->drain(wait, [&drained] { drained = true; });
        const Instant deadline = deadline_after(net::now(), wait);
        // The last messages are kept in our own queue, for next().
        poller_.on_readable(*socket_, {});
        while (!drained && net::now() < deadline)
            if (!poller_.turn(time_left(net::now(), deadline)))
                break;
        return true;
    }

private:
    std::string kind_;
    std::string frontend_;
    std::string backend_;
    net::Context context_;
    net::Poller poller_;
    std::optional<relay::Relay> relay_;
    std::optional<net::Socket> socket_;
    SequenceGaps gaps_{SequenceGaps::Start::at_one};
};

} // namespace

Result<std::unique_ptr<Source>> open_inline(const SourceFlags& flags, Terminal& terminal) {
    auto options = relay_options(flags);
    if (!options)
        return fail(options.error());
    auto context = net::Context::open();
    if (!context)
        return fail(context.error());
    auto source = std::make_unique<InlineSource>(flags.kind, std::move(*context));
    if (Status started = source->start(std::move(*options), terminal); !started)
        return fail(started.error());
    return std::unique_ptr<Source>(std::move(source));
}

} // namespace flotilla::cli::tap
