// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/encoding.hpp>
#include <flotilla/base/settings.hpp>

#include <command_line/help.hpp>
#include <command_line/program.hpp>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace flotilla::command_line {

namespace {

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
    const auto near = nearest_word(word, known);
    return near ? "; did you mean " + *near + "?" : std::string{};
}

// What is wrong with the words, and what would be right. `sentence` is what the parser says.
std::string explain(const Parser& at, const std::string& sentence, const std::string& noun) {
    const std::vector<std::string> left = at.remaining();
    if (left.empty())
        return at.lacks_subcommand() ? "say which " + noun : sentence;
    const std::string& word = left.front();
    if (word.size() > 1 && word.front() == '-') {
        const std::string name = word.substr(0, word.find('='));
        return "unknown option " + name + did_you_mean(name, option_names(at));
    }
    if (!at.subcommands().empty())
        return "there is no " + noun + " '" + word + "'" + did_you_mean(word, subcommand_names(at));
    return "unexpected argument '" + word + "'";
}

} // namespace

namespace {

constexpr std::size_t unknown_max = 20;

void add_variables(const Parser& parser, std::set<std::string>& known) {
    for (const Option option : parser.options())
        known.insert(option.variable());
    for (const auto& sub : parser.subcommands())
        add_variables(*sub, known);
}

} // namespace

std::vector<UnknownVariable> unknown_variables(const Parser& root, const std::string& prefix) {
    std::set<std::string> known;
    add_variables(root, known);
    std::vector<std::string> tails; // what stands behind the prefix tells them apart
    for (const std::string& name : known)
        if (name.rfind(prefix, 0) == 0)
            tails.push_back(name.substr(prefix.size()));
    std::map<std::string, std::string> unknown;
    for (char** each = environ; each != nullptr && *each != nullptr; ++each) {
        const std::string_view entry = *each;
        const std::string name{entry.substr(0, entry.find('='))};
        if (name.rfind(prefix, 0) != 0 || known.contains(name))
            continue;
        const auto near = nearest_word(name.substr(prefix.size()), tails);
        unknown.emplace(name, near ? prefix + *near : std::string{});
    }
    std::vector<UnknownVariable> first;
    for (auto& [name, meant] : unknown)
        if (first.size() < unknown_max)
            first.push_back({name, std::move(meant)});
    return first;
}

std::string explain(const UnknownVariable& unknown) {
    return "there is no variable " + unknown.name +
           (unknown.meant.empty() ? "; it is passed over"
                                  : "; did you mean " + unknown.meant + "?");
}

void warn_of_unknown_variables(const Parser& root, const std::string& prefix) {
    for (const UnknownVariable& each : unknown_variables(root, prefix))
        std::fprintf(stderr, "%s: warning: %s\n", root.name().c_str(), explain(each).c_str());
}

std::vector<FromVariable> given_by_variables(const Parser& parser, int count,
                                             const char* const* words) {
    std::vector<FromVariable> given;
    for (const Option option : parser.options()) {
        const std::string variable = option.variable();
        if (variable.empty() || std::getenv(variable.c_str()) == nullptr)
            continue;
        const bool is_said = std::any_of(
            words + 1, words + count, [&](const char* word) { return option.is_given_by(word); });
        if (!is_said)
            given.push_back({option.name(), variable});
    }
    return given;
}

std::string named_by_source(std::string sentence, const std::vector<FromVariable>& given) {
    constexpr const char* of_a_name = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    for (const auto& [option, variable] : given) {
        for (std::size_t at = sentence.find(option); at != std::string::npos;
             at = sentence.find(option, at)) {
            std::size_t end = at + option.size();
            if (sentence.find_first_of(of_a_name, end) == end) { // a longer one
                at = end;
                continue;
            }
            // Its key in brackets says the same once more.
            if (sentence.compare(end, 2, " (") == 0) {
                const std::size_t bracket = sentence.find_first_not_of(of_a_name, end + 2);
                if (bracket != std::string::npos && sentence[bracket] == ')')
                    end = bracket + 1;
            }
            sentence.replace(at, end - at, variable);
            at += variable.size();
        }
    }
    return sentence;
}

ExitCode print(const std::string& text) {
    const bool written =
        std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    return written ? ExitCode::ok : ExitCode::runtime_error;
}

std::string complaint(const Parser& root, const Error& refused, const std::string& noun) {
    const Parser& at = root.innermost();
    std::string text = at.path() + ": ";
    append_shown(text, explain(at, refused.detail, at.parent() == nullptr ? noun : "command"));
    return text + "\nTry: " + at.path() + " --help\n";
}

ExitCode complain(const Parser& root, const Error& refused, const std::string& noun) {
    const std::string text = complaint(root, refused, noun);
    std::fwrite(text.data(), 1, text.size(), stderr);
    return ExitCode::usage;
}

std::optional<ExitCode> read_words(Parser& parser, int count, const char* const* words) {
    const auto asked = parser.parse({words + 1, words + count});
    if (!asked)
        return complain(parser, asked.error());
    switch (*asked) {
    case Parser::Asked::help:
        return print(help(parser.innermost()));
    case Parser::Asked::version:
        return print(parser.version() + "\n");
    case Parser::Asked::run:
        break;
    }
    return std::nullopt;
}

} // namespace flotilla::command_line
