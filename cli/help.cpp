// SPDX-License-Identifier: Apache-2.0
#include <cli/help.hpp>

#include <algorithm>
#include <string_view>

namespace flotilla::cli {

namespace {

constexpr std::size_t left_column = 30;
constexpr std::size_t line_width = 96;

// `text` broken at spaces to line_width, later lines indented to the column. Its own line breaks
// stay.
void wrap(std::string& out, std::string_view text, std::size_t column, std::size_t indent) {
    while (!text.empty()) {
        const std::size_t stop = text.find_first_of(" \n");
        const std::string_view word = text.substr(0, stop);
        if (column > indent && column + 1 + word.size() > line_width) {
            out += '\n' + std::string(indent, ' ');
            column = indent;
        } else if (column > indent) {
            out += ' ';
            ++column;
        }
        out += word;
        column += word.size();
        if (stop == std::string_view::npos)
            return;
        if (text[stop] == '\n') {
            out += '\n' + std::string(indent, ' ');
            column = indent;
        }
        text.remove_prefix(stop + 1);
    }
}

void add_row(std::string& out, const std::string& left, std::string_view right) {
    out += "  " + left;
    std::size_t column = 2 + left.size();
    if (column + 2 > left_column) {
        out += '\n';
        column = 0;
    }
    out += std::string(left_column - column, ' ');
    wrap(out, right, left_column, left_column);
    out += '\n';
}

std::string option_names(Option option) {
    std::string text;
    for (const std::string& name : option.short_names())
        text += (text.empty() ? "-" : ",-") + name;
    for (const std::string& name : option.long_names())
        text += (text.empty() ? "    --" : ", --") + name;
    if (!option.type_name().empty())
        text += " " + option.type_name();
    return text;
}

std::string usage(const Parser& verb) {
    std::string path = verb.name();
    for (const Parser* up = verb.parent(); up != nullptr; up = up->parent())
        path = up->name() + " " + path;
    std::string text = "Usage: " + path;
    for (const Option option : verb.options())
        if (option.is_positional()) {
            const std::string word = option.name() + (option.takes_many() ? "..." : "");
            text += option.is_required() ? " " + word : " [" + word + "]";
        }
    if (!verb.subcommands().empty())
        text += " COMMAND";
    return text + " [OPTIONS]\n";
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
        wrap(out, verb->description(), 14, 14);
        out += '\n';
    }
    return out + "\n" + root.footer() + "\n";
}

std::string verb_help(const Parser& verb) {
    std::string out = usage(verb) + "\n";
    wrap(out, verb.description(), 0, 0);
    out += "\n";
    if (!verb.subcommands().empty())
        out += "\nCommands:\n";
    for (const auto& sub : verb.subcommands()) {
        add_row(out, sub->name(), sub->description());
    }
    std::string arguments;
    for (const Option option : verb.options())
        if (option.is_positional() && !option.description().empty())
            add_row(arguments, option.name(), option.description());
    if (!arguments.empty())
        out += "\nArguments:\n" + arguments;
    for (const std::string& group : verb.groups()) {
        std::string rows;
        for (const Option option : verb.options())
            if (!group.empty() && option.group() == group && !option.is_positional())
                add_row(rows, option_names(option), option.description());
        if (!rows.empty())
            out += "\n" + group + ":\n" + rows;
    }
    const std::string footer = verb.footer();
    return footer.empty() ? out : out + "\n" + footer + "\n";
}

} // namespace flotilla::cli
