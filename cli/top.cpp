// SPDX-License-Identifier: Apache-2.0
// `zmq top`: queues, services, relays and connections of daemons, live.
#include <flotilla/net/poller.hpp>
#include <flotilla/net/system.hpp>

#include <cli/admin/flags.hpp>
#include <cli/commands.hpp>
#include <cli/output.hpp>
#include <cli/signals.hpp>
#include <cli/terminal.hpp>
#include <cli/top/curses.hpp>
#include <cli/top/model.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <memory>

namespace flotilla::cli {

namespace {

// The window's size and the keys are looked at this often, whatever else happens.
constexpr Duration look_around_every = 100ms;
// Every so many rounds all kinds are asked for, so that new ones are found.
constexpr std::uint64_t all_kinds_every = 10;

struct TopFlags {
    AdminFlags admin;
    std::string kind;
    Duration interval = 1s;
    std::uint64_t rows = 1'000;
    std::optional<std::uint64_t> batch;
};

// Asks every daemon once an interval, and gives the model what they say.
class Rounds {
public:
    Rounds(AdminLinks& links, top::Model& model, const TopFlags& flags)
        : links_(links), model_(model), flags_(flags), asked_(links.size()), hints_(links.size()) {}

    bool is_due(Instant now) const { return now >= next_; }
    Instant next() const { return next_; }

    // Also before its time: when another kind is wanted.
    void begin(Instant now) {
        const bool all = flags_.batch || rounds_++ % all_kinds_every == 0;
        const bool totals_only = !all && model_.kind() == top::daemon_kind;
        nlohmann::json arguments{{"rows", totals_only ? 0 : flags_.rows}};
        if (!all && !totals_only)
            arguments["kind"] = model_.kind();
        note_late(now);
        for (std::size_t i = 0; i < links_.size(); ++i) {
            if (links_[i]->is_asking() && !is_late(i, now))
                continue;
            asked_[i] = now;
            links_[i]->ask("status", arguments.dump());
        }
        next_ = now + flags_.interval;
    }

    // Who has not answered in time says nothing.
    void note_late(Instant now) {
        for (std::size_t i = 0; i < links_.size(); ++i)
            if (is_late(i, now))
                model_.lost(i, links_[i]->hint().empty() ? "no answer" : links_[i]->hint());
    }

    // Whether something changed.
    bool work() {
        bool changed = false;
        for (std::size_t i = 0; i < links_.size(); ++i) {
            const bool was_connected = links_[i]->is_connected();
            if (auto answer = links_[i]->work()) {
                hints_[i].clear();
                hear(i, *answer);
                changed = true;
            }
            if (was_connected && !links_[i]->is_connected()) {
                model_.lost(i, "its connection ended");
                changed = true;
            } else if (!links_[i]->is_connected() && hints_[i] != links_[i]->hint()) {
                hints_[i] = links_[i]->hint();
                model_.lost(i, hints_[i]);
                changed = true;
            }
        }
        return changed;
    }

    // Whether nobody is asked any more, or all that still are have been waited for.
    bool is_over(Instant now) const {
        return std::all_of(links_.begin(), links_.end(), [&](const auto& link) {
            return !link->is_asking() || (!link->is_connected() && !link->hint().empty()) ||
                   now >= next_ + flags_.admin.timeout;
        });
    }

private:
    bool is_late(std::size_t source, Instant now) const {
        return links_[source]->is_asking() && now - asked_[source] >= flags_.admin.timeout;
    }

    void hear(std::size_t source, const AdminAnswer& answer) {
        auto json = accepted(answer);
        auto view = json ? read_status(*json) : Result<DaemonView>{fail(json.error())};
        if (view)
            model_.heard(source, std::move(*view));
        else
            model_.lost(source, view.error().detail);
    }

    AdminLinks& links_;
    top::Model& model_;
    const TopFlags& flags_;
    std::vector<Instant> asked_;
    std::vector<std::string> hints_; // that the model knows of links without a daemon
    Instant next_{};
    std::uint64_t rounds_ = 0;
};

Status turn(AdminLinks& links, Duration wait, int keys) {
    net::Poller poller;
    poller.on_readable(signal_descriptor(), [] {});
    if (keys >= 0)
        poller.on_readable(keys, [] {});
    for (const auto& link : links)
        link->wake(poller);
    return poller.turn(wait);
}

Result<ExitCode> run_screen(AdminLinks& links, top::Model& model, const TopFlags& flags) {
    auto curses = top::Curses::open();
    if (!curses)
        return fail(curses.error());
    Rounds rounds(links, model, flags);
    top::Size drawn{0, 0};
    Instant draw_at{}; // at the latest: the clock in the title goes on
    while (signal_caught() == 0 && !model.wants_to_end()) {
        const std::string kind = model.kind();
        const top::Size size = curses->size();
        bool changed = size != drawn;
        for (top::KeyPress key = curses->key(); key.key != top::Key::none; key = curses->key()) {
            model.press(key, size);
            changed = true;
        }
        const Instant now = net::now();
        if (rounds.is_due(now) || model.kind() != kind)
            rounds.begin(now);
        changed = rounds.work() || changed;
        if (changed || now >= draw_at) {
            curses->draw(model.draw(size, net::wall_now()));
            drawn = size;
            draw_at = now + 1s;
        }
        const Duration wait = std::min<Duration>(look_around_every, time_left(now, rounds.next()));
        if (Status turned = turn(links, wait, top::Curses::descriptor()); !turned)
            return fail(turned.error());
    }
    return ExitCode::ok;
}

Result<ExitCode> run_batch(AdminLinks& links, top::Model& model, const TopFlags& flags) {
    Rounds rounds(links, model, flags);
    Output out;
    ExitCode code = ExitCode::nothing;
    const auto kinds = flags.kind.empty() ? top::Model::Kinds::all : top::Model::Kinds::chosen;
    for (std::uint64_t frame = 0; frame < *flags.batch && !out.closed(); ++frame) {
        while (!rounds.is_due(net::now()) && signal_caught() == 0)
            if (Status turned = turn(links, time_left(net::now(), rounds.next()), -1); !turned)
                return fail(turned.error());
        rounds.begin(net::now());
        while (signal_caught() == 0) {
            (void)rounds.work();
            if (rounds.is_over(net::now()))
                break;
            if (Status turned = turn(links, look_around_every, -1); !turned)
                return fail(turned.error());
        }
        if (signal_caught() != 0)
            break;
        rounds.note_late(net::now());
        code = model.verdict();
        Status written = out.write((frame > 0 ? "\n" : "") + model.plain(net::wall_now(), kinds));
        if (written)
            written = out.flush();
        if (!written)
            return fail(written.error());
    }
    return out.finish({}, code);
}

Result<ExitCode> run_top(const TopFlags& flags) {
    const bool has_screen = is_terminal(STDIN_FILENO) && is_terminal(STDOUT_FILENO);
    if (!flags.batch && !has_screen)
        return fail(Errc::bad_option, "there is no terminal to draw on; --batch 10 prints ten "
                                      "frames as text");
    auto session = open_session(flags.admin);
    if (!session)
        return fail(session.error());
    std::vector<std::string> endpoints;
    for (const auto& link : session->links)
        endpoints.push_back(link->endpoint());
    top::Model model(endpoints);
    if (!flags.kind.empty())
        model.show(flags.kind);
    return flags.batch ? run_batch(session->links, model, flags)
                       : run_screen(session->links, model, flags);
}

} // namespace

Run declare_top(Parser& parser) {
    const auto flags = std::make_shared<TopFlags>();
    add_admin_endpoints(parser, flags->admin);
    const char* group = "Screen";
    add_choice(parser, "-k,--kind", flags->kind,
               {"daemon", "queue", "door", "session", "service", "worker", "relay", "connection"},
               "What to begin with")
        .group(group);
    add_duration(parser, "-i,--interval", flags->interval, "How often to ask the daemons [1s]")
        .group(group);
    add_count(parser, "--rows", flags->rows, {1, 10'000},
              "Objects that each daemon is asked for, the first by name [1000]")
        .group(group);
    add_count(parser, "-b,--batch", flags->batch, {1},
              "Print so many frames as text, for a file or a pipe; without --kind of every kind")
        .group(group);
    add_admins(parser, flags->admin);
    parser.set_footer(
        "Keys: arrows and pages, tab for the next kind, s to sort, / to filter, enter for "
        "every\nnumber of a row, p to hold still, ? for help, q to quit. Counters are shown "
        "as what they\ngrow by a second. Exit status with --batch, by the last frame: 0 when all "
        "daemons are ready,\n4 when one is not or does not answer, 3 when none answers.\n\n"
        "Examples:\n"
        "  zmq top ipc:///run/flotilla-store/admin ipc:///run/flotilla-broker/admin\n"
        "  zmq top ipc:///run/flotilla-store/admin --kind queue --batch 2");
    return [flags](Terminal&) { return run_top(*flags); };
}

} // namespace flotilla::cli
