// SPDX-License-Identifier: Apache-2.0
#include <command_line/program.hpp>
#include <command_line/values.hpp>
#include <support/catch.hpp>

#include <cstdint>
#include <cstdlib>
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

TEST_CASE("complaint: a value that a variable gave is told by the variable's name", "[unit]") {
    struct Ferry {
        Ferry() {
            add_count(parser, "-d,--decks", decks, {1, 9}, "How many").variable("FERRY_DECKS");
        }
        std::string refuses(const std::vector<std::string>& words) {
            const auto asked = parser.parse(words);
            REQUIRE_FALSE(asked);
            return asked.error().detail;
        }
        Parser parser{"Crosses", "ferry"};
        std::uint64_t decks = 1;
    };
    ::setenv("FERRY_DECKS", "12", 1);
    CHECK(Ferry().refuses({}).rfind("FERRY_DECKS: ", 0) == 0);
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"--decks", "13"}, {"--decks=13"}, {"-d", "13"}, {"-d13"}})
        CHECK(Ferry().refuses(words).rfind("--decks: ", 0) == 0);
    ::unsetenv("FERRY_DECKS");
}

TEST_CASE("a variable that nobody reads is told of, with the one that was meant", "[unit]") {
    Parser parser{"Crosses", "ferry"};
    std::string decks;
    std::string cars;
    parser.add_option("--decks", decks, "How many").variable("FERRY_DECKS");
    parser.add_subcommand("load", "Loads")
        .add_option("--cars", cars, "Cars")
        .variable("FERRY_CARS");
    ::setenv("FERRY_DECKS", "2", 1);
    ::setenv("FERRY_CARS", "2", 1);
    CHECK(unknown_variables(parser, "FERRY_").empty());
    ::setenv("FERRY_DEKCS", "2", 1);
    ::setenv("FERRY_ANCHOR_CHAIN", "2", 1);
    ::setenv("FERRYMAN", "2", 1);
    const auto unknown = unknown_variables(parser, "FERRY_");
    REQUIRE(unknown.size() == 2);
    CHECK(explain(unknown[0]) == "there is no variable FERRY_ANCHOR_CHAIN; it is passed over");
    CHECK(explain(unknown[1]) == "there is no variable FERRY_DEKCS; did you mean FERRY_DECKS?");
    for (const char* name :
         {"FERRY_DECKS", "FERRY_CARS", "FERRY_DEKCS", "FERRY_ANCHOR_CHAIN", "FERRYMAN"})
        ::unsetenv(name);
}

TEST_CASE("a sentence about settings calls those that variables gave by their names", "[unit]") {
    const std::vector<FromVariable> given{{"--deck", "FERRY_DECK"}};
    CHECK(named_by_source("--deck (deck) 'x' sinks; add --decks (decks) or leave --deck out",
                          given) ==
          "FERRY_DECK 'x' sinks; add --decks (decks) or leave FERRY_DECK out");
    CHECK(named_by_source("--deck (a note) is odd", given) == "FERRY_DECK (a note) is odd");
    CHECK(named_by_source("--mast is bent", given) == "--mast is bent");
    Parser parser{"Crosses", "ferry"};
    std::string deck;
    parser.add_option("--deck", deck, "Which").variable("FERRY_DECK");
    const char* const words[] = {"ferry", "--deck=2"};
    ::setenv("FERRY_DECK", "2", 1);
    CHECK(given_by_variables(parser, 2, words).empty());
    const auto read = given_by_variables(parser, 1, words);
    REQUIRE(read.size() == 1);
    CHECK(read[0].option == "--deck");
    CHECK(read[0].variable == "FERRY_DECK");
    ::unsetenv("FERRY_DECK");
    CHECK(given_by_variables(parser, 1, words).empty());
}
