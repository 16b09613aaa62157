// SPDX-License-Identifier: Apache-2.0
//
// Parser: the options, arguments and subcommands of a program; a subcommand is a Parser too. The
// wall around CLI11: it is included by this folder alone (it costs seconds in each file that does),
// and its exceptions end here.
//
//     Parser parser("Greets somebody", "hello");
//     std::string name = "world";
//     parser.add_option("NAME", name, "Whom to greet");
//     if (const auto ended = read_words(parser, argc, argv)) // program.hpp
//         return static_cast<int>(*ended);
//
// Declare everything first, then parse once. Values are written while parsing: what they are
// written to must live until then. Values that are not given stay as they are.
#pragma once

#include <command_line/option.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace flotilla::command_line {

class Parser {
public:
    // What the words ask for. Help wins over whatever is wrong with the other words.
    enum class Asked : std::uint8_t { run, help, version };

    Parser(const std::string& description, const std::string& name);
    ~Parser();
    Parser(const Parser&) = delete;
    Parser& operator=(const Parser&) = delete;

    // Options with a value, and positional arguments.
    Option add_option(const std::string& names, std::string& value, const std::string& help);
    Option add_option(const std::string& names, std::optional<std::string>& value,
                      const std::string& help);
    Option add_option(const std::string& names, std::vector<std::string>& values,
                      const std::string& help);
    Option add_option(const std::string& names, Take take, const std::string& help);
    // A positional argument that only the help knows; another one takes what is meant for it.
    Option add_option(const std::string& name, const std::string& help);
    // Flags, which have none.
    Option add_flag(const std::string& names, bool& given, const std::string& help);
    Option add_flag(const std::string& names, int& times, const std::string& help);
    Option add_flag(const std::string& names, const std::string& help); // see parse_order()
    // A flag that may be given a value, by the words or its variable: true, yes, on, 1 or false,
    // no, off, 0. Anything else is refused. `value` is only written when it is given.
    Option add_switch(const std::string& name, std::optional<bool>& value, const std::string& help);
    // -h and --help are there from the start, in the group "General".
    void set_version(const std::string& text); // adds --version

    Parser& add_subcommand(const std::string& name, const std::string& description);
    void require_subcommand();                  // exactly one
    void allow_subcommand();                    // at most one
    void set_group(const std::string& heading); // of a subcommand, in the help of its parent
    void set_footer(const std::string& text);

    // Reading what is declared, in the order of declaration.
    const std::string& name() const;
    std::string description() const;
    std::string group() const;
    std::string footer() const;
    const Parser* parent() const noexcept { return parent_; }
    std::string path() const; // the names from the root to this: "zmq queue put"
    const std::vector<std::unique_ptr<Parser>>& subcommands() const noexcept {
        return subcommands_;
    }
    bool requires_subcommand() const;
    std::vector<Option> options() const;
    std::vector<std::string> groups() const;      // of the options
    Option option(const std::string& name) const; // which must be declared
    const std::string& version() const noexcept { return version_; }

    // `words` without the program's name; they reach the values as they are. Errors: bad_option,
    // with a sentence that begins with the option or variable that is wrong.
    Result<Asked> parse(std::vector<std::string> words);

    // Reading what parse() found, whatever it returned.
    bool is_named() const;           // a subcommand: the words named it
    const Parser* named() const;     // the subcommand that they named, or nothing
    const Parser& innermost() const; // the last of the subcommands within each other, or this
    bool lacks_subcommand() const;   // one is required, and none was named
    std::vector<Option> parse_order() const;    // an option for each time that it was given
    std::vector<std::string> remaining() const; // words that nothing is declared for

private:
    Parser(CLI::App& app, const Parser& parent);
    void add_help();
    std::string named_by_source(const std::string& sentence,
                                const std::vector<std::string>& words) const;
    Option added(CLI::Option* option) const;

    std::unique_ptr<CLI::App> owned_; // of the root
    CLI::App& app_;
    const Parser* parent_ = nullptr;
    std::vector<std::unique_ptr<Parser>> subcommands_;
    std::string version_;
};

} // namespace flotilla::command_line
