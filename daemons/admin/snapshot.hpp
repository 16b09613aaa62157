// SPDX-License-Identifier: Apache-2.0
//
// Snapshot: what a daemon shows of itself at one moment, as tables. Every view is made of it and of
// nothing else: /metrics, JSON status, `zmq top`, the console, the counters in the log. So a number
// has one name everywhere, and a column is added in one place. An immutable value: made by the
// daemon's loop, read by any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::admin {

// A number of each row. What the columns of a table are is fixed at compile time.
struct Column {
    enum class Kind : std::uint8_t { counter, gauge };
    enum class Unit : std::uint8_t { count, bytes, seconds, flag };

    const char* name; // "ready": JSON, `zmq top`, console, log
    Kind kind;
    Unit unit;
    const char* metric;      // "flotilla_queue_messages"; counters end in _total; or "": none
    const char* label_name;  // further label of the metric, or "": "state"
    const char* label_value; // "ready"
    const char* help;        // one sentence
};

struct Row {
    std::string name{};               // of the queue, service, relay, door
    std::vector<std::string> texts{}; // one for each text column
    std::vector<double> values{};     // one for each column; integers are exact to 2^53
};

struct Table {
    std::string kind{};                      // "queue": also the label that names the row
    std::vector<std::string> text_columns{}; // "kind", "endpoints", "state"
    std::vector<Column> columns{};
    std::vector<Row> rows{};    // by name
    std::uint64_t left_out = 0; // rows that did not fit in this snapshot

    // Objects that come and go have none.
    bool has_metrics() const;
};

struct Histogram {
    std::string metric{}; // "flotilla_store_commit_seconds"
    std::string help{};
    std::vector<double> bounds{};        // upper ones, ascending; +Inf follows
    std::vector<std::uint64_t> counts{}; // not cumulative; one more than bounds
    double sum = 0;
};

enum class State : std::uint8_t { starting, ready, not_ready, draining, stopped };
std::string_view name(State state) noexcept; // "not_ready"
std::string_view name(Column::Kind kind) noexcept;
std::string_view name(Column::Unit unit) noexcept;

struct Snapshot {
    std::string program{};  // "flotilla-store"
    std::string instance{}; // setting `instance`; the program's name by default
    std::string version{};
    std::int64_t process = 0;    // its number
    std::int64_t started_ms = 0; // since 1970
    std::int64_t taken_ms = 0;
    State state = State::starting;
    std::vector<std::string> not_ready{}; // why, each a sentence: "draining", "short of disk: ..."
    std::vector<std::string> warnings{};  // it does its work, but somebody has to look; the same
    std::vector<std::string> endpoints{};

    Table totals{};               // one row: the whole program
    std::vector<Table> objects{}; // queues, doors; services, workers; relays; connections
    std::vector<Histogram> histograms{};
};

} // namespace flotilla::admin
