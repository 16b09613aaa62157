// SPDX-License-Identifier: Apache-2.0
#include <command_line/program.hpp>
#include <support/catch.hpp>

#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::command_line;

namespace {

// A program "ship" with --speed, and the commands "load" (needs --cargo) and "sail".
struct Ship {
    Ship() {
        parser.add_option("--speed", speed, "How fast");
        parser.add_subcommand("load", "Loads").add_option("--cargo", cargo, "What").required();
        parser.add_subcommand("sail", "Sails");
    }
    std::string refuses(const std::vector<std::string>& words) {
        const auto asked = parser.parse(words);
        REQUIRE_FALSE(asked);
        return complaint(parser, asked.error(), "order");
    }
    Parser parser{"Carries goods", "ship"};
    std::string speed{};
    std::string cargo{};
};

} // namespace

TEST_CASE("complaint: a misspelt option, with the one that was meant", "[unit]") {
    CHECK(Ship().refuses({"--sped", "3"}) ==
          "ship: unknown option --sped; did you mean --speed?\nTry: ship --help\n");
    CHECK(Ship().refuses({"--colour=red"}) == "ship: unknown option --colour\nTry: ship --help\n");
    CHECK(Ship().refuses({"load", "--cago", "x"}) ==
          "ship load: unknown option --cago; did you mean --cargo?\nTry: ship load --help\n");
}

TEST_CASE("complaint: a subcommand that is not there, missing, or not wanted", "[unit]") {
    CHECK(Ship().refuses({"lod"}) ==
          "ship: there is no order 'lod'; did you mean load?\nTry: ship --help\n");
    CHECK(Ship().refuses({"sail", "[away]"}) ==
          "ship sail: unexpected argument '[away]'\nTry: ship sail --help\n");
    Ship asks;
    asks.parser.require_subcommand();
    CHECK(asks.refuses({}) == "ship: say which order\nTry: ship --help\n");
}

TEST_CASE("complaint: what the parser says of a value, beside commands that may be named",
          "[unit]") {
    CHECK(Ship().refuses({"--speed"}) ==
          "ship: --speed: its value is missing, TEXT\nTry: ship --help\n");
    CHECK(Ship().refuses({"load"}) == "ship load: --cargo is required\nTry: ship load --help\n");
}
