// SPDX-License-Identifier: Apache-2.0
//
// FakeAdministered: a store that is played: many queues whose figures move with every look, dead
// letters that can be browsed, redriven and purged. For tests of what is in front of a daemon.
#pragma once

#include <flotilla/net/system.hpp>

#include <admin/administered.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace flotilla::admin::test {

inline std::string padded(std::size_t number) {
    const std::string digits = std::to_string(number);
    return std::string(digits.size() < 4 ? 4 - digits.size() : 0, '0') + digits;
}

class FakeAdministered final : public Administered {
public:
    explicit FakeAdministered(std::size_t queues) : queues_(queues) {
        for (std::size_t i = 0; i < queues; ++i)
            dead_.emplace_back(i % 7);
    }

    State state = State::ready;
    std::vector<std::string> not_ready{};

    Snapshot snapshot(const Wanted& wanted) const override {
        ++looks_;
        Snapshot all;
        all.program = "flotilla-store";
        all.instance = "fake";
        all.version = "0.1.0";
        all.process = 4711;
        all.started_ms = 1'700'000'000'000;
        all.taken_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                           net::wall_now().time_since_epoch())
                           .count();
        all.state = state;
        all.not_ready = not_ready;
        all.endpoints = {"tcp://127.0.0.1:5560"};
        all.totals = totals();
        all.objects.push_back(queues(wanted));
        all.histograms.push_back({"flotilla_store_commit_seconds",
                                  "Time of a commit to disk",
                                  {0.0001, 0.001, 0.01, 0.1},
                                  {looks_, 2 * looks_, looks_ / 2, 1, 0},
                                  0.003 * static_cast<double>(looks_)});
        return all;
    }

    void obey(const Order& order, std::function<void(Answer)> answered) override {
        orders.push_back(order);
        answered(answer(order));
    }

    std::vector<Order> orders{};

private:
    using Kind = Column::Kind;
    using Unit = Column::Unit;

    static std::string name_of(std::size_t queue) { return "queue-" + padded(queue); }

    Table totals() const {
        Table table;
        table.kind = "store";
        table.columns = {{"commits", Kind::counter, Unit::count, "flotilla_store_commits_total", "",
                          "", "Commits to disk"},
                         {"sessions", Kind::gauge, Unit::count, "flotilla_store_sessions", "", "",
                          "Consumers with a session"},
                         {"full", Kind::gauge, Unit::flag, "flotilla_store_full", "", "",
                          "1 while puts are refused for want of room"}};
        table.rows = {{"fake", {}, {static_cast<double>(looks_ * 40), 12, 0}}};
        return table;
    }

    Table queues(const Wanted& wanted) const {
        Table table;
        table.kind = "queue";
        table.text_columns = {"order", "durability", "dead_letter_queue"};
        table.columns = {{"ready", Kind::gauge, Unit::count, "flotilla_queue_messages", "state",
                          "ready", "Messages in the queue"},
                         {"delayed", Kind::gauge, Unit::count, "flotilla_queue_messages", "state",
                          "delayed", "Messages in the queue"},
                         {"leased", Kind::gauge, Unit::count, "flotilla_queue_messages", "state",
                          "leased", "Messages in the queue"},
                         {"bytes", Kind::gauge, Unit::bytes, "flotilla_queue_bytes", "", "",
                          "Bytes of the messages in the queue"},
                         {"consumers", Kind::gauge, Unit::count, "flotilla_queue_consumers", "", "",
                          "Consumers of the queue"},
                         {"lag", Kind::gauge, Unit::seconds, "flotilla_queue_oldest_age_seconds",
                          "", "", "Age of the oldest ready message"},
                         {"accepted", Kind::counter, Unit::count, "flotilla_queue_accepted_total",
                          "", "", "Messages accepted"},
                         {"finished", Kind::counter, Unit::count, "flotilla_queue_finished_total",
                          "", "", "Messages finished"}};
        if (!wanted.kind.empty() && wanted.kind != table.kind)
            return table;
        for (std::size_t i = 0; i < queues_ && wanted.rows_max > 0; ++i) {
            const std::string name = name_of(i);
            if (!name.starts_with(wanted.prefix) || name <= wanted.after)
                continue;
            if (table.rows.size() == wanted.rows_max) {
                ++table.left_out;
                continue;
            }
            const auto ready = static_cast<double>(dead_[i] + (i * looks_) % 50);
            const auto moved = static_cast<double>(looks_ * (i + 1));
            table.rows.push_back(
                {name,
                 {i % 3 == 0 ? "plain" : "key", "fsync", i % 5 == 0 ? "dead" : ""},
                 {ready, static_cast<double>(i % 3), static_cast<double>(i % 4), ready * 100,
                  static_cast<double>(i % 2), ready / 10, moved, moved - ready}});
        }
        return table;
    }

    std::size_t index(const Order& order) const {
        const auto named = order.arguments.find("queue");
        for (std::size_t i = 0; i < queues_ && named != order.arguments.end(); ++i)
            if (name_of(i) == named->second)
                return i;
        return queues_;
    }

    static std::string about(std::size_t id) {
        const std::string number = std::to_string(id);
        return R"({"id":")" + number +
               R"(","bytes":12,"priority":0,"key":"","attempts":16,"enqueued_ms":1700000000000,)"
               R"("due_ms":0,"redelivered":true,"note":{"origin":"orders","origin_id":")" +
               number + R"(","reason":"attempts","text":"no <such> customer"})";
    }

    Answer browse(std::size_t queue) const {
        std::string messages;
        for (std::size_t id = 1; id <= dead_[queue]; ++id)
            messages += (messages.empty() ? "" : ",") + about(id) + "}";
        return {200, R"({"messages":[)" + messages + R"(],"next":""})"};
    }

    Answer answer(const Order& order) {
        if (order.verb == "drain" || order.verb == "reload")
            return {200, order.verb == "drain" ? R"({"deadline_ms":5000})" : R"({"changed":[]})"};
        const std::size_t queue = index(order);
        if (order.verb != "browse" && order.verb != "message" && order.verb != "purge" &&
            order.verb != "redrive" && order.verb != "kick")
            return {501, R"({"error":"unsupported","why":"a store has no such verb"})"};
        if (queue == queues_)
            return {404, R"({"error":"not_found","why":"there is no such queue"})"};
        if (order.verb == "browse")
            return browse(queue);
        if (order.verb == "message")
            return {200, about(1) +
                             R"(,"headers":{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-)"
                             R"(b7ad6b7169203331-01"},)"
                             R"("parts":[{"text":"{\"order\": 17}"},{"base64":"AAEC"}]})"};
        const std::size_t moved = order.verb == "kick" ? 1 : std::exchange(dead_[queue], 0);
        return {200, R"({"messages":)" + std::to_string(moved) + "}"};
    }

    std::size_t queues_;
    std::vector<std::size_t> dead_{};
    mutable std::uint64_t looks_ = 0;
};

} // namespace flotilla::admin::test
