// SPDX-License-Identifier: Apache-2.0
//
// Option: one option, flag or positional argument that a Parser has declared. A handle, to be
// copied at will, and as good as its Parser lives.
//
//     parser.add_option("-f,--file", file, "Read from here").type_name("FILE").group("Input");
//
// Names are "-f,--file"; one without a dash is a positional argument.
#pragma once

#include <flotilla/base/result.hpp>

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class Option;
}

namespace flotilla::command_line {

// Takes or refuses the text of a value; what it refuses ends the parse with its sentence, the
// option's name in front.
using Take = std::function<Status(const std::string& text)>;

class Option {
public:
    // Declaring; each gives the option back, for the next.
    Option type_name(const std::string& name) const; // what the help calls its value: "FILE"
    Option group(const std::string& heading) const;  // in the help
    Option required() const;
    Option check(Take check) const; // each text, before it becomes a value
    Option excludes(Option other) const;
    Option variable(const std::string& name) const; // of the environment: read if it is not given
    Option separated_by(char separator) const;      // a list may come in one text
    Option one_value_each() const; // of a list: one value after each name, not all that follow
    Option last_counts() const;    // given twice, the last one counts; without this it is refused

    // Reading.
    std::string name() const; // the first long one, else the first short one: "--file"
    const std::vector<std::string>& short_names() const; // "f"
    const std::vector<std::string>& long_names() const;  // "file"
    std::string description() const;
    std::string type_name() const;
    std::string variable() const; // empty: none
    std::string group() const;
    bool is_positional() const; // and so name() is that of the argument
    bool is_required() const;
    bool takes_value() const; // all but flags
    bool takes_many() const;
    // Whether a word of the line gives it: "--name", "--name=value", "-n" or "-nvalue".
    bool is_given_by(const std::string& word) const;

    friend bool operator==(Option, Option) = default;

private:
    friend class Parser;
    explicit Option(CLI::Option* option) : option_(option) {}

    CLI::Option* option_;
};

} // namespace flotilla::command_line
