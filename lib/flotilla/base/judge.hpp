// SPDX-License-Identifier: Apache-2.0
//
// Judge: Permissions as a machine asks them, once for every message. What was decided is
// remembered, so that a message that is like an earlier one costs some hundred instructions, and
// nothing at all while everything is allowed. What is refused is counted, and noted for the audit.
//
//     if (!judge.is_open() && !judge.allows(user_id, Operation::put, queue))
//         return refuse(judge.refuse(user_id, Operation::put, queue, descriptor));
//
// Pure: no clock, no I/O. One thread at a time.
#pragma once

#include <flotilla/base/permissions.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flotilla {

// Something that was asked for and not allowed.
struct Refusal {
    std::string user_id{}; // the credential
    std::string user{};    // whom it stands for; empty: nobody
    Operation operation{};
    std::string object{};
    int descriptor = -1; // of the connection, where it is known
};

// By operation: counts[static_cast<std::size_t>(Operation::put)].
using OperationCounts = std::array<std::uint64_t, operations_count>;

class Judge {
public:
    static constexpr std::size_t decisions_max = 1024; // remembered
    static constexpr std::size_t noted_max = 64;       // refusals between two calls of take_noted()

    // nullptr, and before the first call: everything is allowed.
    void set(std::shared_ptr<const Permissions> permissions);
    const std::shared_ptr<const Permissions>& permissions() const noexcept { return permissions_; }
    // Nobody needs to be judged.
    bool is_open() const noexcept { return is_open_; }

    // Whether the credential stands for somebody; else it was revoked.
    bool knows(std::string_view user_id) const;
    // To administer needs a rule only where there are rules at all.
    bool allows(std::string_view user_id, Operation operation, std::string_view object);

    // Counts and notes a refusal; the sentence for whoever asked.
    std::string refuse(std::string_view user_id, Operation operation, std::string_view object,
                       int descriptor);
    const OperationCounts& refused() const noexcept { return refused_; }
    // The first ones since the last call.
    std::vector<Refusal> take_noted() noexcept { return std::exchange(noted_, {}); }
    bool has_noted() const noexcept { return !noted_.empty(); }

private:
    struct Decision {
        std::string user_id{};
        std::string object{};
        Operation operation{};
        bool is_made = false;
        bool is_allowed = false;
    };
    bool decide(std::string_view user_id, Operation operation, std::string_view object) const;

    std::shared_ptr<const Permissions> permissions_{};
    bool is_open_ = true;
    std::vector<Decision> decisions_{}; // by hash; a newer one replaces what is there
    OperationCounts refused_{};
    std::vector<Refusal> noted_{};
};

} // namespace flotilla
