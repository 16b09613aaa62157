// SPDX-License-Identifier: Apache-2.0
// `zmq completion SHELL`.
#include <cli/commands.hpp>
#include <cli/completion.hpp>
#include <cli/options.hpp>
#include <cli/output.hpp>

#include <memory>

namespace flotilla::cli {

namespace {

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> words;
    std::size_t begin = 0;
    while (begin <= text.size()) {
        const std::size_t end = std::min(text.find(separator, begin), text.size());
        words.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return words;
}

// What a value is called tells its kind: FILE, a list of small-letter words, or anything.
bool names_file(const std::string& type) {
    return type.find("FILE") != std::string::npos || type.find("DIR") != std::string::npos;
}

std::vector<std::string> choices_of(Option option) {
    const std::string type = option.type_name();
    const bool choice = type.find('|') != std::string::npos &&
                        type.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string::npos;
    return choice ? split(type, '|') : std::vector<std::string>{};
}

void describe_value(Option option, CompletionOption& described) {
    using Value = CompletionOption::Value;
    if (!option.takes_value())
        return;
    described.choices = choices_of(option);
    described.value = names_file(option.type_name()) ? Value::file
                      : described.choices.empty()    ? Value::text
                                                     : Value::choice;
}

void describe_argument(Option argument, CompletionVerb& verb) {
    if (verb.words.empty())
        verb.words = choices_of(argument);
    verb.takes_files |= names_file(argument.name()) || argument.name() == "LIST";
}

std::string first_line(std::string text) {
    return text.substr(0, text.find('\n'));
}

CompletionVerb describe(const Parser& parser) {
    CompletionVerb verb{parser.name(), first_line(parser.description()), {}, {}};
    for (const auto& sub : parser.subcommands())
        verb.words.push_back(sub->name());
    for (const Option option : parser.options()) {
        if (option.is_positional()) {
            describe_argument(option, verb);
            continue;
        }
        CompletionOption described;
        for (const std::string& name : option.short_names())
            described.names.push_back("-" + name);
        for (const std::string& name : option.long_names())
            described.names.push_back("--" + name);
        described.help = first_line(option.description());
        describe_value(option, described);
        verb.options.push_back(std::move(described));
    }
    // A command of a verb shares the verb's entry: options of all its commands are offered.
    for (const auto& sub : parser.subcommands()) {
        CompletionVerb command = describe(*sub);
        verb.takes_files |= command.takes_files;
        for (CompletionOption& option : command.options)
            verb.options.push_back(std::move(option));
    }
    return verb;
}

} // namespace

std::vector<CompletionVerb> describe_tree(const Parser& root) {
    std::vector<CompletionVerb> verbs;
    for (const auto& sub : root.subcommands())
        if (!sub->group().empty())
            verbs.push_back(describe(*sub));
    return verbs;
}

Run declare_completion(Parser& parser) {
    const auto shell = std::make_shared<std::string>();
    add_choice(parser, "SHELL", *shell, {"bash", "zsh", "fish"}, "bash, zsh or fish").required();
    parser.set_footer("Examples:\n"
                      "  source <(zmq completion bash)\n"
                      "  zmq completion zsh > ~/.zfunc/_zmq\n"
                      "  zmq completion fish > ~/.config/fish/completions/zmq.fish");
    return [shell, &parser](Terminal&) -> Result<ExitCode> {
        const Shell which = *shell == "bash"  ? Shell::bash
                            : *shell == "zsh" ? Shell::zsh
                                              : Shell::fish;
        Output out;
        return out.finish(out.write(completion_script(which, describe_tree(root_of(parser)))));
    };
}

} // namespace flotilla::cli
