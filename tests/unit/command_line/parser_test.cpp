// SPDX-License-Identifier: Apache-2.0
#include <command_line/program.hpp>
#include <support/catch.hpp>

#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::command_line;

namespace {

// The sentence of a parse that fails.
std::string wrong(Parser& parser, const std::vector<std::string>& words) {
    const auto asked = parser.parse(words);
    return asked ? "" : asked.error().detail;
}

bool runs(Parser& parser, const std::vector<std::string>& words) {
    const auto asked = parser.parse(words);
    return asked && *asked == Parser::Asked::run;
}

} // namespace

TEST_CASE("parser: values are written when they are given, and else left alone", "[unit]") {
    Parser parser("Greets", "greet");
    std::string greeting = "hello";
    std::optional<std::string> mood;
    std::vector<std::string> names;
    bool aloud = false;
    int verbose = 0;
    parser.add_option("-g,--greeting", greeting, "What is said");
    parser.add_option("--mood", mood, "How");
    parser.add_option("NAME", names, "To whom");
    parser.add_flag("--aloud", aloud, "For all to hear");
    parser.add_flag("-v,--verbose", verbose, "More");
    REQUIRE(runs(parser, {}));
    CHECK(greeting == "hello");
    CHECK_FALSE(mood);
    REQUIRE(runs(parser, {"-g", "ahoy", "ann", "--mood=merry", "-vv", "bob", "--aloud"}));
    CHECK(greeting == "ahoy");
    CHECK(mood == "merry");
    CHECK(names == std::vector<std::string>{"ann", "bob"});
    CHECK(aloud);
    CHECK(verbose == 2);
}

TEST_CASE("parser: words that a list would give a meaning to reach it as they are", "[unit]") {
    Parser parser("Sends", "send");
    std::vector<std::string> messages;
    std::string one;
    parser.add_option("MESSAGE", messages, "What");
    parser.add_option("-o,--one", one, "One");
    const std::vector<std::string> words{"[a,b]", "{}",  "%%", "++",  "[",
                                         "plain", "\1a", "\1", "\1[b"};
    REQUIRE(runs(parser, words));
    CHECK(messages == words);
    for (const std::string value : {"[x]", "\1a", "{}", "=", "x"}) {
        REQUIRE(runs(parser, {"--one", value}));
        CHECK(one == value);
        REQUIRE(runs(parser, {"--one=" + value}));
        CHECK(one == value);
        REQUIRE(runs(parser, {"-o" + value}));
        CHECK(one == value);
    }
}

TEST_CASE("parser: what refuses a value says so behind the option's name", "[unit]") {
    Parser parser("Counts", "count");
    const Take refuse = [](const std::string& text) -> Status {
        return fail(Errc::bad_option, "'" + text + "' is too much");
    };
    std::string word;
    parser.add_option("-n,--number", refuse, "How many");
    parser.add_option("WORD", word, "Which").check(refuse);
    CHECK(wrong(parser, {"-n", "7"}) == "--number: '7' is too much");
    CHECK(wrong(parser, {"[x]"}) == "WORD: '[x]' is too much"); // nothing of the way it took
}

TEST_CASE("parser: an option given twice is refused, unless its last value counts", "[unit]") {
    Parser parser("Picks", "pick");
    std::string strict;
    std::string lenient;
    parser.add_option("--strict", strict, "Once");
    parser.add_option("--lenient", lenient, "Any time").last_counts();
    CHECK(wrong(parser, {"--strict", "a", "--strict", "b"}) ==
          "--strict: given 2 times; it takes one value");
    REQUIRE(runs(parser, {"--lenient", "a", "--lenient", "b"}));
    CHECK(lenient == "b");
}

TEST_CASE("parser: a missing value, and a flag's that is none, are told in plain words", "[unit]") {
    Parser parser("Tells", "tell");
    std::string file;
    bool fast = false;
    parser.add_option("--file", file, "Which").type_name("FILE");
    parser.add_flag("--fast", fast, "At once");
    CHECK(wrong(parser, {"--file"}) == "--file: its value is missing, FILE");
    for (const char* const odd : {"--fast=maybe", "--fast=7"})
        CHECK(wrong(parser, {odd}).find("is neither true nor false") != std::string::npos);
    CHECK(runs(parser, {"--fast=false"}));
    CHECK_FALSE(fast);
    CHECK(runs(parser, {"--fast"}));
    CHECK(fast);
}

TEST_CASE("parser: a list takes what follows, one value each, or one text of several", "[unit]") {
    std::vector<std::string> all;
    std::vector<std::string> each;
    std::vector<std::string> split;
    std::vector<std::string> rest;
    Parser parser("Lists", "list");
    parser.add_option("--all", all, "All that follow");
    parser.add_option("--each", each, "One").one_value_each();
    parser.add_option("--split", split, "Several").separated_by(',');
    parser.add_option("REST", rest, "The others");
    REQUIRE(runs(parser, {"--each", "a", "b", "--each", "c", "--split", "d,e"}));
    CHECK(each == std::vector<std::string>{"a", "c"});
    CHECK(rest == std::vector<std::string>{"b"});
    CHECK(split == std::vector<std::string>{"d", "e"});
    REQUIRE(runs(parser, {"--all", "a", "b"}));
    CHECK(all == std::vector<std::string>{"a", "b"});
}

TEST_CASE("parser: a required option, and two that exclude each other", "[unit]") {
    Parser parser("Needs", "need");
    std::string file;
    bool left = false;
    bool right = false;
    parser.add_option("--file", file, "Which").required();
    const Option one = parser.add_flag("--left", left, "This way");
    parser.add_flag("--right", right, "That way").excludes(one);
    CHECK(wrong(parser, {}) == "--file is required");
    CHECK(wrong(parser, {"--file", "x", "--left", "--right"}) == "--left excludes --right");
    CHECK(runs(parser, {"--file", "x", "--right"}));
}

TEST_CASE("parser: a variable of the environment stands in for an option", "[unit]") {
    const auto parsed = [](const std::vector<std::string>& words) {
        Parser parser("Reads", "read");
        std::string file = "none";
        parser.add_option("--file", file, "Which").variable("FLOTILLA_TEST_PARSER_FILE");
        REQUIRE(runs(parser, words));
        return file;
    };
    ::setenv("FLOTILLA_TEST_PARSER_FILE", "of-variable", 1);
    CHECK(parsed({}) == "of-variable");
    CHECK(parsed({"--file", "of-words"}) == "of-words");
    ::unsetenv("FLOTILLA_TEST_PARSER_FILE");
    CHECK(parsed({}) == "none");
}

TEST_CASE("parser: help and version are asked for, whatever else is wrong", "[unit]") {
    Parser parser("Helps", "help-me");
    std::string file;
    parser.add_option("--file", file, "Which").required();
    parser.set_version("help-me 1.0");
    REQUIRE(parser.parse({"--help"}));
    CHECK(*parser.parse({"--help"}) == Parser::Asked::help);
    CHECK(*parser.parse({"--version"}) == Parser::Asked::version);
    CHECK(parser.version() == "help-me 1.0");
}

TEST_CASE("parser: the subcommand that the words name is known, and what nothing takes", "[unit]") {
    Parser parser("Rules", "rule");
    Parser& make = parser.add_subcommand("make", "Makes");
    Parser& end = parser.add_subcommand("end", "Ends");
    bool fast = false;
    make.add_flag("--fast", fast, "At once");
    parser.require_subcommand();
    CHECK_FALSE(wrong(parser, {}).empty());
    CHECK(parser.named() == nullptr);
    REQUIRE(runs(parser, {"make", "--fast"}));
    CHECK(parser.named() == &make);
    CHECK(make.is_named());
    CHECK_FALSE(end.is_named());
    CHECK(make.parent() == &parser);
    CHECK(fast);
    CHECK_FALSE(wrong(parser, {"end", "[x]", "--odd"}).empty());
    CHECK(end.remaining() == std::vector<std::string>{"[x]", "--odd"});
}

TEST_CASE("parser: what is declared can be read, in order", "[unit]") {
    Parser parser("Tells", "tell");
    std::string file;
    std::vector<std::string> words;
    bool fast = false;
    parser.add_option("-f,--file", file, "Which").type_name("FILE").group("Input");
    parser.add_option("WORD", words, "What").required();
    parser.add_flag("--fast", fast, "At once").group("Speed");
    parser.set_footer("An example");
    const auto options = parser.options();
    REQUIRE(options.size() == 4); // and --help
    CHECK(options[1].name() == "--file");
    CHECK(options[1].short_names() == std::vector<std::string>{"f"});
    CHECK(options[1].long_names() == std::vector<std::string>{"file"});
    CHECK(options[1].type_name() == "FILE");
    CHECK(options[1].description() == "Which");
    CHECK_FALSE(options[1].is_positional());
    CHECK(options[2].name() == "WORD");
    CHECK(options[2].is_positional());
    CHECK(options[2].is_required());
    CHECK(options[2].takes_many());
    CHECK(parser.groups().back() == "Speed");
    CHECK(parser.option("--file") == options[1]);
    REQUIRE(runs(parser, {"a", "--fast", "b"}));
    CHECK(parser.parse_order() == std::vector<Option>{options[2], options[3], options[2]});
    CHECK(parser.footer() == "An example");
}
