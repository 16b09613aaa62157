// SPDX-License-Identifier: Apache-2.0
//
// Audit: who changed what, and whom what was refused: a line of the log each, and the last ones in
// memory for the verb `audit`.
//
// Every change is logged. Refusals, which anybody can cause ten thousand times a second, are all
// counted, and logged at most once a second with `left_out=N`; they are kept apart, so that they
// cannot push changes out. Safe from every thread.
#pragma once

#include "host/log.hpp"
#include "host/rate_limit.hpp"

#include <flotilla/base/judge.hpp>

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>

namespace flotilla::admin {

struct AuditEntry {
    std::uint64_t number = 0; // in the order of events
    std::int64_t at_ms = 0;   // since 1970
    std::string event{};      // "admin_done", "admin_refused", "access_refused"
    std::string who{};        // a user, "token", or "" for nobody known
    std::string verb{};       // or the operation: "purge", "put"
    std::string object{};     // of what: a queue, a relay; may be empty
    std::string address{};    // where from, as connections show it: "10.0.0.7:50123", over ipc
                              // "process 4711"; may be empty
    std::uint16_t code = 200;
    std::string why{};   // of refusals
    std::string relay{}; // at which, in a program of several
};

class Audit {
public:
    static constexpr std::size_t kept_max = 1'000;     // changes; and as many refusals
    static constexpr std::size_t text_bytes_max = 256; // of each field; longer ones are cut

    // `log` must outlive it.
    explicit Audit(const host::Log& log) : log_(log) {}

    void changed(AuditEntry entry);
    void refused(AuditEntry entry);

    std::uint64_t changed_total() const;
    std::uint64_t refused_total() const;
    // The last ones, newest first: {"entries": [...]}.
    std::string json(std::size_t rows_max) const;

private:
    void keep(std::deque<AuditEntry>& entries, AuditEntry entry);

    const host::Log& log_;
    mutable std::mutex mutex_{};
    std::uint64_t last_number_ = 0;
    std::deque<AuditEntry> changes_{}; // newest first
    std::deque<AuditEntry> refusals_{};
    std::uint64_t changed_total_ = 0;
    std::uint64_t refused_total_ = 0;
    host::RateLimit orders_logged_{1s};   // refused ones,
    host::RateLimit by_rules_logged_{1s}; // and what rules refused: one does not hide the other
};

// For the callbacks of machines. `user_id` is the credential, of which some is shown where it
// stands for nobody; `descriptor` the connection's.
AuditEntry entry_about(std::string_view user, std::string_view user_id, int descriptor);
// What a machine refused, as `access_refused`; `relay` is empty where there is none.
void note(Audit& audit, const Refusal& refusal, std::string relay = {});

} // namespace flotilla::admin
