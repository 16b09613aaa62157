// SPDX-License-Identifier: Apache-2.0
// `zmq status`: whether daemons are ready, and what they count.

#include <cli/admin/flags.hpp>
#include <cli/admin/status_text.hpp>
#include <cli/commands.hpp>
#include <cli/output.hpp>
#include <cli/signals.hpp>
#include <cli/terminal.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>

namespace flotilla::cli {

namespace {

struct StatusFlags {
    AdminFlags admin;
    std::string kind;
    std::string prefix;
    bool json = false;
    bool watch = false;
    Duration interval = 1s;
    std::optional<std::uint64_t> count;
};

constexpr int rows_max = 10'000; // that a daemon sends at once

std::string arguments(const StatusFlags& flags) {
    const bool totals_only = flags.kind.empty() && !flags.json;
    nlohmann::json json{{"rows", totals_only ? 0 : rows_max}};
    if (!flags.kind.empty())
        json["kind"] = flags.kind;
    if (!flags.prefix.empty())
        json["prefix"] = flags.prefix;
    return json.dump();
}

Result<std::vector<Asked>> ask(AdminLinks& links, const StatusFlags& flags) {
    auto answers = ask_all(links, "status", arguments(flags), flags.admin.timeout);
    if (!answers)
        return fail(answers.error());
    std::vector<Asked> all;
    for (std::size_t i = 0; i < links.size(); ++i) {
        Asked& asked = all.emplace_back();
        asked.endpoint = links[i]->endpoint();
        if (!(*answers)[i]) {
            asked.trouble = links[i]->hint().empty() ? "no answer" : links[i]->hint();
            continue;
        }
        auto json = accepted(*(*answers)[i]);
        auto view = json ? read_status(*json) : Result<DaemonView>{fail(json.error())};
        if (!view) {
            asked.trouble = view.error().detail;
            continue;
        }
        asked.json = std::move(*json);
        asked.view = std::move(*view);
    }
    return all;
}

std::string text_of(const std::vector<Asked>& asked, const StatusFlags& flags) {
    if (flags.json)
        return status_json(asked);
    std::string text = daemons_table(asked);
    for (const Asked& each : asked)
        if (each.view && !flags.kind.empty())
            text += "\n" + objects_text(*each.view, flags.kind);
    if (flags.kind.empty() && asked.size() == 1 && asked.front().view)
        text += "\n" + totals_text(*asked.front().view);
    return text;
}

ExitCode verdict(const std::vector<Asked>& asked) {
    std::vector<const DaemonView*> views;
    for (const Asked& each : asked)
        views.push_back(each.view ? &*each.view : nullptr);
    return readiness(views);
}

Result<ExitCode> run_status(const StatusFlags& flags) {
    auto session = open_session(flags.admin);
    if (!session)
        return fail(session.error());
    const std::uint64_t rounds = flags.count.value_or(flags.watch ? UINT64_MAX : 1);
    Output out;
    ExitCode code = ExitCode::nothing;
    for (std::uint64_t round = 0; round < rounds; ++round) {
        if (round > 0)
            wait_for_signal(flags.interval);
        if (signal_caught() != 0 || out.closed())
            break;
        auto asked = ask(session->links, flags);
        if (!asked)
            return fail(asked.error());
        code = verdict(*asked);
        std::string text = text_of(*asked, flags);
        if (rounds > 1 && !flags.json)
            text = out.is_terminal() ? clear_screen + text : (round > 0 ? "\n" : "") + text;
        Status written = out.write(text);
        if (written)
            written = out.flush();
        if (!written)
            return fail(written.error());
    }
    return out.finish({}, code);
}

void add_status(Parser& parser, StatusFlags& flags) {
    add_admin_endpoints(parser, flags.admin);
    const char* group = "Listing";
    add_choice(parser, "-k,--kind", flags.kind,
               {"queue", "door", "session", "service", "worker", "relay", "connection"},
               "Show these objects too")
        .group(group);
    parser.add_option("--prefix", flags.prefix, "Only objects whose names begin so")
        .type_name("TEXT")
        .group(group);
    parser.add_flag("--json", flags.json, "One JSON object a line, with all that the daemon says")
        .group(group);
    parser.add_flag("-w,--watch", flags.watch, "Again and again, until a signal").group(group);
    add_duration(parser, "-i,--interval", flags.interval, "With --watch: how often [1s]")
        .group(group);
    add_count(parser, "-n,--count", flags.count, {1}, "End after this many times").group(group);
    add_admins(parser, flags.admin);
}

} // namespace

Run declare_status(Parser& parser) {
    const auto flags = std::make_shared<StatusFlags>();
    add_status(parser, *flags);
    parser.set_footer(
        "Exit status: 0 when all daemons are ready, 4 when one is not or does not answer,\n"
        "3 when none answers.\n\n"
        "Examples:\n"
        "  zmq status ipc:///run/flotilla-store/admin\n"
        "  zmq status ipc:///run/flotilla-store/admin ipc:///run/flotilla-broker/admin\n"
        "  zmq status ipc:///run/flotilla-store/admin --kind queue --prefix orders.\n"
        "  zmq status ipc:///run/flotilla-store/admin --json | jq .totals");
    return [flags](Terminal&) { return run_status(*flags); };
}

} // namespace flotilla::cli
