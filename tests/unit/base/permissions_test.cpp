// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/permissions.hpp>

#include <support/catch.hpp>

using namespace flotilla;

namespace {

const std::string alice_key(40, 'a');
const std::string bob_key(40, 'b');
const std::string at_key = "@" + std::string(39, 'c'); // a key may begin like a group

std::map<std::string, User, std::less<>> users() {
    return {{alice_key, {"alice", {"billing", "ops"}}},
            {bob_key, {"bob", {}}},
            {at_key, {at_key, {}}},
            {"plain:printer", {"printer", {"legacy"}}}};
}

Rule rule(Rule::Effect effect, std::vector<std::string> who, std::vector<Operation> operations,
          std::vector<std::string> objects, std::string where = {}) {
    Rule made{effect, std::move(who), {}, std::move(objects), std::move(where)};
    for (const Operation each : operations)
        made.operations[std::size_t(each)] = true;
    return made;
}

Permissions made(std::vector<Rule> rules,
                 Permissions::Unlisted unlisted = Permissions::Unlisted::nobody) {
    auto permissions = Permissions::make(users(), unlisted, std::move(rules));
    REQUIRE(permissions);
    return *permissions;
}

constexpr auto allow = Rule::Effect::allow;
constexpr auto deny = Rule::Effect::deny;

} // namespace

TEST_CASE("permissions: without rules everybody let in may all but administer", "[unit][base]") {
    const Permissions open;
    CHECK(open.is_open());
    CHECK(open.allows("", Operation::put, "orders"));
    CHECK(open.allows(alice_key, Operation::subscribe, ""));
    CHECK_FALSE(open.allows(alice_key, Operation::administer, "store"));
    CHECK(open.user_of("") == "anonymous");
    CHECK(open.user_of(alice_key) == alice_key);

    const Permissions listed = made({});
    CHECK_FALSE(listed.is_open());
    CHECK_FALSE(listed.has_rules());
    CHECK(listed.allows(alice_key, Operation::put, std::string(10'000, 'x')));
    CHECK_FALSE(listed.allows(alice_key, Operation::administer, "store"));
    CHECK(made({}, Permissions::Unlisted::themselves).is_open());
}

TEST_CASE("permissions: a credential that is not listed any more may nothing", "[unit][base]") {
    const std::string revoked(40, 'r');
    const Permissions permissions = made({rule(allow, {"*"}, {Operation::put}, {"*"})});
    CHECK(permissions.user_of(alice_key) == "alice");
    CHECK_FALSE(permissions.user_of(revoked));
    CHECK_FALSE(permissions.allows(revoked, Operation::put, "orders"));
    CHECK_FALSE(made({}).allows(revoked, Operation::put, "orders"));
    const Status refused = permissions.check(revoked, Operation::put, "orders");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::not_allowed);
    CHECK(refused.error().detail.find("no longer") != std::string::npos);
    CHECK(permissions.allows("", Operation::put, "orders")); // NULL peers are everybody too
}

TEST_CASE("permissions: users, groups, everybody and anonymous are told apart", "[unit][base]") {
    const Permissions permissions = made({
        rule(allow, {"alice"}, {Operation::put}, {"a"}),
        rule(allow, {"@billing", "@legacy"}, {Operation::take}, {"b"}),
        rule(allow, {"*"}, {Operation::call}, {"c"}),
        rule(allow, {"anonymous"}, {Operation::serve}, {"d"}),
        rule(allow, {at_key}, {Operation::put}, {"e"}),
    });
    CHECK(permissions.allows(alice_key, Operation::put, "a"));
    CHECK_FALSE(permissions.allows(alice_key, Operation::take, "a"));
    CHECK_FALSE(permissions.allows(bob_key, Operation::put, "a"));
    CHECK(permissions.allows(alice_key, Operation::take, "b"));
    CHECK(permissions.allows("plain:printer", Operation::take, "b"));
    CHECK_FALSE(permissions.allows(bob_key, Operation::take, "b"));
    CHECK(permissions.allows(bob_key, Operation::call, "c"));
    CHECK(permissions.allows("", Operation::call, "c"));
    CHECK(permissions.allows("", Operation::serve, "d"));
    CHECK_FALSE(permissions.allows(bob_key, Operation::serve, "d"));
    CHECK(permissions.allows(at_key, Operation::put, "e"));
}

TEST_CASE("permissions: a deny that fits wins wherever it stands", "[unit][base]") {
    const Permissions permissions = made({
        rule(allow, {"alice"}, {Operation::put}, {"*"}),
        rule(deny, {"@ops"}, {Operation::put}, {"pay.*"}),
    });
    CHECK(permissions.allows(alice_key, Operation::put, "orders"));
    CHECK_FALSE(permissions.allows(alice_key, Operation::put, "pay.out"));
    CHECK(permissions.allows(alice_key, Operation::put, "pay"));
}

TEST_CASE("permissions: '*' stands for any run of characters, none too", "[unit][base]") {
    const auto fits = [](std::string pattern, std::string_view object) {
        return made({rule(allow, {"*"}, {Operation::put}, {std::move(pattern)})})
            .allows("", Operation::put, object);
    };
    CHECK(fits("*", ""));
    CHECK(fits("a*", "a"));
    CHECK(fits("a*c", "abbc"));
    CHECK(fits("a*b*c", "axbxbxc"));
    CHECK(fits("**a**", "bab"));
    CHECK(fits("*.eu", "orders.eu.eu"));
    CHECK_FALSE(fits("a*c", "ab"));
    CHECK_FALSE(fits("a", "ab"));
    CHECK_FALSE(fits("ab", "a"));
    CHECK_FALSE(fits("*.eu", "orders.eu.us"));
    CHECK(fits("*", std::string(Permissions::object_bytes_max, 'x')));
    CHECK_FALSE(fits("*", std::string(Permissions::object_bytes_max + 1, 'x')));
}

TEST_CASE("permissions: a subscription fits when all that it brings fits", "[unit][base]") {
    const Permissions permissions = made({
        rule(allow, {"*"}, {Operation::subscribe}, {"prices.*", "news*"}),
        rule(deny, {"*"}, {Operation::subscribe}, {"prices.secret.*", "*.internal"}),
    });
    const Permissions plain =
        made({rule(allow, {"*"}, {Operation::subscribe}, {"prices.*", "a*b*"})});
    CHECK(plain.allows("", Operation::subscribe, "prices."));
    CHECK(plain.allows("", Operation::subscribe, "prices.eu"));
    CHECK(plain.allows("", Operation::subscribe, "aXb"));
    CHECK_FALSE(plain.allows("", Operation::subscribe, "prices"));
    CHECK_FALSE(plain.allows("", Operation::subscribe, "price"));
    CHECK_FALSE(plain.allows("", Operation::subscribe, ""));
    CHECK_FALSE(plain.allows("", Operation::subscribe, "aX"));
    // "*.internal" could end any of them.
    CHECK_FALSE(permissions.allows("", Operation::subscribe, "news"));
    const Permissions prefix = made({
        rule(allow, {"*"}, {Operation::subscribe}, {"*"}),
        rule(deny, {"*"}, {Operation::subscribe}, {"prices.secret.*"}),
    });
    CHECK(prefix.allows("", Operation::subscribe, "prices.eu"));
    CHECK_FALSE(prefix.allows("", Operation::subscribe, "prices.secret.x"));
    CHECK_FALSE(prefix.allows("", Operation::subscribe, "prices."));
    CHECK_FALSE(prefix.allows("", Operation::subscribe, ""));
    CHECK(prefix.allows("", Operation::subscribe, "news"));
}

TEST_CASE("permissions: any client key is its own user", "[unit][base]") {
    const std::string key(40, 'k');
    const Permissions permissions = made(
        {rule(allow, {key}, {Operation::put}, {"k"}), rule(allow, {"*"}, {Operation::put}, {"x"})},
        Permissions::Unlisted::themselves);
    CHECK(permissions.user_of(key) == key);
    CHECK(permissions.allows(key, Operation::put, "k"));
    CHECK(permissions.allows(key, Operation::put, "x"));
    CHECK_FALSE(permissions.allows(std::string(40, 'l'), Operation::put, "k"));
    CHECK(permissions.allows(std::string(40, 'l'), Operation::put, "x"));
    CHECK(permissions.user_of(alice_key) == "alice");
}

TEST_CASE("permissions: refusals say what to do, explanations name the rule", "[unit][base]") {
    const Permissions permissions = made({
        rule(allow, {"alice"}, {Operation::put}, {"orders"}, "access.toml:3"),
        rule(deny, {"alice"}, {Operation::put}, {"pay"}, "access.toml:7"),
    });
    CHECK(permissions.check(alice_key, Operation::put, "orders"));
    CHECK(permissions.check(alice_key, Operation::put, "other").error().detail ==
          "alice may not put to 'other'; ask for a rule that allows it");
    CHECK(permissions.check(alice_key, Operation::put, "pay").error().detail ==
          "alice may not put to 'pay'"); // where our rules stand is not the peer's business
    CHECK(permissions.explain(alice_key, Operation::put, "orders") ==
          "alice may put to 'orders' (access.toml:3)");
    CHECK(permissions.explain(alice_key, Operation::put, "pay") ==
          "alice may not put to 'pay' (access.toml:7)");
    CHECK(permissions.explain(bob_key, Operation::take, "a\nb") ==
          "bob may not take from 'a?b' (no rule allows it)");
    CHECK(Permissions{}.explain("", Operation::call, "echo") ==
          "anonymous may call 'echo' (there are no rules)");
}

TEST_CASE("permissions: what could never mean what it says is refused", "[unit][base]") {
    const auto error = [](Rule bad) {
        bad.where = "access.toml:5";
        auto permissions =
            Permissions::make(users(), Permissions::Unlisted::nobody, {std::move(bad)});
        REQUIRE_FALSE(permissions);
        CHECK(permissions.error().detail.find("access.toml:5: ") == 0);
        return permissions.error().code;
    };
    CHECK(error(rule(allow, {}, {Operation::put}, {"a"})) == Errc::bad_option);
    CHECK(error(rule(allow, {"a"}, {}, {"a"})) == Errc::bad_option);
    CHECK(error(rule(allow, {"a"}, {Operation::put}, {})) == Errc::bad_option);
    CHECK(error(rule(allow, {"a"}, {Operation::put}, {""})) == Errc::bad_option);
    CHECK(error(rule(allow, {"@"}, {Operation::put}, {"a"})) == Errc::bad_option);
    CHECK(error(rule(allow, {"a;b"}, {Operation::put}, {"a"})) == Errc::bad_option);
    CHECK(error(rule(allow, {"a"}, {Operation::subscribe}, {"topic"})) == Errc::bad_option);
    CHECK(error(rule(allow, {"a"}, {Operation::subscribe, Operation::publish}, {"topic"})) ==
          Errc::bad_option);
    CHECK_FALSE(made({rule(allow, {"*"}, {Operation::subscribe, Operation::put}, {"orders"})})
                    .allows("", Operation::subscribe, "orders"));
    CHECK(error(rule(allow, std::vector<std::string>(257, "a"), {Operation::put}, {"a"})) ==
          Errc::too_many);

    const auto user_error = [](std::string credential, User user) {
        auto permissions = Permissions::make({{std::move(credential), std::move(user)}},
                                             Permissions::Unlisted::nobody, {});
        REQUIRE_FALSE(permissions);
        return permissions.error().code;
    };
    CHECK(user_error("", {"alice", {}}) == Errc::bad_option);
    CHECK(user_error(alice_key, {"anonymous", {}}) == Errc::bad_option);
    CHECK(user_error(alice_key, {"@alice", {}}) == Errc::bad_option);
    CHECK(user_error(alice_key, {bob_key, {}}) == Errc::bad_option);
    CHECK(user_error(alice_key, {"alice", {"a,b"}}) == Errc::bad_option);
    CHECK(user_error(alice_key, {"alice", std::vector<std::string>(65, "g")}) == Errc::too_many);
}

TEST_CASE("permissions: a user as given has a name or none, and not too many groups",
          "[unit][base]") {
    CHECK(check_user({}));
    CHECK(check_user({"alice", {"billing", "ops"}}));
    CHECK(check_user({"@alice", {}}).error().code == Errc::bad_option);
    CHECK(check_user({"alice", {"billing", ""}}).error().code == Errc::bad_option);
    User user;
    for (std::size_t i = 0; i <= Permissions::groups_max; ++i)
        user.groups.push_back("group" + std::to_string(i));
    CHECK(check_user(user).error().code == Errc::too_many);
    user.groups.pop_back();
    CHECK(check_user(user));
}
