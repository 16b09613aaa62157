// SPDX-License-Identifier: Apache-2.0
//
// Daemon: what the administered sides of all daemons have in common: the head of the snapshot, and
// the orders `drain` and `reload`. One thread, the loop's.
#pragma once

#include "admin/administered.hpp"
#include "admin/connections.hpp"
#include "host/serve_loop.hpp"

#include <flotilla/net/endpoint.hpp>

#include <functional>
#include <string>
#include <vector>

namespace flotilla::admin {

class Daemon : public Administered {
public:
    struct Identity {
        std::string program{};  // "flotilla-store"
        std::string instance{}; // setting `instance`
        std::vector<net::Endpoint> endpoints{};
        Gates gates{}; // in front of the listeners
        // host::AccessKeeper::stale_why(); none: never.
        std::function<std::string()> stale_access{};
    };
    // `loop` must outlive it.
    Daemon(Identity identity, host::ServeLoop& loop);

    Snapshot snapshot(const Wanted& wanted) const final;
    void obey(const Order& order, std::function<void(Answer)> answered) final;

protected:
    // What is the daemon's own: totals, objects, histograms, and why it is not ready.
    virtual void show(const Wanted& wanted, Snapshot& snapshot) const = 0;
    // Verbs beside drain and reload.
    virtual void obey_own(const Order& order, std::function<void(Answer)> answered) = 0;
    const std::string& instance() const noexcept { return identity_.instance; }
    const Gates& gates() const noexcept { return identity_.gates; }

private:
    Answer drain();
    Answer reload();
    void add_warnings(Snapshot& snapshot, const std::string& stale_access) const;

    Identity identity_;
    host::ServeLoop& loop_;
    std::int64_t started_ms_;
};

Answer refused(std::uint16_t code, std::string_view error, std::string_view why);
inline Answer unknown_verb() {
    return refused(501, "unsupported", "this daemon has no such verb");
}

// Whether an object of this kind and name belongs on the page that is wanted.
bool is_wanted(const Wanted& wanted, std::string_view kind) noexcept;
// Adds the row when it belongs on the page, or counts it as left out. Rows come by name.
template <class MakeRow>
void add_row(const Wanted& wanted, Table& table, std::string_view name, MakeRow&& make_row) {
    if (!name.starts_with(wanted.prefix) || (!wanted.after.empty() && name <= wanted.after))
        return;
    if (table.rows.size() < wanted.rows_max)
        table.rows.push_back(make_row());
    else
        ++table.left_out;
}

} // namespace flotilla::admin
