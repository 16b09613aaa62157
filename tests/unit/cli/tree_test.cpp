// SPDX-License-Identifier: Apache-2.0
// The tree of verbs and options, and what is made from it: help, completion, the manual page.
#include <cli/command.hpp>
#include <cli/completion.hpp>
#include <cli/manual.hpp>
#include <cli/program.hpp>
#include <command_line/help.hpp>
#include <support/catch.hpp>
#include <support/text.hpp>

#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

using namespace flotilla::cli;
using test::has;

namespace {

// The words behind "zmq" of each command of ours in a line, as a shell would split it.
std::vector<std::vector<std::string>> commands_in(const std::string& line) {
    std::vector<std::vector<std::string>> commands(1);
    std::string word;
    bool is_word = false;
    char quote = 0;
    const auto end_word = [&] {
        if (is_word)
            commands.back().push_back(std::exchange(word, {}));
        is_word = false;
    };
    for (const char c : line) {
        if (quote == 0 && c == '#' && !is_word)
            break;
        if (quote == 0 && (c == ' ' || has("|&;>", std::string(1, c)))) {
            end_word();
            if (c != ' ')
                commands.emplace_back();
            continue;
        }
        is_word = true;
        if (quote == c)
            quote = 0;
        else if (quote == 0 && (c == '\'' || c == '"'))
            quote = c;
        else
            word += c;
    }
    end_word();
    std::vector<std::vector<std::string>> ours;
    for (auto& each : commands)
        if (!each.empty() && each.front() == "zmq")
            ours.emplace_back(each.begin() + 1, each.end());
    return ours;
}

void check_examples(const Parser& verb) {
    std::istringstream lines{verb.footer()};
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with("  "))
            for (const auto& words : commands_in(line)) {
                INFO(line);
                CHECK(make_tree()->parse(words));
            }
    for (const auto& sub : verb.subcommands())
        check_examples(*sub);
}

} // namespace

TEST_CASE("every example of every help is a command that is understood") {
    const auto one = commands_in("seq 2 | zmq a 'b c' --d 1 > f # zmq e");
    REQUIRE(one.size() == 1);
    CHECK(one.front() == std::vector<std::string>{"a", "b c", "--d", "1"});
    check_examples(*make_tree());
}

TEST_CASE("every verb explains itself: a summary, its options in groups, and examples") {
    const auto root = make_tree();
    const std::string top = program_help(*root);
    for (const auto& verb : root->subcommands()) {
        INFO(verb->name());
        if (verb->group().empty())
            continue;
        CHECK(has(top, "\n  " + verb->name() + " "));
        CHECK(verb->description().back() != '.');
        const std::string help = flotilla::command_line::help(*verb);
        CHECK(has(help, "Usage: zmq " + verb->name()));
        if (verb->subcommands().empty())
            CHECK(has(help, "\n  zmq " + verb->name() + " ")); // an example
        for (const Option option : verb->options()) {
            INFO(option.name());
            CHECK_FALSE(option.description().empty());
        }
    }
}

TEST_CASE("no line of any help is wider than a terminal of 100 columns") {
    const auto root = make_tree();
    std::string all = program_help(*root);
    for (const auto& verb : root->subcommands()) {
        all += flotilla::command_line::help(*verb);
        for (const auto& sub : verb->subcommands())
            all += flotilla::command_line::help(*sub);
    }
    std::istringstream lines{all};
    for (std::string line; std::getline(lines, line);) {
        INFO(line);
        CHECK(line.size() <= 100);
    }
}

TEST_CASE("an argument that is one of a few words has them in its help") {
    const auto root = make_tree();
    for (const auto& verb : root->subcommands())
        for (const Option option : verb->options()) {
            if (!option.is_positional() || option.type_name().find('|') == std::string::npos)
                continue;
            std::istringstream words{option.type_name()};
            for (std::string word; std::getline(words, word, '|');) {
                INFO(verb->name() << " " << option.name() << " " << word);
                CHECK(has(option.description(), word));
            }
        }
}

TEST_CASE("completions know every verb and every option") {
    const auto root = make_tree();
    const auto verbs = describe_tree(*root);
    for (const Shell shell : {Shell::bash, Shell::zsh, Shell::fish}) {
        const std::string script = completion_script(shell, verbs);
        for (const auto& verb : root->subcommands())
            for (const Option option : verb->options())
                for (const std::string& name : option.long_names()) {
                    if (verb->group().empty())
                        continue;
                    INFO(verb->name() << " --" << name);
                    CHECK(has(script, verb->name()));
                    CHECK(has(script, (shell == Shell::fish ? "-l " : "--") + name));
                }
    }
}

TEST_CASE("completion offers files and choices where the option takes them") {
    const auto verbs = describe_tree(*make_tree());
    const std::string bash = completion_script(Shell::bash, verbs);
    CHECK(has(bash, "push:-f|push:--file) compopt -o default"));
    CHECK(has(bash, R"(sub:--format) COMPREPLY=($(compgen -W "text quoted)"));
    const std::string zsh = completion_script(Shell::zsh, verbs);
    CHECK(has(zsh, ":value:(block lossy)'"));
    CHECK(has(zsh, ":file:_files'"));
    CHECK(has(zsh, "'*--whole[The whole input is one message]'")); // a flag takes no value
    const std::string fish = completion_script(Shell::fish, verbs);
    CHECK(has(fish, "-x -a 'block lossy'"));
    CHECK(has(fish, "-l whole -d 'The whole input is one message'"));
}

TEST_CASE("completion offers the words and the files that an argument may be") {
    const auto verbs = describe_tree(*make_tree());
    const std::string bash = completion_script(Shell::bash, verbs);
    CHECK(has(bash, "replay) offers="));
    CHECK(has(completion_script(Shell::zsh, verbs), "'1:word:(forwarder queue streamer)'"));
    CHECK(has(completion_script(Shell::zsh, verbs), "'1:word:(pipeline pubsub request queue)'"));
    CHECK(has(completion_script(Shell::fish, verbs), "seen_subcommand_from replay' -F\n"));
    for (const CompletionVerb& verb : verbs) {
        INFO(verb.name);
        CHECK(verb.takes_files == (verb.name == "record" || verb.name == "replay" ||
                                   verb.name == "keys" || verb.name == "queue"));
    }
}

TEST_CASE("the manual page in docs/man is the one that the options make") {
    std::ifstream file{FLOTILLA_SOURCE_DIR "/docs/man/zmq.1"};
    std::stringstream page;
    page << file.rdbuf();
    INFO("renew it: zmq manual > docs/man/zmq.1");
    CHECK(page.str() == manual_page(*make_tree()));
}
