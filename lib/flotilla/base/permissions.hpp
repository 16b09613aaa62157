// SPDX-License-Identifier: Apache-2.0
//
// Permissions: who may do what. An immutable value that a listener's machines ask for every message
// under its sender's User-Id, so that a change rules the next message of a live session
// (docs/security.md). Pure; copies share their content; safe from every thread.
//
// A User-Id names a credential, not a person: the client's CURVE key in Z85, "plain:NAME", or empty
// where nobody is asked (NULL, inproc). Permissions know which user and groups it stands for now; a
// credential that was revoked stands for nobody and may nothing, although its connection still
// lives.
//
// Rules: a `deny` that fits wins; else an `allow` that fits; else refused. Without any rule,
// everybody who is let in may do everything but administer.
#pragma once

#include <flotilla/base/result.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla {

// What is done to what: a queue (put, take), a service (call, serve), a topic (publish,
// subscribe), a program (administer: its name). A streamer's or queue relay's object is its name.
enum class Operation : std::uint8_t { put, take, call, serve, publish, subscribe, administer };
inline constexpr std::size_t operations_count = 7;
std::string_view name(Operation operation) noexcept; // "put"
std::optional<Operation> operation_named(std::string_view name) noexcept;

// Whom a credential stands for.
struct User {
    std::string name{}; // "alice"; of a key without a name: the key
    std::vector<std::string> groups{};
    friend bool operator==(const User&, const User&) = default;
};

struct Rule {
    enum class Effect : std::uint8_t { allow, deny } effect = Effect::allow;
    // "alice", "@group", "anonymous" (NULL peers), "*" (anybody let in, NULL peers too)
    std::vector<std::string> who{};
    std::array<bool, operations_count> operations{};
    // "orders", "orders.*": '*' stands for any run of characters. A subscription to "a" brings
    // every topic that begins with it: `allow` fits when its pattern covers all of them ("a*", not
    // "a.*"), `deny` when its pattern could cover one.
    std::vector<std::string> objects{};
    std::string where{}; // "access.toml:12", for errors and explanations
};

class Permissions {
public:
    static constexpr std::size_t users_max = 100'000;
    static constexpr std::size_t rules_max = 10'000;
    static constexpr std::size_t groups_max = 64;         // of one user
    static constexpr std::size_t entries_max = 256;       // of `who`, and of `objects`, of one rule
    static constexpr std::size_t object_bytes_max = 4096; // where there are rules; more: refused
    static constexpr std::string_view anonymous = "anonymous"; // the user of an empty User-Id

    // Everybody let in may do everything but administer.
    Permissions() = default;
    // `users`: by credential. With `Unlisted::nobody` a credential that is not among them stands
    // for nobody; with `Unlisted::themselves` (any client key) its user is called like it.
    enum class Unlisted : std::uint8_t { nobody, themselves };
    // Errors: bad_option (which user or rule and why); too_many.
    static Result<Permissions> make(std::map<std::string, User, std::less<>> users,
                                    Unlisted unlisted, std::vector<Rule> rules);

    // What make() asks of each rule, without its place. Errors: bad_option; too_many.
    static Status check_rule(const Rule& rule);

    // Nothing is refused but what is administered, and nobody was revoked: callers may skip asking.
    bool is_open() const noexcept;
    bool has_rules() const noexcept;
    // What the user of this credential is called; nothing: nobody (revoked). Valid as long as these
    // permissions and `user_id`.
    std::optional<std::string_view> user_of(std::string_view user_id) const noexcept;
    bool allows(std::string_view user_id, Operation operation, std::string_view object) const;
    // The same with a sentence: "alice may not put to 'orders'; ask for a rule that allows it".
    // Errors: not_allowed.
    Status check(std::string_view user_id, Operation operation, std::string_view object) const;
    // For operators: the sentence of check(), or who may, and the rule that decided: "alice may put
    // to 'orders' (access.toml:12)".
    std::string explain(std::string_view user_id, Operation operation,
                        std::string_view object) const;

private:
    struct Table;
    struct Verdict;
    Verdict judge(std::string_view user_id, Operation operation, std::string_view object) const;
    std::shared_ptr<const Table> table_{};
};

// What users and groups may be called: 1 to 38 of letters, digits, ._+@- and blanks, the first a
// letter or digit; never "anonymous". So no name is a key's text, a group's "@name" or a pattern.
Status check_user_name(std::string_view name);
// Of a user as a list or a person gives it: a name, or none, and up to Permissions::groups_max
// groups. Errors: bad_option; too_many.
Status check_user(const User& user);

} // namespace flotilla
