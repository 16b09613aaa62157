// SPDX-License-Identifier: Apache-2.0
// `zmq completion SHELL`.
#include <CLI/CLI.hpp>
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

// The value's name in the help tells its kind: FILE, a list of small-letter words, or anything.
void describe_value(const CLI::Option& option, CompletionOption& described) {
    using Value = CompletionOption::Value;
    const std::string type = option.get_type_name();
    if (option.get_type_size() == 0)
        return;
    const bool file =
        type.find("FILE") != std::string::npos || type.find("DIR") != std::string::npos;
    const bool choice = type.find('|') != std::string::npos &&
                        type.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string::npos;
    described.value = file ? Value::file : choice ? Value::choice : Value::text;
    if (choice)
        described.choices = split(type, '|');
}

std::string first_line(std::string text) {
    return text.substr(0, text.find('\n'));
}

CompletionVerb describe(const CLI::App& app) {
    CompletionVerb verb{app.get_name(), first_line(app.get_description()), {}, {}};
    for (const CLI::App* sub : app.get_subcommands({}))
        verb.words.push_back(sub->get_name());
    for (const CLI::Option* option : app.get_options()) {
        if (option->get_positional())
            continue;
        CompletionOption described;
        for (const std::string& name : option->get_snames())
            described.names.push_back("-" + name);
        for (const std::string& name : option->get_lnames())
            described.names.push_back("--" + name);
        described.help = first_line(option->get_description());
        describe_value(*option, described);
        verb.options.push_back(std::move(described));
    }
    if (app.get_name() == "completion")
        verb.words = {"bash", "zsh", "fish"};
    if (app.get_name() == "proxy")
        verb.words = {"forwarder", "queue", "streamer"};
    // A command of a verb shares the verb's entry: options of all its commands are offered.
    for (const CLI::App* sub : app.get_subcommands({}))
        for (CompletionOption& option : describe(*sub).options)
            verb.options.push_back(std::move(option));
    return verb;
}

} // namespace

std::vector<CompletionVerb> describe_tree(const CLI::App& root) {
    std::vector<CompletionVerb> verbs;
    for (const CLI::App* sub : root.get_subcommands({}))
        if (!sub->get_group().empty())
            verbs.push_back(describe(*sub));
    return verbs;
}

Run declare_completion(CLI::App& app) {
    const auto shell = std::make_shared<std::string>();
    app.add_option("SHELL", *shell, "bash, zsh or fish")
        ->required()
        ->check(
            [](const std::string& text) {
                return text == "bash" || text == "zsh" || text == "fish"
                           ? std::string{}
                           : "'" + text + "' is none of bash, zsh, fish";
            },
            "");
    app.footer("Examples:\n"
               "  source <(zmq completion bash)\n"
               "  zmq completion zsh > ~/.zfunc/_zmq\n"
               "  zmq completion fish > ~/.config/fish/completions/zmq.fish");
    return [shell, &app](Terminal&) -> Result<ExitCode> {
        const Shell which = *shell == "bash"  ? Shell::bash
                            : *shell == "zsh" ? Shell::zsh
                                              : Shell::fish;
        Output out;
        return out.finish(out.write(completion_script(which, describe_tree(root_of(app)))));
    };
}

} // namespace flotilla::cli
