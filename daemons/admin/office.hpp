// SPDX-License-Identifier: Apache-2.0
//
// Office: answers every verb of docs/protocol/admin.md, whichever way it came: reads the arguments,
// judges whether the asker may, asks the desk, notes changes and refusals.
//
// Safe from every thread; answer() and metrics() wait for the daemon's loop, at most wait_max.
#pragma once

#include "admin/administered.hpp"
#include "admin/audit.hpp"
#include "admin/desk.hpp"
#include "admin/json.hpp"
#include "admin/token.hpp"

#include <flotilla/base/permissions.hpp>
#include <flotilla/base/time.hpp>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace flotilla::admin {

struct Request {
    std::string verb{};
    Arguments arguments{};
    std::string token{}; // as given; empty: none
    // Of a peer of the admin endpoint. Absent over HTTP, where only the token speaks for somebody.
    std::optional<std::string> user_id{};
    std::string address{}; // "127.0.0.1:4711", as far as known
};

class Office {
public:
    static constexpr Duration wait_max = 2s;
    static constexpr std::uint32_t rows_max = 10'000;

    // Who may read totals and rows: everybody who gets here, or who has the token.
    enum class Reading : std::uint8_t { open, by_token };
    struct Options {
        std::string instance{}; // what `administer` rules name
        Token token{};
        Reading http_reading = Reading::open;
        // While the loop is busy with other askers, probes are told what it said at most so long
        // ago: many open consoles do not look like a daemon that hangs, which answers nobody.
        Duration health_age_max = 5s;
    };
    Office(std::shared_ptr<Desk> desk, std::shared_ptr<Audit> audit, Options options);

    // Codes beyond those of Answer: 401, the token is missing or wrong (HTTP only).
    Answer answer(const Request& request);
    // Prometheus text when the code is 200, else an error's JSON.
    struct Text {
        std::uint16_t code = 200;
        std::string text{};
    };
    Text metrics(const Request& request);
    // For whoever asks: 200 while the loop turns, or the daemon is still starting; else 503.
    Answer liveness();

    // From now on, for the admin endpoint's peers.
    void set_permissions(std::shared_ptr<const Permissions> permissions);
    // True: it is another one.
    bool set_token(Token token);

private:
    enum class Right : std::uint8_t { read, administer };
    struct Judged {
        std::string who{};
        std::optional<Answer> refusal{};
    };
    Judged judge(const Request& request, Right right) const;
    Answer refuse(const Request& request, Answer refusal, const std::string& who);
    Result<Snapshot> look(Wanted wanted);
    Result<Snapshot> look_at_health();
    Answer status(const Request& request);
    Answer health();
    Answer order(const Request& request, const std::string& who);

    std::shared_ptr<Desk> desk_;
    std::shared_ptr<Audit> audit_;
    Options options_;
    mutable std::mutex mutex_{}; // of what follows, and of options_.token
    std::shared_ptr<const Permissions> permissions_ = std::make_shared<const Permissions>();
    Snapshot health_{}; // of the last look: state and not_ready alone
    std::optional<Instant> health_at_{};
};

} // namespace flotilla::admin
