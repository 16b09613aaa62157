// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cli/command.hpp>
#include <cli/help.hpp>
#include <cli/program.hpp>
#include <cli/serve/command_mark.hpp>
#include <cli/signals.hpp>
#include <cli/suggest.hpp>
#include <cli/terminal.hpp>

#include <algorithm>
#include <cstdio>
#include <map>

namespace flotilla::cli {

namespace {

struct Verb {
    CLI::App* app = nullptr;
    Run run;
};

struct Tree {
    std::unique_ptr<CLI::App> root;
    std::vector<Verb> verbs;
    int quiet = 0;
    int verbose = 0;
};

// CLI11 gives a meaning to some words where a list is expected ("[a,b]", "{}", "%%", "++");
// messages must pass untouched. So they travel through it behind a byte that nothing else begins
// with.
constexpr char shield = '\x01';

bool needs_shield(const std::string& word) {
    return !word.empty() && (word.front() == '[' || word == "{}" || word == "%%" || word == "++");
}

std::string unshield(const std::string& word) {
    return !word.empty() && word.front() == shield ? word.substr(1) : word;
}

void prepare(CLI::App& app, Tree& tree) {
    app.set_help_flag("-h,--help", "This text")->group("General");
    app.add_flag("-q,--quiet", tree.quiet, "No notes on stderr, only errors")->group("General");
    app.add_flag("-v,--verbose", tree.verbose, "Say on stderr what happens to the connections")
        ->group("General");
    for (CLI::App* sub : app.get_subcommands({}))
        prepare(*sub, tree);
    for (CLI::Option* option : app.get_options())
        if (option->get_type_size() != 0)
            option->transform(unshield, "");
}

std::unique_ptr<Tree> declare_all() {
    auto tree = std::make_unique<Tree>();
    tree->root = std::make_unique<CLI::App>(
        "zmq: send, receive and look at messages on ZeroMQ sockets.", "zmq");
    CLI::App& root = *tree->root;
    root.footer("Every verb explains itself: zmq VERB --help\n"
                "Exit status: 0 done, 1 failed, 2 wrong usage, 3 timeout or nothing received,\n"
                "4 refused, 5 not everything left, 130 or 143 ended by a signal");
    root.set_help_flag("-h,--help", "This text");
    root.require_subcommand(1);
    for (const Command& command : commands()) {
        CLI::App* app = root.add_subcommand(command.name, command.summary);
        app->group(command.group);
        tree->verbs.push_back({app, command.declare(*app)});
        prepare(*app, *tree);
    }
    return tree;
}

// The deepest subcommand that the words named.
const CLI::App& deepest(const CLI::App& app) {
    const auto parsed = app.get_subcommands();
    return parsed.empty() ? app : deepest(*parsed.front());
}

std::string path_of(const CLI::App& app) {
    if (app.get_parent() == nullptr)
        return {};
    const std::string up = path_of(*app.get_parent());
    return up.empty() ? app.get_name() : up + " " + app.get_name();
}

std::vector<std::string> subcommand_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* sub : app.get_subcommands({}))
        names.push_back(sub->get_name());
    return names;
}

std::vector<std::string> option_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options())
        for (const std::string& name : option->get_lnames())
            names.push_back("--" + name);
    return names;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known) {
    const std::string near = nearest(word, known);
    return near.empty() ? std::string{} : "; did you mean " + near + "?";
}

// What is wrong with the words, and what would be right.
std::string explain(const CLI::ParseError& error, const CLI::App& at) {
    const std::vector<std::string> left = at.remaining(false);
    if (!left.empty()) {
        const std::string word = unshield(left.front());
        if (word.size() > 1 && word.front() == '-') {
            const std::string name = word.substr(0, word.find('='));
            return "unknown option " + name + did_you_mean(name, option_names(at));
        }
        if (!subcommand_names(at).empty())
            return "there is no " + std::string(at.get_parent() ? "command" : "verb") + " '" +
                   word + "'" + did_you_mean(word, subcommand_names(at));
        return "unexpected argument '" + word + "'";
    }
    if (!subcommand_names(at).empty() && at.get_subcommands().empty())
        return at.get_parent() ? "say which command" : "say which verb";
    return error.what();
}

int report(const CLI::ParseError& error, const CLI::App& root) {
    const CLI::App& at = deepest(root);
    const std::string path = path_of(at);
    Terminal(path).error(explain(error, at));
    std::fprintf(stderr, "Try: zmq %s--help\n", path.empty() ? "" : (path + " ").c_str());
    return static_cast<int>(ExitCode::usage);
}

int print(const std::string& text) {
    const bool written =
        std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    return static_cast<int>(written ? ExitCode::ok : ExitCode::runtime_error);
}

int run_verb(const Tree& tree) {
    const CLI::App* named = tree.root->get_subcommands().front();
    const auto verb = std::find_if(tree.verbs.begin(), tree.verbs.end(),
                                   [named](const Verb& v) { return v.app == named; });
    Terminal terminal(path_of(deepest(*named)), tree.quiet     ? Verbosity::quiet
                                                : tree.verbose ? Verbosity::verbose
                                                               : Verbosity::normal);
    catch_signals();
    Result<ExitCode> ended = verb->run(terminal);
    if (signal_caught() != 0)
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
    if (words.front() == "serve")
        if (const auto end = std::find(words.begin(), words.end(), "--"); end != words.end())
            words.insert(end + 1, std::string(command_mark));
}

} // namespace

std::unique_ptr<CLI::App> make_tree() {
    // The tree's flags refer to the Tree, which a caller that only looks does not need: it is kept
    // with the program.
    static std::vector<std::unique_ptr<Tree>> kept;
    kept.push_back(declare_all());
    return std::move(kept.back()->root);
}

const CLI::App& root_of(const CLI::App& app) {
    return app.get_parent() ? root_of(*app.get_parent()) : app;
}

int run_program(std::vector<std::string> words) {
    accept_habits(words);
    const auto tree = declare_all();
    if (words.empty()) {
        std::fputs(program_help(*tree->root).c_str(), stderr);
        return static_cast<int>(ExitCode::usage);
    }
    for (std::string& word : words)
        if (needs_shield(word))
            word.insert(word.begin(), shield);
    std::reverse(words.begin(), words.end()); // the order that CLI11 takes a vector in
    try {
        tree->root->parse(words);
    } catch (const CLI::CallForHelp&) {
        const CLI::App& at = deepest(*tree->root);
        return print(at.get_parent() ? verb_help(at) : program_help(at));
    } catch (const CLI::ParseError& error) {
        return report(error, *tree->root);
    }
    return run_verb(*tree);
}

} // namespace flotilla::cli
