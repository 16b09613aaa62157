// SPDX-License-Identifier: Apache-2.0
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
    parser.set_help_flag("-h,--help", "This text").group("General");
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
    root.set_help_flag("-h,--help", "This text");
    root.require_subcommand();
    for (const Command& command : commands()) {
        Parser& verb = root.add_subcommand(command.name, command.summary);
        verb.set_group(command.group);
        tree->verbs.push_back({&verb, command.declare(verb)});
        prepare(verb, *tree);
    }
    return tree;
}

// The deepest subcommand that the words named.
const Parser& deepest(const Parser& parser) {
    const Parser* const named = parser.named();
    return named == nullptr ? parser : deepest(*named);
}

std::string path_of(const Parser& parser) {
    if (parser.parent() == nullptr)
        return {};
    const std::string up = path_of(*parser.parent());
    return up.empty() ? parser.name() : up + " " + parser.name();
}

std::vector<std::string> subcommand_names(const Parser& parser) {
    std::vector<std::string> names;
    for (const auto& sub : parser.subcommands())
        names.push_back(sub->name());
    return names;
}

std::vector<std::string> option_names(const Parser& parser) {
    std::vector<std::string> names;
    for (const Option option : parser.options())
        for (const std::string& name : option.long_names())
            names.push_back("--" + name);
    return names;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known) {
    const std::string near = nearest(word, known);
    return near.empty() ? std::string{} : "; did you mean " + near + "?";
}

// What is wrong with the words, and what would be right. `sentence` is what the parser says.
std::string explain(const std::string& sentence, const Parser& at) {
    const std::vector<std::string> left = at.remaining();
    if (!left.empty()) {
        const std::string& word = left.front();
        if (word.size() > 1 && word.front() == '-') {
            const std::string name = word.substr(0, word.find('='));
            return "unknown option " + name + did_you_mean(name, option_names(at));
        }
        if (!at.subcommands().empty())
            return "there is no " + std::string(at.parent() ? "command" : "verb") + " '" + word +
                   "'" + did_you_mean(word, subcommand_names(at));
        return "unexpected argument '" + word + "'";
    }
    if (!at.subcommands().empty() && at.named() == nullptr)
        return at.parent() ? "say which command" : "say which verb";
    return sentence;
}

int report(const std::string& sentence, const Parser& root) {
    const Parser& at = deepest(root);
    const std::string path = path_of(at);
    Terminal(path).error(explain(sentence, at));
    std::fprintf(stderr, "Try: zmq %s--help\n", path.empty() ? "" : (path + " ").c_str());
    return static_cast<int>(ExitCode::usage);
}

int print(const std::string& text) {
    const bool written =
        std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    return static_cast<int>(written ? ExitCode::ok : ExitCode::runtime_error);
}

int run_verb(const Tree& tree) {
    const Parser* named = tree.root->named();
    const auto verb = std::find_if(tree.verbs.begin(), tree.verbs.end(),
                                   [named](const Verb& v) { return v.parser == named; });
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
        return report(asked.error().detail, *tree->root);
    if (*asked == Parser::Asked::help) {
        const Parser& at = deepest(*tree->root);
        return print(at.parent() ? verb_help(at) : program_help(at));
    }
    return run_verb(*tree);
}

} // namespace flotilla::cli
