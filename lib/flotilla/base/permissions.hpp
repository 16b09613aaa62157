// SPDX-License-Identifier: Apache-2.0
//
// Permissions: who may do what. An immutable value that a listener's machines ask for every message
// under its sender's User-Id, so that a change rules the next message of a live session
// (docs/security.md). Pure; safe from every thread.
//
// A User-Id names a credential, not a person: the client's CURVE key in Z85, "plain:NAME", or empty
// where nobody is asked (NULL). Permissions know which user and groups it stands for now; a
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
    std::vector<std::string> who{}; // "alice", "@group", "*" (anybody let in, NULL peers too)
    std::array<bool, operations_count> operations{};
    // "orders", "orders.*": '*' stands for any run of characters. A topic fits when the pattern
    // covers everything the subscription could bring: a subscription to "a" is more than "a.*".
    std::vector<std::string> objects{};
    std::string where{}; // "access.toml:12", for errors and --explain
};

class Permissions {
public:
    static constexpr std::size_t users_max = 100'000;
    static constexpr std::size_t rules_max = 10'000;
    static constexpr std::size_t groups_max = 64; // of one user

    // Everybody let in may do everything but administer.
    Permissions() = default;
    // `users`: by credential. With `Unlisted::nobody` a credential that is not among them stands
    // for nobody; with `Unlisted::themselves` (any client key) its user is called like it.
    enum class Unlisted : std::uint8_t { nobody, themselves };
    // Errors: bad_option (which rule and why); too_many.
    static Result<Permissions> make(std::map<std::string, User, std::less<>> users,
                                    Unlisted unlisted, std::vector<Rule> rules);

    // Nothing is refused but what is administered, and nobody was revoked: callers may skip asking.
    bool is_open() const noexcept;
    // nullptr: nobody (revoked).
    const User* user_of(std::string_view user_id) const noexcept;
    bool allows(std::string_view user_id, Operation operation, std::string_view object) const;
    // The same with a sentence: "alice may not put to 'orders'; ask for a rule that allows it".
    // Errors: not_allowed.
    Status check(std::string_view user_id, Operation operation, std::string_view object) const;

private:
    struct Table;
    std::shared_ptr<const Table> table_{};
};

} // namespace flotilla
