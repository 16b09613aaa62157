// SPDX-License-Identifier: Apache-2.0
#include <command_line/values.hpp>
#include <support/catch.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::command_line;

namespace {

struct Values {
    Values() {
        add_duration(parser, "--wait", wait, "How long");
        add_duration(parser, "--rest", rest, "How long, if at all");
        add_bytes(parser, "--size", size, "How large");
        add_count(parser, "-n,--count", count, {1, 10}, "How many");
        add_list(parser, "--name", names, "NAME", "Who");
        add_choice(parser, "--colour", colour, {"red", "green"}, "Which");
    }
    std::string refuses(const std::vector<std::string>& words) {
        const auto asked = parser.parse(words);
        return asked ? std::string{} : asked.error().detail;
    }
    Parser parser{"Takes values", "take"};
    Duration wait = 1s;
    std::optional<Duration> rest{};
    std::uint64_t size = 0;
    std::uint64_t count = 1;
    std::vector<std::string> names{};
    std::string colour{};
};

} // namespace

TEST_CASE("values: what is written as its kind is taken, the last one if twice", "[unit]") {
    Values values;
    REQUIRE(
        values.refuses({"--wait", "250ms", "--rest", "1h", "--size", "64KiB", "-n", "3", "--count",
                        "4", "--name", "ann", "--name", "bob", "--colour", "green"}) == "");
    CHECK(values.wait == 250ms);
    CHECK(values.rest == 1h);
    CHECK(values.size == 65'536);
    CHECK(values.count == 4);
    CHECK(values.names == std::vector<std::string>{"ann", "bob"});
    CHECK(values.colour == "green");
}

TEST_CASE("values: what is not is refused with a sentence that says what would be", "[unit]") {
    CHECK(Values().refuses({"--wait", "5"}).find("--wait: '5' is not a duration") == 0);
    CHECK(Values().refuses({"--size", "5x"}).find("--size: '5x' is not a size") == 0);
    CHECK(Values().refuses({"-n", "11"}) == "--count: '11' is not a whole number from 1 to 10");
    CHECK(Values().refuses({"--colour", "blue"}) == "--colour: 'blue' is none of red, green");
}

TEST_CASE("values: the help knows what each is called", "[unit]") {
    const Values values;
    CHECK(values.parser.option("--wait").type_name() == "TIME");
    CHECK(values.parser.option("--size").type_name() == "SIZE");
    CHECK(values.parser.option("--count").type_name() == "N");
    CHECK(values.parser.option("--name").type_name() == "NAME");
    CHECK(values.parser.option("--colour").type_name() == "red|green");
}
