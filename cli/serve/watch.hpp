// SPDX-License-Identifier: Apache-2.0
//
// ServeWatch: tells people what becomes of `zmq serve` at its brokers, each thing once, and knows
// when waiting is in vain: when every broker refuses our key, or our service, for longer than a
// changed list or rule takes to be read, or is no broker at all.
#pragma once

#include <flotilla/request/worker.hpp>

#include <cli/broker_flags.hpp>
#include <cli/refused_key.hpp>
#include <cli/terminal.hpp>

#include <cstddef>
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace flotilla::cli {

// A Terminal is for one thread; this is for those of a worker.
class Reporter {
public:
    explicit Reporter(Terminal& terminal) : terminal_(terminal) {}
    void note(const std::string& text) {
        const std::lock_guard lock(mutex_);
        terminal_.note(text);
    }
    void detail(const std::string& text) {
        const std::lock_guard lock(mutex_);
        terminal_.detail(text);
    }

private:
    Terminal& terminal_;
    std::mutex mutex_;
};

// One thread at a time: the one that runs the worker.
class ServeWatch {
public:
    // A broker that restarts may break off one handshake.
    static constexpr std::size_t broken_handshakes_min = 2;

    ServeWatch(std::string service, std::size_t brokers, Reporter& reporter)
        : service_(std::move(service)), brokers_(brokers), reporter_(reporter), key_(brokers),
          right_(brokers) {}

    void registration(const net::Endpoint& broker, request::WorkerOptions::Registration what);
    void hear(const net::ConnectionEvent& event);
    void refused(const net::Endpoint& broker, request::ErrorCode code, const std::string& text);

    bool is_hopeless() const;
    // Empty: it has been told.
    std::string why_hopeless() const;

private:
    std::string service_;
    std::size_t brokers_;
    Reporter& reporter_;
    ConnectionHint hint_{};
    RefusedKey key_;
    RefusedEverywhere right_;         // to serve this
    bool has_no_right_ = false;       // as of the last refusal: one alone may be of before
    std::set<std::string> told_{};    // of refusals: "ENDPOINT: code", until we are taken
    std::set<std::string> strangers_; // endpoints at which no broker is
    std::size_t broken_handshakes_ = 0;
    std::string told_hint_{}; // until a handshake succeeds
};

} // namespace flotilla::cli
