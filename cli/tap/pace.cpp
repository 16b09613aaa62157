// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/units.hpp>
#include <flotilla/net/system.hpp>

#include <cli/signals.hpp>
#include <cli/tap/pace.hpp>
#include <cli/words.hpp>

#include <algorithm>

namespace flotilla::cli::tap {
namespace {

constexpr int batch_max = 256; // messages between two looks at the sockets

class Pace {
public:
    Pace(Source& source, const PaceFlags& flags, const Take& take, Terminal& terminal)
        : source_(source), flags_(flags), take_(take), terminal_(terminal) {}

    Result<ExitCode> run() {
        heard_ = net::now();
        Status ended = loop();
        // A relay of ours passed these on while it drained; they belong to the tap as well.
        if (source_.drain(take_.drain_wait))
            while (ended && !done() && take_one(ended)) {
            }
        if (ended && source_.takes() && (flags_.count || signal_caught() != 0))
            note_leftovers();
        if (source_.missed_total() > 0)
            terminal_.note(counted(source_.missed_total(), "message") +
                           " passed the relay unseen: we did not keep up");
        if (!ended && ended.error().code == Errc::timeout) {
            if (taken_ > 0)
                return ExitCode::ok;
            const std::string where = source_.peers_text();
            terminal_.error("no message within " + format_duration(*flags_.timeout) +
                            (where.empty() ? "" : ": " + where));
            return ExitCode::nothing;
        }
        if (!ended)
            return fail(ended.error());
        return ExitCode::ok;
    }

private:
    bool done() const {
        return (flags_.count && taken_ >= *flags_.count) || (take_.closed && take_.closed());
    }

    // False: nothing was there, or `status` says what went wrong.
    bool take_one(Status& status) {
        auto seen = source_.next();
        if (!seen) {
            status = fail(seen.error());
            return false;
        }
        if (!*seen)
            return false;
        status = take_.message(std::move(**seen), ++taken_);
        return status.has_value();
    }

    // What came in before the end, and nobody will see: it is lost to the others.
    void note_leftovers() {
        constexpr std::uint64_t told_max = 100'000;
        std::uint64_t left = 0;
        for (auto more = source_.next(); more && *more && left < told_max; more = source_.next())
            ++left;
        if (left > 0)
            terminal_.note(counted(left, "more message") +
                           " had already arrived and will not be taken down: lost to others; a "
                           "small --hwm keeps them at the sender");
    }

    Status loop() {
        while (signal_caught() == 0 && !done()) {
            Status status;
            int taken = 0;
            while (taken < batch_max && !done() && take_one(status))
                ++taken;
            if (!status || done())
                return status;
            const Instant now = net::now();
            if (taken > 0)
                heard_ = now;
            if (take_.progress && terminal_.shows_progress())
                terminal_.progress(now, take_.progress());
            if (taken < batch_max && take_.idle)
                if (Status idle = take_.idle(); !idle)
                    return idle;
            const Duration left =
                flags_.timeout ? time_left(now, deadline_after(heard_, *flags_.timeout)) : no_limit;
            if (left == Duration::zero() && taken == 0)
                return fail(Errc::timeout);
            // An inline relay works in turns; so there is one even when messages wait.
            if (Status turned = source_.turn(taken == batch_max ? Duration::zero() : left); !turned)
                return turned;
        }
        return {};
    }

    Source& source_;
    const PaceFlags& flags_;
    const Take& take_;
    Terminal& terminal_;
    std::uint64_t taken_ = 0;
    Instant heard_{};
};

} // namespace

void add_pace(Parser& parser, PaceFlags& flags) {
    add_count(parser, "-n,--count", flags.count, {1}, "End after this many messages")
        .group("Traffic");
    add_duration(parser, "-t,--timeout", flags.timeout,
                 "End when it was quiet for so long; exit 3 if nothing came at all")
        .group("Traffic");
}

Result<ExitCode> run(Source& source, const PaceFlags& flags, const Take& take, Terminal& terminal) {
    return Pace(source, flags, take, terminal).run();
}

} // namespace flotilla::cli::tap
