// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/bounded_table.hpp>
#include <flotilla/base/permissions.hpp>

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace flotilla {
namespace {

constexpr std::size_t name_bytes_max = 38;
constexpr std::size_t key_bytes = 40; // of a CURVE key in Z85
constexpr std::string_view everybody = "*";

constexpr std::array<std::string_view, operations_count> operation_names{
    "put", "take", "call", "serve", "publish", "subscribe", "administer"};
constexpr std::array<std::string_view, operations_count> doings{
    "put to", "take from", "call", "serve", "publish to", "subscribe to", "administer"};

bool is_letter_or_digit(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_key(std::string_view text) noexcept {
    constexpr std::string_view others = ".-:+=^!/*?&<>()[]{}@%$#";
    return text.size() == key_bytes && std::all_of(text.begin(), text.end(), [&](char c) {
               return is_letter_or_digit(c) || others.find(c) != std::string_view::npos;
           });
}

enum class Extent : std::uint8_t { whole, beginning };

// Whether the pattern matches the text, or the beginning of some longer text. Going back to the
// last '*' is enough: what an earlier one could take, the last one can too.
bool matches(std::string_view pattern, std::string_view text, Extent extent) noexcept {
    std::size_t at = 0;
    std::size_t behind_star = std::string_view::npos;
    std::size_t retry_from = 0;
    for (std::size_t i = 0; i < text.size();) {
        if (at < pattern.size() && pattern[at] == '*') {
            behind_star = ++at;
            retry_from = i;
        } else if (at < pattern.size() && pattern[at] == text[i]) {
            ++at;
            ++i;
        } else if (behind_star != std::string_view::npos) {
            at = behind_star;
            i = ++retry_from;
        } else {
            return false;
        }
    }
    return extent == Extent::beginning ||
           pattern.find_first_not_of('*', at) == std::string_view::npos;
}

bool fits(std::string_view pattern, Rule::Effect effect, Operation operation,
          std::string_view object) noexcept {
    if (operation != Operation::subscribe)
        return matches(pattern, object, Extent::whole);
    if (effect == Rule::Effect::deny)
        return matches(pattern, object, Extent::beginning);
    return pattern.back() == '*' && matches(pattern, object, Extent::whole);
}

bool fits(const Rule& rule, Operation operation, std::string_view object) noexcept {
    return std::any_of(rule.objects.begin(), rule.objects.end(), [&](const std::string& pattern) {
        return fits(pattern, rule.effect, operation, object);
    });
}

std::string place_of(const Rule& rule, std::size_t index) {
    return rule.where.empty() ? "rule " + std::to_string(index + 1) : rule.where;
}

Status check_who(std::string_view who) {
    if (who == everybody || who == Permissions::anonymous || is_key(who))
        return {};
    return check_user_name(who.substr(0, 1) == "@" ? who.substr(1) : who);
}

// To allow everything to queues and services is no mistake; to allow subscribing to one topic is.
bool is_about_topics_only(const Rule& rule) {
    bool only = rule.operations[std::size_t(Operation::subscribe)];
    for (std::size_t i = 0; i < operations_count; ++i)
        only = only && (!rule.operations[i] || Operation(i) == Operation::subscribe ||
                        Operation(i) == Operation::publish);
    return only;
}

Status check_object(const Rule& rule, std::string_view object) {
    if (object.empty() || object.size() > Permissions::object_bytes_max)
        return fail(Errc::bad_option, "an object has 1 to " +
                                          std::to_string(Permissions::object_bytes_max) +
                                          " characters; '*' means all");
    if (rule.effect == Rule::Effect::allow && is_about_topics_only(rule) && object.back() != '*')
        return fail(Errc::bad_option, "to subscribe to '" + std::string(object) +
                                          "' brings every topic that begins so; allow '" +
                                          std::string(object) +
                                          "*', or leave 'subscribe' to a rule of its own");
    return {};
}

Status check_groups(const User& user) {
    if (user.groups.size() > Permissions::groups_max)
        return fail(Errc::too_many, (user.name.empty() ? "a user" : "'" + user.name + "'") +
                                        " is in more than " +
                                        std::to_string(Permissions::groups_max) + " groups");
    for (const std::string& group : user.groups)
        if (Status good = check_user_name(group); !good)
            return good;
    return {};
}

// A key without a name is called like itself.
Status check_listed(const std::string& credential, const User& user) {
    if (credential.empty())
        return fail(Errc::bad_option, "the empty credential is nobody's");
    if (user.name != credential || !is_key(credential))
        if (Status good = check_user_name(user.name); !good)
            return good;
    return check_groups(user);
}

} // namespace

std::string_view name(Operation operation) noexcept {
    return operation_names[std::size_t(operation)];
}

std::optional<Operation> operation_named(std::string_view name) noexcept {
    for (std::size_t i = 0; i < operations_count; ++i)
        if (operation_names[i] == name)
            return Operation(i);
    return std::nullopt;
}

Status check_user_name(std::string_view name) {
    constexpr std::string_view others = "._+@- ";
    const bool good = !name.empty() && name.size() <= name_bytes_max &&
                      is_letter_or_digit(name.front()) && name.back() != ' ' &&
                      name != Permissions::anonymous &&
                      std::all_of(name.begin(), name.end(), [&](char c) {
                          return is_letter_or_digit(c) || others.find(c) != std::string_view::npos;
                      });
    if (good)
        return {};
    return fail(Errc::bad_option, "'" + std::string(name.substr(0, key_bytes)) +
                                      "' cannot be a name: it has 1 to 38 of a-z A-Z 0-9 . _ + @ "
                                      "- and blanks, begins with a letter or digit, and is not "
                                      "'anonymous'");
}

Status check_user(const User& user) {
    if (!user.name.empty())
        if (Status good = check_user_name(user.name); !good)
            return good;
    return check_groups(user);
}

Status Permissions::check_rule(const Rule& rule) {
    if (rule.who.empty() || rule.objects.empty())
        return fail(Errc::bad_option, "a rule says who, and what (objects)");
    if (rule.who.size() > entries_max || rule.objects.size() > entries_max)
        return fail(Errc::too_many, "a rule names at most " + std::to_string(entries_max) +
                                        " of who and of objects; make two");
    if (std::none_of(rule.operations.begin(), rule.operations.end(), [](bool on) { return on; }))
        return fail(Errc::bad_option, "a rule says what may be done");
    for (const std::string& who : rule.who)
        if (Status good = check_who(who); !good)
            return good;
    for (const std::string& object : rule.objects)
        if (Status good = check_object(rule, object); !good)
            return good;
    return {};
}

struct Permissions::Verdict {
    bool allowed = false;
    std::string_view who{};     // nothing: nobody
    const Rule* rule = nullptr; // that decided
};

struct Permissions::Table {
    // Rules that name one user or group, apart by what they are about: a message looks only at
    // these.
    struct Named {
        std::array<std::vector<const Rule*>, operations_count> allow{};
        std::array<std::vector<const Rule*>, operations_count> deny{};
    };
    struct Person {
        std::string name{};
        std::vector<const Named*> named{}; // by name, by each group, everybody's
    };
    template <class Value>
    using ByText = std::unordered_map<std::string, Value, TransparentStringHash, std::equal_to<>>;

    std::vector<Rule> rules{};
    ByText<Named> by_who{};
    ByText<Person> persons{}; // by credential
    Person nameless{};        // an empty User-Id
    Person others{};          // of unlisted credentials, whose names are these themselves
    Unlisted unlisted = Unlisted::nobody;

    const Named* named(std::string_view who) const {
        const auto at = by_who.find(who);
        return at == by_who.end() ? nullptr : &at->second;
    }
    Person person(std::string name, const std::vector<std::string>& groups) const;
    void add_rules(std::vector<Rule> all);
    Verdict judge(std::string_view who, const Named* const* first, const Named* const* last,
                  Operation operation, std::string_view object) const;
};

void Permissions::Table::add_rules(std::vector<Rule> all) {
    rules = std::move(all);
    for (Rule& rule : rules) {
        std::sort(rule.who.begin(), rule.who.end());
        rule.who.erase(std::unique(rule.who.begin(), rule.who.end()), rule.who.end());
        for (const std::string& who : rule.who) {
            Named& named = by_who[who];
            for (std::size_t i = 0; i < operations_count; ++i)
                if (rule.operations[i])
                    (rule.effect == Rule::Effect::deny ? named.deny : named.allow)[i].push_back(
                        &rule);
        }
    }
}

Permissions::Table::Person
Permissions::Table::person(std::string name, const std::vector<std::string>& groups) const {
    Person person{std::move(name), {}};
    const auto add = [&](std::string_view who) {
        if (const Named* found = named(who))
            person.named.push_back(found);
    };
    if (!person.name.empty())
        add(person.name);
    for (const std::string& group : groups)
        add("@" + group);
    add(everybody);
    return person;
}

Permissions::Verdict Permissions::Table::judge(std::string_view who, const Named* const* first,
                                               const Named* const* last, Operation operation,
                                               std::string_view object) const {
    Verdict verdict{rules.empty() && operation != Operation::administer, who, nullptr};
    if (rules.empty() || object.size() > object_bytes_max)
        return verdict;
    const std::size_t about = std::size_t(operation);
    for (const Named* const* each = first; each != last; ++each)
        for (const Rule* rule : (*each)->deny[about])
            if (fits(*rule, operation, object))
                return {false, who, rule};
    for (const Named* const* each = first; each != last; ++each)
        for (const Rule* rule : (*each)->allow[about])
            if (fits(*rule, operation, object))
                return {true, who, rule};
    return verdict;
}

Result<Permissions> Permissions::make(std::map<std::string, User, std::less<>> users,
                                      Unlisted unlisted, std::vector<Rule> rules) {
    if (users.size() > users_max)
        return fail(Errc::too_many, "at most " + std::to_string(users_max) + " users");
    if (rules.size() > rules_max)
        return fail(Errc::too_many, "at most " + std::to_string(rules_max) + " rules");
    for (std::size_t i = 0; i < rules.size(); ++i)
        if (const Status good = check_rule(rules[i]); !good)
            return fail(good.error().code, place_of(rules[i], i) + ": " + good.error().detail);
    for (const auto& [credential, user] : users)
        if (const Status good = check_listed(credential, user); !good)
            return fail(good.error());

    auto table = std::make_shared<Table>();
    table->unlisted = unlisted;
    table->add_rules(std::move(rules));
    table->persons.reserve(users.size());
    for (auto& [credential, user] : users)
        table->persons.emplace(credential, table->person(std::move(user.name), user.groups));
    table->nameless = table->person(std::string(anonymous), {});
    table->others = table->person({}, {});
    Permissions permissions;
    permissions.table_ = std::move(table);
    return permissions;
}

bool Permissions::is_open() const noexcept {
    return !table_ || (table_->rules.empty() && table_->unlisted == Unlisted::themselves);
}

bool Permissions::has_rules() const noexcept {
    return table_ && !table_->rules.empty();
}

std::optional<std::string_view> Permissions::user_of(std::string_view user_id) const noexcept {
    if (user_id.empty())
        return anonymous;
    if (!table_)
        return user_id;
    const auto at = table_->persons.find(user_id);
    if (at != table_->persons.end())
        return at->second.name;
    if (table_->unlisted == Unlisted::themselves)
        return user_id;
    return std::nullopt;
}

Permissions::Verdict Permissions::judge(std::string_view user_id, Operation operation,
                                        std::string_view object) const {
    if (!table_)
        return {operation != Operation::administer, user_id.empty() ? anonymous : user_id, nullptr};
    const auto judged = [&](std::string_view who, const std::vector<const Table::Named*>& named) {
        return table_->judge(who, named.data(), named.data() + named.size(), operation, object);
    };
    if (user_id.empty())
        return judged(anonymous, table_->nameless.named);
    const auto at = table_->persons.find(user_id);
    if (at != table_->persons.end())
        return judged(at->second.name, at->second.named);
    if (table_->unlisted == Unlisted::nobody)
        return {};
    const Table::Named* own = table_->named(user_id);
    if (!own)
        return judged(user_id, table_->others.named);
    std::vector<const Table::Named*> named = table_->others.named;
    named.push_back(own);
    return judged(user_id, named);
}

bool Permissions::allows(std::string_view user_id, Operation operation,
                         std::string_view object) const {
    return judge(user_id, operation, object).allowed;
}

namespace {

std::string shown(std::string_view object) {
    constexpr std::size_t shown_max = 100;
    std::string text;
    for (const char c : object.substr(0, shown_max))
        text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    return object.size() > shown_max ? text + "..." : text;
}

std::string sentence(std::string_view who, bool may, Operation operation, std::string_view object) {
    if (who.data() == nullptr)
        return "this key is not, or no longer, among those that may connect";
    return std::string(who) + (may ? " may " : " may not ") +
           std::string(doings[std::size_t(operation)]) + " '" + shown(object) + "'";
}

} // namespace

Status Permissions::check(std::string_view user_id, Operation operation,
                          std::string_view object) const {
    const Verdict verdict = judge(user_id, operation, object);
    if (verdict.allowed)
        return {};
    std::string why = sentence(verdict.who, false, operation, object);
    if (verdict.who.data() != nullptr && !verdict.rule)
        why += "; ask for a rule that allows it";
    return fail(Errc::not_allowed, std::move(why));
}

std::string Permissions::explain(std::string_view user_id, Operation operation,
                                 std::string_view object) const {
    const Verdict verdict = judge(user_id, operation, object);
    std::string text = sentence(verdict.who, verdict.allowed, operation, object);
    if (verdict.rule && !verdict.rule->where.empty())
        text += " (" + verdict.rule->where + ")";
    else if (!verdict.rule && verdict.who.data() != nullptr)
        text += verdict.allowed ? " (there are no rules)" : " (no rule allows it)";
    return text;
}

} // namespace flotilla
