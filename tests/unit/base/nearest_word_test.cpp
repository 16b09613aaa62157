// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/settings.hpp>

#include <support/catch.hpp>

using flotilla::nearest_word;

TEST_CASE("a misspelt word finds the one that was meant") {
    const std::vector<std::string> verbs{"pub",    "sub",    "push",  "pull",
                                         "dealer", "router", "replay"};
    CHECK(nearest_word("psh", verbs) == "push");
    CHECK(nearest_word("pish", verbs) == "push");
    CHECK(nearest_word("rotuer", verbs) == "router");
    CHECK(nearest_word("deal", verbs) == "dealer");
    CHECK(nearest_word("pul", verbs) == "pull"); // "pub" is as near, and does not begin so
    CHECK(nearest_word("--tiemout", {"--timeout", "--topic"}) == "--timeout");
}

TEST_CASE("a word that is near to none finds none") {
    const std::vector<std::string> verbs{"pub", "sub", "push"};
    CHECK_FALSE(nearest_word("frobnicate", verbs));
    CHECK_FALSE(nearest_word("fly", {"ls", "put"})); // two of three letters
    CHECK_FALSE(nearest_word(std::string(100, 'p'), verbs));
    CHECK_FALSE(nearest_word("x", {}));
}
