// SPDX-License-Identifier: Apache-2.0
// `zmq pause`, `resume`, `reload`, `audit`: orders to a daemon, and what was ordered.
#include <cli/admin/audit_text.hpp>
#include <cli/admin/bounded_json.hpp>
#include <cli/admin/flags.hpp>
#include <cli/commands.hpp>
#include <cli/output.hpp>
#include <nlohmann/json.hpp>

#include <memory>

namespace flotilla::cli {

namespace {

struct OrderFlags {
    AdminFlags admin;
    std::string relay;
    std::uint64_t rows = 50;
    bool json = false;
};

Result<std::string> order(const OrderFlags& flags, const char* verb, nlohmann::json arguments) {
    auto session = open_session(flags.admin);
    if (!session)
        return fail(session.error());
    if (!session->token.empty())
        arguments["token"] = session->token;
    auto answer = ask_one(session->links, verb, arguments.dump(), flags.admin.timeout);
    return answer ? std::move(answer) : fail(with_token_hint(answer.error(), flags.admin));
}

Run relay_order(Parser& parser, const char* verb, const char* done, const char* help) {
    const auto flags = std::make_shared<OrderFlags>();
    add_admin_endpoint(parser, flags->admin);
    parser.add_option("RELAY", flags->relay, "Its name, as zmq status --kind relay shows it")
        .required();
    add_token(parser, flags->admin);
    add_admin(parser, flags->admin);
    parser.set_footer(help);
    return [flags, verb, done](Terminal& terminal) -> Result<ExitCode> {
        auto answer = order(*flags, verb, nlohmann::json{{"relay", flags->relay}});
        if (!answer)
            return fail(answer.error());
        terminal.note("relay '" + flags->relay + "' " + done);
        return ExitCode::ok;
    };
}

// "a, b"; empty when the answer has no such list.
std::string names_in(const nlohmann::ordered_json& answer, const char* list) {
    std::string all;
    if (answer.is_object() && answer.contains(list) && answer[list].is_array())
        for (const auto& each : answer[list])
            if (each.is_string())
                all += (all.empty() ? "" : ", ") + each.get<std::string>();
    return all;
}

// What came of a reload, in a line or two.
std::string changes_in(const std::string& answer) {
    const auto json = parse_bounded(answer);
    const std::string changed = names_in(json, "changed");
    const std::string later = names_in(json, "restart_needed");
    return (changed.empty() ? "nothing has changed" : "changed: " + changed) +
           (later.empty() ? "" : "\nonly from the next start on: " + later);
}

} // namespace

Run declare_pause(Parser& parser) {
    return relay_order(
        parser, "pause", "reads nothing now",
        "The relay stops reading messages, so that senders feel it as they feel a full queue;\n"
        "zmq resume lets it go on.\n\n"
        "Example:\n"
        "  zmq pause ipc:///run/flotilla-relay/admin feed --token-file /etc/flotilla/admin-token");
}

Run declare_resume(Parser& parser) {
    return relay_order(
        parser, "resume", "goes on",
        "Example:\n"
        "  zmq resume ipc:///run/flotilla-relay/admin feed --token-file /etc/flotilla/admin-token");
}

Run declare_reload(Parser& parser) {
    const auto flags = std::make_shared<OrderFlags>();
    add_admin_endpoint(parser, flags->admin);
    add_token(parser, flags->admin);
    add_admin(parser, flags->admin);
    parser.set_footer(
        "As SIGHUP does, but says what came of it: with an error in the new settings the "
        "old ones\nstay, and the exit status is 4.\n\n"
        "Example:\n"
        "  zmq reload ipc:///run/flotilla-store/admin --token-file "
        "/etc/flotilla/admin-token");
    return [flags](Terminal& terminal) -> Result<ExitCode> {
        auto answer = order(*flags, "reload", nlohmann::json::object());
        if (!answer)
            return fail(answer.error());
        terminal.note(changes_in(*answer));
        return ExitCode::ok;
    };
}

Run declare_audit(Parser& parser) {
    const auto flags = std::make_shared<OrderFlags>();
    add_admin_endpoint(parser, flags->admin);
    add_count(parser, "-n,--count", flags->rows, {1, 10'000}, "At most so many [50]");
    parser.add_flag("--json", flags->json, "One JSON object a line, newest first");
    add_token(parser, flags->admin);
    add_admin(parser, flags->admin);
    parser.set_footer("Who ordered what, and who was refused; newest first.\n\n"
                      "Example:\n"
                      "  zmq audit ipc:///run/flotilla-store/admin --token-file "
                      "/etc/flotilla/admin-token");
    return [flags](Terminal&) -> Result<ExitCode> {
        auto answer = order(*flags, "audit", nlohmann::json{{"rows", flags->rows}});
        if (!answer)
            return fail(answer.error());
        auto text = flags->json ? audit_json(*answer) : audit_table(*answer);
        if (!text)
            return fail(text.error());
        Output out;
        return out.finish(out.write(*text));
    };
}

} // namespace flotilla::cli
