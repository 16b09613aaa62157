// SPDX-License-Identifier: Apache-2.0
// The three dialects of completion scripts.
#include <cli/completion.hpp>
#include <cli/words.hpp>

#include <algorithm>
#include <set>

namespace flotilla::cli {

namespace {

using Value = CompletionOption::Value;

// In single quotes, for each of the three shells.
std::string quoted(const std::string& text, const char* quote_inside) {
    std::string out = "'";
    for (const char c : text)
        if (c == '\'')
            out += quote_inside;
        else
            out += c;
    return out + "'";
}

std::string verb_names(const std::vector<CompletionVerb>& verbs) {
    std::vector<std::string> names;
    for (const CompletionVerb& verb : verbs)
        names.push_back(verb.name);
    return joined(names, " ");
}

std::string bash_values(const CompletionVerb& verb) {
    std::string text;
    for (const CompletionOption& option : verb.options) {
        if (option.value == Value::none)
            continue;
        std::string action = "return"; // a free value: nothing to offer
        if (option.value == Value::file)
            action = "compopt -o default; return";
        if (option.value == Value::choice)
            action = "COMPREPLY=($(compgen -W \"" + joined(option.choices, " ") +
                     "\" -- \"$word\")); return";
        text += "        " + verb.name + ":" +
                joined(option.names, ("|" + verb.name + ":").c_str()) + ") " + action + " ;;\n";
    }
    return text;
}

std::string bash_script(const std::vector<CompletionVerb>& verbs) {
    std::string text =
        "# bash completion for zmq, made by: zmq completion bash\n"
        "_zmq() {\n"
        "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
        "    local verb=${COMP_WORDS[1]} offers=\n"
        "    COMPREPLY=()\n"
        "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
        "        COMPREPLY=($(compgen -W \"" +
        verb_names(verbs) +
        " --help --version\" -- \"$word\"))\n"
        "        return\n"
        "    fi\n"
        "    case $verb:$before in\n";
    for (const CompletionVerb& verb : verbs)
        text += bash_values(verb);
    text += "    esac\n"
            "    case $verb in\n";
    for (const CompletionVerb& verb : verbs) {
        std::set<std::string> names(verb.words.begin(), verb.words.end());
        for (const CompletionOption& option : verb.options)
            names.insert(option.names.begin(), option.names.end());
        text += "        " + verb.name + ") offers=\"" +
                joined(std::vector<std::string>(names.begin(), names.end()), " ") + "\"" +
                (verb.takes_files ? "; compopt -o default" : "") + " ;;\n";
    }
    return text + "    esac\n"
                  "    COMPREPLY=($(compgen -W \"$offers\" -- \"$word\"))\n"
                  "}\n"
                  "complete -F _zmq zmq\n";
}

// zsh's _arguments gives a meaning to brackets and colons.
std::string zsh_plain(std::string text) {
    std::string out;
    for (const char c : text) {
        if (c == '[' || c == ']' || c == ':' || c == '\\')
            out += '\\';
        out += c;
    }
    return out;
}

std::string zsh_option(const CompletionOption& option, const std::string& name) {
    std::string spec = "*" + name + "[" + zsh_plain(option.help) + "]";
    if (option.value == Value::text)
        spec += ":value: ";
    if (option.value == Value::file)
        spec += ":file:_files";
    if (option.value == Value::choice)
        spec += ":value:(" + joined(option.choices, " ") + ")";
    return quoted(spec, "'\\''");
}

std::string zsh_script(const std::vector<CompletionVerb>& verbs) {
    std::string text = "#compdef zmq\n"
                       "# zsh completion for zmq, made by: zmq completion zsh\n"
                       "_zmq() {\n"
                       "    local -a verbs\n"
                       "    verbs=(\n";
    for (const CompletionVerb& verb : verbs)
        text += "        " + quoted(verb.name + ":" + zsh_plain(verb.summary), "'\\''") + "\n";
    text += "    )\n"
            "    if (( CURRENT == 2 )); then\n"
            "        _describe 'verb' verbs\n"
            "        return\n"
            "    fi\n"
            "    local verb=$words[2]\n"
            "    shift words; (( CURRENT-- ))\n"
            "    case $verb in\n";
    for (const CompletionVerb& verb : verbs) {
        text += "        " + verb.name + ")\n            _arguments";
        std::set<std::string> seen;
        for (const CompletionOption& option : verb.options)
            for (const std::string& name : option.names)
                if (seen.insert(name).second)
                    text += " \\\n                " + zsh_option(option, name);
        if (!verb.words.empty())
            text += " \\\n                '1:word:(" + joined(verb.words, " ") + ")'";
        text += verb.takes_files ? " \\\n                '*:file:_files'"
                                 : " \\\n                '*:argument: '";
        text += "\n            ;;\n";
    }
    return text + "    esac\n"
                  "}\n"
                  "if [ \"$funcstack[1]\" = _zmq ]; then _zmq \"$@\"; else compdef _zmq zmq; fi\n";
}

std::string fish_option(const CompletionVerb& verb, const CompletionOption& option) {
    std::string line = "complete -c zmq -n '__fish_seen_subcommand_from " + verb.name + "'";
    for (const std::string& name : option.names)
        line += name[1] == '-' ? " -l " + name.substr(2) : " -s " + name.substr(1);
    if (option.value == Value::file)
        line += " -r -F";
    if (option.value == Value::text)
        line += " -x";
    if (option.value == Value::choice)
        line += " -x -a " + quoted(joined(option.choices, " "), "\\'");
    return line + " -d " + quoted(option.help, "\\'") + "\n";
}

std::string fish_script(const std::vector<CompletionVerb>& verbs) {
    std::string text = "# fish completion for zmq, made by: zmq completion fish\n"
                       "complete -c zmq -f\n";
    for (const CompletionVerb& verb : verbs)
        text += "complete -c zmq -n __fish_use_subcommand -a " + verb.name + " -d " +
                quoted(verb.summary, "\\'") + "\n";
    for (const CompletionVerb& verb : verbs) {
        if (!verb.words.empty())
            text += "complete -c zmq -n '__fish_seen_subcommand_from " + verb.name + "' -a " +
                    quoted(joined(verb.words, " "), "\\'") + "\n";
        if (verb.takes_files)
            text += "complete -c zmq -n '__fish_seen_subcommand_from " + verb.name + "' -F\n";
        for (const CompletionOption& option : verb.options)
            text += fish_option(verb, option);
    }
    return text;
}

} // namespace

std::string completion_script(Shell shell, const std::vector<CompletionVerb>& verbs) {
    switch (shell) {
    case Shell::bash:
        return bash_script(verbs);
    case Shell::zsh:
        return zsh_script(verbs);
    case Shell::fish:
        break;
    }
    return fish_script(verbs);
}

} // namespace flotilla::cli
