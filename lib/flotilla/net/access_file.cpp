// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/settings.hpp>
#include <flotilla/net/access_file.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace flotilla::net {
namespace {

constexpr std::string_view everything = "*"; // but administer

// One of `allow` and `deny`, and what stands behind it.
template <class Effect>
struct Said {
    Effect effect{};
    std::string_view key{};
    std::vector<std::string> what{};
};

template <class Effect>
std::optional<Said<Effect>> read_effect(SettingsTable& table) {
    auto allowed = table.texts("allow");
    auto denied = table.texts("deny");
    const bool is_wrong = table.where("allow") != table.where() && !allowed;
    if (is_wrong || (table.where("deny") != table.where() && !denied))
        return std::nullopt; // which was said
    if (allowed.has_value() == denied.has_value()) {
        table.refuse(denied ? "deny" : "", "say either 'allow' or 'deny'");
        return std::nullopt;
    }
    if (allowed)
        return Said<Effect>{Effect::allow, "allow", std::move(*allowed)};
    return Said<Effect>{Effect::deny, "deny", std::move(*denied)};
}

std::string unknown_operation(const std::string& word) {
    std::vector<std::string> known;
    for (std::size_t i = 0; i < operations_count; ++i)
        known.emplace_back(name(Operation(i)));
    std::string why = "'" + word + "' is nothing that can be allowed; it is one of ";
    for (const std::string& each : known)
        why += each + ", ";
    why += "or \"*\"";
    if (const auto near = nearest_word(word, known))
        why += "; did you mean '" + *near + "'?";
    return why;
}

void read_rule(SettingsTable& table, AccessFile& file) {
    Rule rule;
    rule.where = table.where();
    rule.who = table.texts("who").value_or(std::vector<std::string>{});
    rule.objects = table.texts("on").value_or(std::vector<std::string>{});
    const bool has_who = table.where("who") != table.where();
    const bool has_on = table.where("on") != table.where();
    if (!has_who)
        table.refuse("", "this rule does not say for whom: who = \"alice\", \"@group\" or \"*\"");
    if (!has_on)
        table.refuse("", "this rule does not say on what: on = \"orders.*\", or \"*\"");
    auto said = read_effect<Rule::Effect>(table);
    if (!said)
        return;
    rule.effect = said->effect;
    for (const std::string& word : said->what) {
        if (word == everything) {
            for (std::size_t i = 0; i < operations_count; ++i)
                rule.operations[i] = rule.operations[i] || Operation(i) != Operation::administer;
        } else if (const auto operation = operation_named(word)) {
            rule.operations[std::size_t(*operation)] = true;
        } else {
            return table.refuse(said->key, unknown_operation(word));
        }
    }
    if (!has_who || !has_on)
        return; // which was said
    if (const Status good = Permissions::check_rule(rule); !good)
        return table.refuse("", good.error().detail);
    if (file.rules.size() == Permissions::rules_max)
        return table.refuse("", "at most " + std::to_string(Permissions::rules_max) + " rules");
    file.rules.push_back(std::move(rule));
}

void read_address(SettingsTable& table, AccessFile& file) {
    auto said = read_effect<AddressRules::Effect>(table);
    if (!said)
        return;
    if (said->what.empty())
        return table.refuse(said->key, "an address, or a list of them");
    for (const std::string& text : said->what) {
        const auto range = AddressRange::parse(text);
        const Status added =
            range ? file.addresses.add(said->effect, *range) : Status{fail(range.error())};
        if (!added)
            table.refuse(said->key, added.error().detail);
    }
}

void read_plain(SettingsTable& table, AccessFile& file) {
    AccessFile::PlainUser plain;
    plain.user.name = table.text("name").value_or("");
    plain.user.groups = table.texts("groups").value_or(std::vector<std::string>{});
    plain.password_file = table.text("password_file").value_or("");
    if (table.where("name") == table.where())
        return table.refuse("", "a user without a name; write name = \"...\"");
    if (const Status good = check_user_name(plain.user.name); !good)
        return table.refuse("name", good.error().detail);
    if (const Status good = check_user(plain.user); !good)
        return table.refuse("groups", good.error().detail);
    if (plain.password_file.empty())
        return table.refuse("password_file",
                            "'" + plain.user.name + "' needs a password_file (mode 0600)");
    const bool twice =
        std::any_of(file.plain.begin(), file.plain.end(), [&](const AccessFile::PlainUser& each) {
            return each.user.name == plain.user.name;
        });
    if (twice)
        return table.refuse("name", "'" + plain.user.name + "' is there twice");
    if (file.plain.size() == AccessFile::plain_users_max)
        return table.refuse("", "at most " + std::to_string(AccessFile::plain_users_max) +
                                    " users with a password");
    file.plain.push_back(std::move(plain));
}

} // namespace

Result<AccessFile> parse_access_file(std::string_view text, const std::string& name) {
    auto parsed = Settings::parse(text, name);
    if (!parsed)
        return fail(parsed.error());
    AccessFile file;
    SettingsTable root = parsed->root();
    for (SettingsTable& table : root.tables("rule"))
        read_rule(table, file);
    for (SettingsTable& table : root.tables("address"))
        read_address(table, file);
    for (SettingsTable& table : root.tables("plain"))
        read_plain(table, file);
    if (const Status done = parsed->finish(); !done)
        return fail(done.error());
    if (file.rules.empty() && file.addresses.empty() && file.plain.empty())
        return fail(Errc::bad_setting,
                    name + ": there is nothing in it. Without a rule everybody may do everything: "
                           "leave the file out where that is meant");
    return file;
}

} // namespace flotilla::net
