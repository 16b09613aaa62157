// SPDX-License-Identifier: Apache-2.0
//
// Names that go over wires and into logs.
#include <flotilla/request/message.hpp>

#include <support/catch.hpp>

#include <initializer_list>

using namespace flotilla::request;

TEST_CASE("dialects are found by their names") {
    for (const Dialect each : {Dialect::mdp_01, Dialect::mdp_02, Dialect::flotilla})
        CHECK(dialect_named(name(each)) == each);
    CHECK(name(Dialect::mdp_01) == "mdp-0.1");
    CHECK_FALSE(dialect_named("mdp-0.3"));
    CHECK_FALSE(dialect_named(""));
}

TEST_CASE("error codes are found by their names, and those of newer peers read as unknown") {
    for (int i = 0; i <= static_cast<int>(ErrorCode::unknown); ++i) {
        const auto code = static_cast<ErrorCode>(i);
        CHECK_FALSE(name(code).empty());
        CHECK(error_code_named(name(code)) == code);
    }
    CHECK(error_code_named("struck_by_lightning") == ErrorCode::unknown);
}

TEST_CASE("every verb has a name") {
    for (int i = 0; i <= static_cast<int>(Verb::pong); ++i)
        CHECK_FALSE(name(static_cast<Verb>(i)).empty());
}
