// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
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

std::string option_names(const CLI::Option& option) {
    std::string text;
    for (const std::string& name : option.get_snames())
        text += (text.empty() ? "-" : ",-") + name;
    for (const std::string& name : option.get_lnames())
        text += (text.empty() ? "    --" : ", --") + name;
    if (option.get_type_size() != 0 && !option.get_type_name().empty())
        text += " " + option.get_type_name();
    return text;
}

std::string usage(const CLI::App& verb) {
    std::string path = verb.get_name();
    for (const CLI::App* up = verb.get_parent(); up != nullptr && !up->get_name().empty();
         up = up->get_parent())
        path = up->get_name() + " " + path;
    std::string text = "Usage: " + path;
    for (const CLI::Option* option : verb.get_options())
        if (option->get_positional()) {
            const bool many = option->get_items_expected_max() > 1;
            const std::string word = option->get_name(true) + (many ? "..." : "");
            text += option->get_required() ? " " + word : " [" + word + "]";
        }
    if (!verb.get_subcommands({}).empty())
        text += " COMMAND";
    return text + " [OPTIONS]\n";
}

} // namespace

std::string program_help(const CLI::App& root) {
    std::string out = root.get_description() + "\n\nUsage: zmq VERB [ARGUMENTS] [OPTIONS]\n";
    std::string group;
    for (const CLI::App* verb : root.get_subcommands({})) {
        if (verb->get_group().empty())
            continue;
        if (verb->get_group() != group) {
            group = verb->get_group();
            out += "\n" + group + ":\n";
        }
        out += "  " + verb->get_name();
        out += std::string(12 - std::min<std::size_t>(verb->get_name().size(), 11), ' ');
        wrap(out, verb->get_description(), 14, 14);
        out += '\n';
    }
    return out + "\n" + root.get_footer() + "\n";
}

std::string verb_help(const CLI::App& verb) {
    std::string out = usage(verb) + "\n";
    wrap(out, verb.get_description(), 0, 0);
    out += "\n";
    for (const CLI::App* sub : verb.get_subcommands({})) {
        if (sub == verb.get_subcommands({}).front())
            out += "\nCommands:\n";
        add_row(out, sub->get_name(), sub->get_description());
    }
    std::string arguments;
    for (const CLI::Option* option : verb.get_options())
        if (option->get_positional() && !option->get_description().empty())
            add_row(arguments, option->get_name(true), option->get_description());
    if (!arguments.empty())
        out += "\nArguments:\n" + arguments;
    for (const std::string& group : verb.get_groups()) {
        std::string rows;
        for (const CLI::Option* option : verb.get_options())
            if (!group.empty() && option->get_group() == group && !option->get_positional())
                add_row(rows, option_names(*option), option->get_description());
        if (!rows.empty())
            out += "\n" + group + ":\n" + rows;
    }
    const std::string footer = verb.get_footer();
    return footer.empty() ? out : out + "\n" + footer + "\n";
}

} // namespace flotilla::cli
