// SPDX-License-Identifier: Apache-2.0
#include <command_line/program.hpp>
#include <host/command_line.hpp>
#include <support/catch.hpp>

#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::host;

namespace {

struct Outcome {
    std::optional<bool> value{};
    std::optional<ExitCode> ended{};
};

Outcome given(std::vector<const char*> words, const char* variable = nullptr) {
    Parser parser{"a daemon", "daemon"};
    Outcome outcome;
    read_from_environment(parser.add_switch("--bold", outcome.value, "be bold"), "FLOTILLA_TEST_");
    if (variable != nullptr)
        ::setenv("FLOTILLA_TEST_BOLD", variable, 1);
    words.insert(words.begin(), "daemon");
    outcome.ended = command_line::read_words(parser, static_cast<int>(words.size()), words.data());
    ::unsetenv("FLOTILLA_TEST_BOLD");
    return outcome;
}

} // namespace

TEST_CASE("command line: a switch is given, given a word, or left alone", "[unit][host]") {
    CHECK_FALSE(given({}).value);
    CHECK(given({"--bold"}).value == true);
    for (const char* const yes : {"true", "yes", "on", "1"}) {
        CHECK(given({(std::string("--bold=") + yes).c_str()}).value == true);
        CHECK(given({}, yes).value == true);
    }
    for (const char* const no : {"false", "no", "off", "0"})
        CHECK(given({}, no).value == false);
}

TEST_CASE("command line: a switch that is neither true nor false is wrong usage", "[unit][host]") {
    for (const char* const odd : {"maybe", "7", "-1", "1e3", "TRUEISH"}) {
        INFO(odd);
        CHECK(given({(std::string("--bold=") + odd).c_str()}).ended == ExitCode::usage);
        CHECK(given({}, odd).ended == ExitCode::usage);
    }
}
