// SPDX-License-Identifier: Apache-2.0
#include <command_line/suggest.hpp>
#include <support/catch.hpp>

using flotilla::command_line::nearest;

TEST_CASE("a misspelt word finds the one that was meant") {
    const std::vector<std::string> verbs{"pub",    "sub",    "push",  "pull",
                                         "dealer", "router", "replay"};
    CHECK(nearest("psh", verbs) == "push");
    CHECK(nearest("pish", verbs) == "push");
    CHECK(nearest("rotuer", verbs) == "router");
    CHECK(nearest("deal", verbs) == "dealer");
    CHECK(nearest("--tiemout", {"--timeout", "--topic"}) == "--timeout");
}

TEST_CASE("a word that is near to none finds none") {
    const std::vector<std::string> verbs{"pub", "sub", "push"};
    CHECK(nearest("frobnicate", verbs).empty());
    CHECK(nearest("fly", {"ls", "put"}).empty()); // two of three letters
    CHECK(nearest(std::string(100, 'p'), verbs).empty());
    CHECK(nearest("x", {}).empty());
}
