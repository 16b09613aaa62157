// SPDX-License-Identifier: Apache-2.0
#include "store/command_line.hpp"

#include "host/command_line.hpp"
#include "host/listener.hpp"
#include "host/setting_flags.hpp"
#include "store/setting_list.hpp"

#include <flotilla/base/units.hpp>

#include <command_line/program.hpp>

#include <iostream>
#include <utility>

namespace flotilla::store_daemon {
namespace {

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
    std::vector<std::pair<const host::Parser*, Tool>> tools{}; // as they are named
};

void add_flags(host::Parser& parser, Given& given) {
    const auto flags_of = [&](const char* group) {
        return host::SettingFlags<DaemonSettings>(parser, group, given.settings, prefix);
    };
    const host::Option bind =
        parser
            .add_option("--bind", given.bind,
                        "Where producers and consumers meet it; may be repeated")
            .type_name("ENDPOINT")
            .group("Store")
            .separated_by(',');
    host::read_from_environment(bind, prefix);
    for_each_store_setting(flags_of("Store"));
    const host::Option created =
        parser
            .add_option("--auto-create", given.settings.auto_create,
                        "Queues that a put, take or hello may make, such as "
                        "'orders.*'; may be repeated (default: none)")
            .type_name("PATTERN")
            .group("Store")
            .separated_by(',');
    host::read_from_environment(created, prefix);
    for_each_limit(flags_of("Limits"));
    host::add_common_settings(parser, given.settings, given.common, prefix);
}

// A word that names a tool, with the options that it has.
host::Parser& add_tool(host::Parser& parser, Given& given, Tool tool, const char* name,
                       const char* help) {
    host::Parser& sub = parser.add_subcommand(name, help);
    sub.set_group("Tools");
    const host::Option data =
        sub.add_option("--data", given.tool.data, "The directory of the store")
            .type_name("DIR")
            .required();
    host::read_from_environment(data, prefix);
    given.tools.emplace_back(&sub, tool);
    return sub;
}

void add_tools(host::Parser& parser, Given& given) {
    add_tool(parser, given, Tool::verify, "verify",
             "Read everything and check it, also beside a running store; 4: damage was found")
        .set_footer("Example:\n  flotilla-store verify --data queues");
    host::Parser& backup = add_tool(parser, given, Tool::backup, "backup",
                                    "A consistent copy, also beside a running store");
    backup.add_option("--to", given.tool.other, "A directory that is not there yet")
        .type_name("DIR")
        .required();
    backup.set_footer("Example:\n  flotilla-store backup --data queues --to queues.backup");
    host::Parser& restore =
        add_tool(parser, given, Tool::restore, "restore", "A backup back; it is verified first");
    restore.add_option("--from", given.tool.other, "The directory of the backup")
        .type_name("DIR")
        .required();
    restore.set_footer("--data names a directory that is empty or not there.\n\nExample:\n"
                       "  flotilla-store restore --from queues.backup --data queues");
    host::Parser& out = add_tool(parser, given, Tool::export_lines, "export",
                                 "All queues and messages as JSON lines; no store may run on it");
    out.add_option("FILE", given.tool.other, "Where to [standard output]").type_name("FILE");
    out.set_footer(
        "A line of type queue has the properties; lines of type message have the frames,\n"
        "as text or base64.\n\nExample:\n  flotilla-store export --data queues > all.jsonl");
    host::Parser& in = add_tool(parser, given, Tool::import_lines, "import",
                                "Such lines back, behind what is there; no store may run on it");
    in.add_option("FILE", given.tool.other, "Where from [standard input]").type_name("FILE");
    in.add_option(
          "--from-line",
          [&given](const std::string& text) -> Status {
              const auto line = parse_count(text, 1, 1ULL << 50);
              if (!line)
                  return fail(line.error());
              given.tool.from_line = *line;
              return {};
          },
          "Pass over the lines before this one, which an import before put in [1]")
        .type_name("N");
    in.set_footer(
        "An import that fails or is interrupted says how far it came, and one that takes\n"
        "long says so meanwhile: go on there, or its messages are there twice.\n\n"
        "Examples:\n  flotilla-store import --data queues < all.jsonl\n"
        "  flotilla-store import --data queues --from-line 40003 < all.jsonl");
    add_tool(
        parser, given, Tool::give_up_journal, "give-up-journal",
        "Go on without a journal that keeps the store from starting: what was confirmed and is "
        "in it alone is lost")
        .set_footer("What can be read is kept, the file gets another name, and the store says\n"
                    "from then on that it was done.\n\nExample:\n"
                    "  flotilla-store give-up-journal --data queues");
    parser.allow_subcommand();
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
    host::Parser parser(
        "Keeps queues of messages on disk: what it has confirmed is there after a crash, "
        "and is delivered until it is acknowledged.",
        program_name);
    parser.set_version(host::version_text(program_name));
    parser.set_footer(examples);
    Given given;
    add_flags(parser, given);
    add_tools(parser, given);
    if (const auto done = command_line::read_words(parser, count, arguments))
        return *done;
    command_line::warn_of_unknown_variables(parser, prefix);
    given.common.variables = command_line::given_by_variables(parser, count, arguments);
    for (const auto& [named, tool] : given.tools) {
        if (!named->is_named())
            continue;
        given.tool.tool = tool;
        given.tool.store = store_options(given.settings);
        return std::move(given.tool);
    }
    using Read = std::variant<Command, ToolCommand, ExitCode>;
    return std::visit(
        [](auto&& read) { return Read{std::move(read)}; },
        host::command_of<DaemonSettings>(program_name, given.common, source_of(given), read_again));
}

} // namespace flotilla::store_daemon
