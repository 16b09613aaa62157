// SPDX-License-Identifier: Apache-2.0
#include "store/command_line.hpp"

#include "host/command_line.hpp"
#include "host/listener.hpp"
#include "host/setting_flags.hpp"
#include "store/setting_list.hpp"

#include <CLI/CLI.hpp>

#include <iostream>
#include <utility>

namespace flotilla::store_daemon {
namespace {

constexpr const char* program = "flotilla-store";
const std::string prefix = "FLOTILLA_STORE_";

constexpr const char* examples = R"(
Producers and consumers connect to the same endpoints. Every option can be given as
FLOTILLA_STORE_NAME in the environment, lists with commas; a file may also have [[queue]],
[[auto_create]] and [[door]] tables. The tools after their names work on a directory: verify and
backup also beside a running store.

Examples:
  flotilla-store --bind tcp://127.0.0.1:5560 --data /var/lib/flotilla-store
  flotilla-store --bind tcp://127.0.0.1:5560 --data queues --auto-create 'orders.*'
      a put into a queue that fits makes it
  flotilla-store --bind 'tcp://127.0.0.1:*' --data queues --ready-json
      on a port of the system's choice, told as one line of JSON
  flotilla-store --bind tcp://0.0.0.0:5560 --data queues --curve-key store.key_secret \
      --allow-client-keys peers/
  flotilla-store --config store.toml
  flotilla-store backup --data queues --to queues.backup
  flotilla-store export --data queues > queues.jsonl
)";

struct Given {
    host::CommonFlags common{};
    std::vector<std::string> bind{};
    DaemonSettings settings{};
    ToolCommand tool{};
    std::optional<Tool> named{};
};

void add_flags(CLI::App& app, Given& given) {
    const auto flags_of = [&](const char* group) {
        return host::SettingFlags<DaemonSettings>(app, group, given.settings, prefix);
    };
    auto* bind = app.add_option("--bind", given.bind,
                                "Where producers and consumers meet it; may be repeated");
    bind->type_name("ENDPOINT")->group("Store")->delimiter(',')->take_all();
    host::read_from_environment(*bind, prefix);
    for_each_store_setting(flags_of("Store"));
    auto* created = app.add_option("--auto-create", given.settings.auto_create,
                                   "Queues that a put, take or hello may make, such as "
                                   "'orders.*'; may be repeated (default: none)");
    created->type_name("PATTERN")->group("Store")->delimiter(',')->take_all();
    host::read_from_environment(*created, prefix);
    for_each_limit(flags_of("Limits"));
    host::add_common_settings(app, given.settings, given.common, prefix);
}

// A word that names a tool, with the options that it has.
CLI::App& add_tool(CLI::App& app, Given& given, Tool tool, const char* name, const char* help) {
    CLI::App& sub = *app.add_subcommand(name, help);
    sub.group("Tools");
    auto* data = sub.add_option("--data", given.tool.data, "The directory of the store");
    data->type_name("DIR")->required();
    host::read_from_environment(*data, prefix);
    sub.callback([&given, tool] { given.named = tool; });
    return sub;
}

void add_tools(CLI::App& app, Given& given) {
    add_tool(app, given, Tool::verify, "verify",
             "Read everything and check it, also beside a running store; 4: damage was found")
        .footer("Example:\n  flotilla-store verify --data queues");
    CLI::App& backup = add_tool(app, given, Tool::backup, "backup",
                                "A consistent copy, also beside a running store");
    backup.add_option("--to", given.tool.other, "A directory that is not there yet")
        ->type_name("DIR")
        ->required();
    backup.footer("Example:\n  flotilla-store backup --data queues --to queues.backup");
    CLI::App& restore =
        add_tool(app, given, Tool::restore, "restore", "A backup back; it is verified first");
    restore.add_option("--from", given.tool.other, "The directory of the backup")
        ->type_name("DIR")
        ->required();
    restore.footer("--data names a directory that is empty or not there.\n\nExample:\n"
                   "  flotilla-store restore --from queues.backup --data queues");
    CLI::App& out = add_tool(app, given, Tool::export_lines, "export",
                             "All queues and messages as JSON lines; no store may run on it");
    out.add_option("FILE", given.tool.other, "Where to [standard output]")->type_name("FILE");
    out.footer("A line of type queue has the properties; lines of type message have the frames, as "
               "text or base64.\n\nExample:\n  flotilla-store export --data queues > all.jsonl");
    CLI::App& in = add_tool(app, given, Tool::import_lines, "import",
                            "Such lines back, behind what is there; no store may run on it");
    in.add_option("FILE", given.tool.other, "Where from [standard input]")->type_name("FILE");
    in.footer("Example:\n  flotilla-store import --data queues < all.jsonl");
    app.require_subcommand(0, 1);
}

// What flags and variables say, and which file lies under them.
Result<Source> source_of(Given& given) {
    if (!given.bind.empty()) {
        auto binds = host::parse_binds(given.bind, "a store");
        if (!binds)
            return fail(binds.error().code, "--bind: " + binds.error().detail);
        given.settings.bind = std::move(*binds);
    }
    return Source{std::move(given.settings), std::move(given.common.config)};
}

} // namespace

Result<DaemonSettings> read_again(const Source& source) {
    return host::read_settings(source, parse_settings, lay_over);
}

std::variant<Command, ToolCommand, ExitCode> read_command_line(int count,
                                                               const char* const* arguments) {
    CLI::App app("Keeps queues of messages on disk: what it has confirmed is there after a crash, "
                 "and is delivered until it is acknowledged.",
                 program);
    app.set_version_flag("--version", host::version_text(program));
    app.footer(examples);
    Given given;
    add_flags(app, given);
    add_tools(app, given);
    if (const auto done = host::parse(app, count, arguments))
        return *done;
    if (given.named) {
        given.tool.tool = *given.named;
        given.tool.store = store_options(given.settings);
        return std::move(given.tool);
    }
    auto source = source_of(given);
    auto settings = source ? read_again(*source) : Result<DaemonSettings>{fail(source.error())};
    if (!settings) {
        std::cerr << program << ": " << settings.error().detail << "\n";
        return ExitCode::usage;
    }
    Command command;
    command.task = given.common.task();
    command.ready_json = given.common.ready_json.value_or(false);
    command.source = std::move(*source);
    command.settings = std::move(*settings);
    return command;
}

} // namespace flotilla::store_daemon
