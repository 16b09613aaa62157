// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/system.hpp>
#include <flotilla/relay/capture.hpp>

#include <cli/doctor/advice.hpp>
#include <cli/link.hpp>
#include <cli/tap/inline_source.hpp>
#include <cli/tap/source.hpp>

namespace flotilla::cli::tap {
namespace {

// A socket of ours that connects to a relay's capture, or to the peers themselves.
class LinkSource final : public Source {
public:
    static Result<std::unique_ptr<Source>> open(const SourceFlags& flags, Terminal& terminal) {
        auto targets = make_targets(*flags.parser, flags.words, Words::endpoints_only);
        if (!targets)
            return fail(targets.error());
        auto options = make_socket_options(flags.socket);
        if (!options)
            return fail(options.error());
        Link::Plan plan;
        plan.type = flags.type == "pull" ? net::SocketType::pull : net::SocketType::sub;
        plan.options = std::move(*options);
        plan.attachments = std::move(targets->attachments);
        if (plan.type == net::SocketType::sub)
            plan.prefixes = flags.prefixes.empty() ? std::vector<std::string>{""} : flags.prefixes;
        auto link = Link::open(std::move(plan), flags.socket, terminal);
        if (!link)
            return fail(link.error());
        (*link)->poller().on_readable((*link)->socket(), [] {});
        // A capture's topics are names of relays, which doctor knows nothing of.
        const auto topics = flags.type == "sub" ? flags.prefixes : std::vector<std::string>{};
        std::string advice = doctor::advice((*link)->attachments(), (*link)->socket().type(),
                                            flags.socket.security, topics);
        return std::unique_ptr<Source>(
            new LinkSource(flags.type, std::move(*link), std::move(advice), terminal));
    }

    Result<std::optional<Seen>> next() override {
        while (true) {
            if (Status seen = link_->look_at_connections(); !seen)
                return fail(seen.error());
            auto message = link_->socket().receive(Duration::zero());
            if (message) {
                if (auto seen = take(std::move(*message)))
                    return std::optional(std::move(*seen));
                continue;
            }
            const Error& error = message.error();
            if (error.code == Errc::would_block)
                return std::optional<Seen>{};
            if (error.code != Errc::too_large && error.code != Errc::too_many)
                return fail(error);
            terminal_.note(error.detail + "; passed over");
        }
    }
    Status turn(Duration wait) override { return link_->poller().turn(wait); }
    std::string description() const override { return type_ + " " + link_->endpoint_text(); }
    std::string endpoint_text() const override { return link_->endpoint_text(); }
    std::string peers_text() const override { return link_->peers_text() + advice_; }
    std::uint64_t missed_total() const override { return gaps_.missed_total(); }
    bool takes() const override { return type_ == "pull"; }
    bool drain(Duration) override { return false; }

private:
    LinkSource(std::string type, std::unique_ptr<Link> link, std::string advice, Terminal& terminal)
        : type_(std::move(type)), link_(std::move(link)), advice_(std::move(advice)),
          terminal_(terminal) {}

    std::optional<Seen> take(wire::Frames message) {
        if (type_ != "capture")
            return Seen{std::move(message), net::wall_now(), recording::Direction::received, {}, 0};
        auto captured = captured_message(std::move(message));
        if (captured) {
            gaps_.see(captured->relay, captured->direction, captured->sequence);
            return std::move(*captured);
        }
        if (!malformed_noted_)
            terminal_.note("not a relay's capture (" + captured.error().detail +
                           "); for a publisher's own messages say --type sub");
        malformed_noted_ = true;
        return std::nullopt;
    }

    std::string type_;
    std::unique_ptr<Link> link_;
    std::string advice_;
    Terminal& terminal_;
    SequenceGaps gaps_{SequenceGaps::Start::anywhere};
    bool malformed_noted_ = false;
};

bool stands_inline(const SourceFlags& flags) {
    return !flags.kind.empty() || !flags.frontend.empty() || !flags.backend.empty();
}

} // namespace

void SequenceGaps::see(const std::string& relay, recording::Direction direction,
                       std::uint64_t sequence) {
    constexpr std::size_t relays_max = 1000;
    auto of_relay = last_.find(relay);
    if (of_relay == last_.end()) {
        if (last_.size() >= relays_max)
            return;
        of_relay = last_.try_emplace(relay).first;
    }
    std::uint64_t& last = of_relay->second[static_cast<std::size_t>(direction)];
    const bool known = last != 0 || start_ == Start::at_one;
    if (known && sequence > last)
        missed_ += sequence - last - 1;
    last = sequence;
}

Result<Seen> captured_message(wire::Frames message) {
    auto captured = relay::parse_capture(std::move(message));
    if (!captured)
        return fail(captured.error());
    const bool in = captured->header.direction == relay::Direction::in;
    return Seen{std::move(captured->message), captured->header.at,
                in ? recording::Direction::to_backend : recording::Direction::to_frontend,
                std::move(captured->relay), captured->header.sequence};
}

void add_source(Parser& parser, SourceFlags& flags, const std::string& default_type) {
    flags.parser = &parser;
    flags.type = default_type;
    add_targets(parser, flags.words, Words::endpoints_only);
    add_choice(
        parser, "--type", flags.type, {"capture", "sub", "pull"},
        "What is there: a relay's capture, a publisher, or a pusher, whose messages are then "
        "taken from others [" +
            default_type + "]")
        .group("Source");
    add_list(parser, "-s,--subscribe", flags.prefixes, "PREFIX",
             "Only topics that begin so; of a capture only the relay of that name, as in prices "
             "or prices.in; may be repeated")
        .group("Source");
    add_choice(parser, "--kind", flags.kind, {"forwarder", "queue", "streamer"},
               "Stand between two sides as such a relay, with --frontend and --backend")
        .group("Source");
    add_list(parser, "--frontend", flags.frontend, "ENDPOINT",
             "Where senders are; bound, unless it begins with >; may be repeated")
        .group("Source");
    add_list(parser, "--backend", flags.backend, "ENDPOINT",
             "Where receivers are; bound, unless it begins with >; may be repeated")
        .group("Source");
    add_socket(parser, flags.socket);
}

Result<std::unique_ptr<Source>> Source::open(const SourceFlags& flags, Terminal& terminal) {
    if (!stands_inline(flags))
        return LinkSource::open(flags, terminal);
    if (!flags.words.empty())
        return fail(Errc::bad_option,
                    "either an ENDPOINT to listen to, or --frontend and --backend "
                    "to stand between, not both");
    if (flags.kind.empty() || flags.frontend.empty() || flags.backend.empty())
        return fail(Errc::bad_option, "standing inline takes all of --kind, --frontend and "
                                      "--backend");
    return open_inline(flags, terminal);
}

} // namespace flotilla::cli::tap
