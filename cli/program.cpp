// SPDX-License-Identifier: Apache-2.0
#include <cli/command.hpp>
#include <cli/program.hpp>
#include <cli/serve/command_mark.hpp>
#include <cli/signals.hpp>
#include <cli/terminal.hpp>
#include <command_line/help.hpp>
#include <command_line/program.hpp>

#include <algorithm>
#include <array>
#include <cstdio>

namespace flotilla::cli {

namespace {

struct Verb {
    const Parser* parser = nullptr;
    Run run;
};

struct Tree {
    std::unique_ptr<Parser> root;
    std::vector<Verb> verbs;
    int quiet = 0;
    int verbose = 0;
};

void prepare(Parser& parser, Tree& tree) {
    parser.add_flag("-q,--quiet", tree.quiet, "No notes on stderr, only errors").group("General");
    parser.add_flag("-v,--verbose", tree.verbose, "Say on stderr what happens to the connections")
        .group("General");
    for (const auto& sub : parser.subcommands())
        prepare(*sub, tree);
}

std::unique_ptr<Tree> declare_all() {
    auto tree = std::make_unique<Tree>();
    tree->root = std::make_unique<Parser>(
        "zmq: send, receive and look at messages on ZeroMQ sockets.", "zmq");
    Parser& root = *tree->root;
    root.set_footer("Every verb explains itself: zmq VERB --help\n"
                    "Exit status: 0 done, 1 failed, 2 wrong usage, 3 timeout or nothing received,\n"
                    "4 refused, 5 not everything left, 130 or 143 ended by a signal");
    root.require_subcommand();
    for (const Command& command : commands()) {
        Parser& verb = root.add_subcommand(command.name, command.summary);
        verb.set_group(command.group);
        tree->verbs.push_back({&verb, command.declare(verb)});
        prepare(verb, *tree);
    }
    return tree;
}

// "queue put" of "zmq queue put".
std::string path_behind_program(const Parser& parser) {
    const std::string path = parser.path();
    return path.substr(path.find(' ') + 1);
}

// Those of daemons, and of whoever else, are not ours to judge: only what is nearly one of ours is
// told of.
void tell_misspelt_variables(const Parser& root, Terminal& terminal) {
    constexpr std::array<const char*, 3> of_daemons{"FLOTILLA_RELAY_", "FLOTILLA_BROKER_",
                                                    "FLOTILLA_STORE_"};
    for (const auto& unknown : command_line::unknown_variables(root, "FLOTILLA_")) {
        const bool is_daemons =
            std::any_of(of_daemons.begin(), of_daemons.end(),
                        [&](const char* prefix) { return unknown.name.rfind(prefix, 0) == 0; });
        if (!unknown.meant.empty() && !is_daemons)
            terminal.note(command_line::explain(unknown));
    }
}

int run_verb(const Tree& tree) {
    const Parser* named = tree.root->named();
    const auto verb = std::find_if(tree.verbs.begin(), tree.verbs.end(),
                                   [named](const Verb& v) { return v.parser == named; });
    Terminal terminal(path_behind_program(named->innermost()), tree.quiet     ? Verbosity::quiet
                                                               : tree.verbose ? Verbosity::verbose
                                                                              : Verbosity::normal);
    catch_signals();
    tell_misspelt_variables(*tree.root, terminal);
    Result<ExitCode> ended = verb->run(terminal);
    // An end that was asked for is none of these: what was to be kept is not.
    const bool failed_to_keep =
        ended ? *ended == ExitCode::not_flushed
              : ended.error().code == Errc::disk_full || ended.error().code == Errc::io;
    if (signal_caught() != 0 && !failed_to_keep)
        return 128 + signal_caught();
    if (ended)
        return static_cast<int>(*ended);
    terminal.error(ended.error().detail.empty() ? std::string(name(ended.error().code))
                                                : ended.error().detail);
    return static_cast<int>(exit_code(ended.error().code));
}

// "zmq help VERB" and "zmq --version", which people try; and a command behind --, which is marked.
void accept_habits(std::vector<std::string>& words) {
    if (words.empty())
        return;
    if (words.front() == "--version" || words.front() == "-V")
        words.front() = "version";
    if (words.front() == "help") {
        words.erase(words.begin());
        words.push_back("--help");
    }
    if (words.front() == "serve" ||
        (words.front() == "queue" && words.size() > 1 && words[1] == "take"))
        if (const auto end = std::find(words.begin(), words.end(), "--"); end != words.end())
            words.insert(end + 1, std::string(command_mark));
}

} // namespace

std::string program_help(const Parser& root) {
    std::string out = root.description() + "\n\nUsage: zmq VERB [ARGUMENTS] [OPTIONS]\n";
    std::string group;
    for (const auto& verb : root.subcommands()) {
        if (verb->group().empty())
            continue;
        if (verb->group() != group) {
            group = verb->group();
            out += "\n" + group + ":\n";
        }
        out += "  " + verb->name();
        out += std::string(12 - std::min<std::size_t>(verb->name().size(), 11), ' ');
        command_line::wrap(out, verb->description(), 14, 14);
        out += '\n';
    }
    return out + "\n" + root.footer() + "\n";
}

std::unique_ptr<Parser> make_tree() {
    // The tree's flags refer to the Tree, which a caller that only looks does not need: it is kept
    // with the program.
    static std::vector<std::unique_ptr<Tree>> kept;
    kept.push_back(declare_all());
    return std::move(kept.back()->root);
}

const Parser& root_of(const Parser& parser) {
    return parser.parent() ? root_of(*parser.parent()) : parser;
}

int run_program(std::vector<std::string> words) {
    accept_habits(words);
    const auto tree = declare_all();
    if (words.empty()) {
        std::fputs(program_help(*tree->root).c_str(), stderr);
        return static_cast<int>(ExitCode::usage);
    }
    const auto asked = tree->root->parse(std::move(words));
    if (!asked)
        return static_cast<int>(command_line::complain(*tree->root, asked.error(), "verb"));
    if (*asked == Parser::Asked::help) {
        const Parser& at = tree->root->innermost();
        return static_cast<int>(
            command_line::print(at.parent() ? command_line::help(at) : program_help(at)));
    }
    return run_verb(*tree);
}

} // namespace flotilla::cli
