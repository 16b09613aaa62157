// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/units.hpp>
#include <flotilla/net/system.hpp>

#include <cli/doctor/advice.hpp>
#include <cli/link.hpp>
#include <cli/recording/player.hpp>
#include <cli/recording/schedule.hpp>
#include <cli/recording/selection.hpp>
#include <cli/signals.hpp>
#include <cli/words.hpp>

#include <algorithm>
#include <memory>

namespace flotilla::cli::recording {
namespace {

class Player {
public:
    Player(const ReplayFlags& flags, Reader reader, Terminal& terminal)
        : flags_(flags), reader_(std::move(reader)), terminal_(terminal),
          selection_(reader_, flags, terminal) {}

    Result<ExitCode> run() {
        auto speed = parse_speed(flags_.speed);
        if (!speed)
            return fail(speed.error());
        if (Status opened = open_link(); !opened)
            return fail(opened.error());
        Status played = wait_for_peers();
        if (played)
            played = play(*speed);
        if (!played && sent_ == 0)
            return fail(played.error());
        selection_.note_rest();
        const ExitCode flushed = link_->flush(flags_.socket.linger, advice());
        if (!played && played.error().code == Errc::timeout) {
            terminal_.error(played.error().detail);
            return ExitCode::not_flushed;
        }
        if (!played)
            return fail(played.error().code, played.error().detail + "; " + sent_text());
        const std::string all =
            flushed == ExitCode::ok ? sent_text() : "of " + counted(sent_, "message") + " in all";
        terminal_.note(all + (lateness_ >= 10ms ? ", at most " + milliseconds(lateness_) + " late"
                                                : std::string{}));
        if (flushed == ExitCode::ok && link_->dropped_total() > 0)
            return ExitCode::not_flushed;
        return sent_ == 0 ? ExitCode::nothing : flushed;
    }

private:
    std::string sent_text() const { return counted(sent_, "message") + " sent"; }
    std::string advice() const {
        return doctor::advice(link_->attachments(), *net::socket_type_named(flags_.type),
                              flags_.socket.security);
    }
    static std::string milliseconds(Duration duration) {
        return format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(duration));
    }
    bool publishes() const { return flags_.type == "pub"; }

    Status open_link() {
        auto targets = make_targets(*flags_.parser, flags_.words, Words::endpoints_only);
        if (!targets)
            return fail(targets.error());
        auto options = make_socket_options(flags_.socket);
        if (!options)
            return fail(options.error());
        Link::Plan plan;
        plan.options = std::move(*options);
        plan.attachments = std::move(targets->attachments);
        plan.type = *net::socket_type_named(flags_.type);
        if (publishes()) {
            plan.become_publisher();
            plan.options.refuse_when_full = true;
        } else {
            plan.loss = Link::Plan::Loss::report;
        }
        auto link = Link::open(std::move(plan), flags_.socket, terminal_);
        if (!link)
            return fail(link.error());
        link_ = std::move(*link);
        if (publishes() || flags_.type == "dealer" || flags_.type == "router")
            link_->poller().on_readable(link_->socket(), [this] { hear(); });
        return {};
    }

    // Subscriptions of a pub; a dealer's and router's replies are let go.
    void hear() {
        if (publishes()) {
            (void)link_->hear_subscriptions();
            return;
        }
        net::Part part;
        while (link_->socket().receive(part, Duration::zero())) {
        }
    }

    std::uint64_t peers() const {
        return publishes() ? link_->peers().subscribed() : link_->peers().connected(net::now());
    }

    Status wait_for_peers() {
        const Instant deadline = deadline_after(net::now(), flags_.timeout);
        while (signal_caught() == 0) {
            if (Status seen = link_->look_at_connections(); !seen)
                return seen;
            if (peers() >= flags_.wait_peers)
                return {};
            const Instant now = net::now();
            if (now >= deadline)
                return fail(Errc::timeout,
                            std::string(publishes() ? "no subscriber" : "no peer") + " within " +
                                format_duration(flags_.timeout) +
                                " (--timeout, --wait-peers): " + link_->peers_text() + advice());
            terminal_.progress(now, "waiting for " + counted(flags_.wait_peers, "peer"));
            // Connections that never say that they are ready count after a while; so look again.
            if (Status turned =
                    link_->poller().turn(std::min<Duration>(time_left(now, deadline), 50ms));
                !turned)
                return turned;
        }
        return {};
    }

    Status play(Speed speed) {
        Schedule schedule(speed, net::now());
        while (signal_caught() == 0) {
            auto message = selection_.next();
            if (!message)
                return fail(message.error());
            if (!*message)
                break;
            const Instant due = schedule.due((*message)->offset);
            if (Status waited = wait_until(due, speed); !waited)
                return waited;
            if (signal_caught() != 0)
                break;
            if (Status sent = send((*message)->frames); !sent)
                return sent;
            schedule.sent(due, net::now());
            lateness_ = schedule.lateness_max();
        }
        return {};
    }

    Status wait_until(Instant due, Speed speed) {
        Instant now = net::now();
        show_progress(now);
        // Even in a flood the monitor and the subscriptions are looked at now and then.
        if (now >= due && sent_ % 256 != 0)
            return {};
        do {
            if (Status seen = link_->look_at_connections(); !seen)
                return seen;
            const Duration left = speed.is_unlimited() ? Duration::zero() : time_left(now, due);
            if (Status turned = link_->poller().turn(left); !turned)
                return turned;
            now = net::now();
            show_progress(now);
        } while (now < due && signal_caught() == 0);
        return {};
    }

    Status send(wire::Frames& frames) {
        link_->lend(frames);
        Instant deadline = never;
        while (signal_caught() == 0) {
            const auto given = link_->give(frames, sent_ + link_->dropped_total() + 1);
            if (given) {
                sent_ += *given == Link::Given::sent ? 1 : 0;
                return {};
            }
            if (given.error().code != Errc::would_block)
                return fail(given.error());
            const Instant now = net::now();
            deadline = std::min(deadline, deadline_after(now, flags_.timeout));
            if (now >= deadline)
                return fail(Errc::timeout, "no peer has had room for " +
                                               format_duration(flags_.timeout) + " (--timeout); " +
                                               sent_text());
            if (Status seen = link_->look_at_connections(); !seen)
                return seen;
            if (Status turned =
                    link_->poller().turn(std::min(Link::xpub_retry_interval, deadline - now));
                !turned)
                return turned;
        }
        return {};
    }

    void show_progress(Instant now) {
        if (!terminal_.shows_progress())
            return;
        std::string text = sent_text();
        if (reader_.file_bytes() > 0)
            text += ", " + std::to_string(reader_.read_bytes() * 100 / reader_.file_bytes()) + " %";
        terminal_.progress(now, text);
    }

    const ReplayFlags& flags_;
    Reader reader_;
    Terminal& terminal_;
    Selection selection_;
    std::unique_ptr<Link> link_;
    std::uint64_t sent_ = 0;
    Duration lateness_{0};
};

} // namespace

Result<ExitCode> play(const ReplayFlags& flags, Terminal& terminal) {
    auto reader = Reader::open(flags.file);
    if (!reader)
        return fail(reader.error());
    return Player(flags, std::move(*reader), terminal).run();
}

} // namespace flotilla::cli::recording
