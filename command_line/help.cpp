// SPDX-License-Identifier: Apache-2.0
#include <command_line/help.hpp>

#include <algorithm>
#include <string_view>

namespace flotilla::command_line {

namespace {

constexpr std::size_t left_column = 30;
constexpr std::size_t line_width = 96;

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

std::string usage(const Parser& parser) {
    std::string text = "Usage: " + parser.path();
    for (const Option option : parser.options())
        if (option.is_positional()) {
            const std::string word = option.name() + (option.takes_many() ? "..." : "");
            text += option.is_required() ? " " + word : " [" + word + "]";
        }
    for (const Option option : parser.options())
        if (option.is_required() && !option.is_positional())
            text += " " + option.name() + " " + option.type_name();
    if (!parser.subcommands().empty())
        text += parser.requires_subcommand() ? " COMMAND" : " [COMMAND]";
    return text + " [OPTIONS]\n";
}

// Without the line breaks around it.
std::string trimmed(const std::string& text) {
    const std::size_t begin = text.find_first_not_of('\n');
    return begin == std::string::npos ? std::string{}
                                      : text.substr(begin, text.find_last_not_of('\n') + 1 - begin);
}

} // namespace

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

std::string help(const Parser& parser) {
    std::string out = usage(parser) + "\n";
    wrap(out, parser.description(), 0, 0);
    out += "\n";
    std::string heading;
    for (const auto& sub : parser.subcommands()) {
        if (sub->group() != heading) {
            heading = sub->group();
            out += "\n" + (heading == "Subcommands" ? "Commands" : heading) + ":\n";
        }
        add_row(out, sub->name(), sub->description());
    }
    std::string arguments;
    for (const Option option : parser.options())
        if (option.is_positional() && !option.description().empty())
            add_row(arguments, option.name(), option.description());
    if (!arguments.empty())
        out += "\nArguments:\n" + arguments;
    std::vector<std::string> groups = parser.groups();
    std::stable_partition(groups.begin(), groups.end(),
                          [](const std::string& group) { return group != "General"; });
    for (const std::string& group : groups) {
        std::string rows;
        for (const Option option : parser.options())
            if (!group.empty() && option.group() == group && !option.is_positional())
                add_row(rows, option_names(option), option.description());
        if (!rows.empty())
            out += "\n" + group + ":\n" + rows;
    }
    const std::string footer = trimmed(parser.footer());
    return footer.empty() ? out : out + "\n" + footer + "\n";
}

} // namespace flotilla::command_line
