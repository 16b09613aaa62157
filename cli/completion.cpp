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

// The value's name in the help tells its kind: FILE, a list of small-letter words, or anything.
void describe_value(Option option, CompletionOption& described) {
    using Value = CompletionOption::Value;
    const std::string type = option.type_name();
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

CompletionVerb describe(const Parser& parser) {
    CompletionVerb verb{parser.name(), first_line(parser.description()), {}, {}};
    for (const auto& sub : parser.subcommands())
        verb.words.push_back(sub->name());
    for (const Option option : parser.options()) {
        if (option.is_positional())
            continue;
        CompletionOption described;
        for (const std::string& name : option.short_names())
            described.names.push_back("-" + name);
        for (const std::string& name : option.long_names())
            described.names.push_back("--" + name);
        described.help = first_line(option.description());
        describe_value(option, described);
        verb.options.push_back(std::move(described));
    }
    if (parser.name() == "completion")
        verb.words = {"bash", "zsh", "fish"};
    if (parser.name() == "proxy")
        verb.words = {"forwarder", "queue", "streamer"};
    // A command of a verb shares the verb's entry: options of all its commands are offered.
    for (const auto& sub : parser.subcommands())
        for (CompletionOption& option : describe(*sub).options)
            verb.options.push_back(std::move(option));
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
    parser.add_option("SHELL", *shell, "bash, zsh or fish")
        .required()
        .check([](const std::string& text) -> Status {
            if (text == "bash" || text == "zsh" || text == "fish")
                return {};
            return fail(Errc::bad_option, "'" + text + "' is none of bash, zsh, fish");
        });
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
