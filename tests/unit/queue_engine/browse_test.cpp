// SPDX-License-Identifier: Apache-2.0
#include "desk.hpp"

#include <flotilla/queue/engine/browse.hpp>
#include <flotilla/queue/engine/expiry_index.hpp>

using namespace flotilla;
using namespace flotilla::queue;
using desk::Bench;

TEST_CASE("expiry: what is over leaves, what is leased or not over stays", "[unit][queue]") {
    Bench its;
    its.put_block(1, 0, 1, 10, 10'000, 15'000);
    its.put_block(1, 0, 11, 10, 10'000, 1'000'000);
    its.put_block(1, 0, 21, 10);
    its.commit();
    for (const Position first : {1U, 11U, 21U}) {
        BlockReader reader;
        const auto snapshot = its.read();
        const auto value = snapshot->get(Table::block, block_key(1, 0, first));
        REQUIRE(reader.open(**value));
        const ExpiryVisits visits = ExpiryVisits::of(reader);
        CHECK(visits.empty() == (first == 21));
        visits.write(its.mutations, {1, 0, first});
    }
    its.commit();
    CHECK(its.rows(Table::expiry) == 2);
    its.host.gone = {3};
    const auto reap = [&](std::int64_t wall_ms) {
        TurnBudget budget;
        REQUIRE(reap_expired(*its.read(), its.mutations, its.host, wall_ms, budget,
                             [&](const Waiting& message) {
                                 CHECK(message.record.expiry_ms <= wall_ms);
                                 return its.host.leave(*its.read(), message, Leaving::expired);
                             }));
        its.commit();
    };
    const auto next = next_expiry_visit(*its.read());
    REQUIRE(next);
    REQUIRE(*next);
    CHECK(**next > 15'000);
    CHECK(**next <= 17'000);
    reap(15'000);
    CHECK(its.host.left.empty());
    reap(**next);
    CHECK(its.host.left.size() == 9);
    CHECK(its.rows(Table::expiry) == 1);
    // A block that is finished takes its visits with it.
    ExpiryVisits visits;
    visits.add(1'000'000, 10'000);
    visits.erase(its.mutations, {1, 0, 11});
    its.commit();
    CHECK(its.rows(Table::expiry) == 0);
    CHECK_FALSE(*next_expiry_visit(*its.read()));
}

TEST_CASE("expiry: a block has few visits, however its messages' times differ", "[unit][queue]") {
    desk::Desk its;
    ExpiryVisits visits;
    for (std::int64_t left = 1; left < 315'000'000'000; left = left * 101 / 100 + 1)
        visits.add(1'000'000 + left, 1'000'000);
    visits.write(its.mutations, {1, 0, 1});
    CHECK(its.mutations.changes().size() < 300);
}

TEST_CASE("browse: names by prefix, page by page", "[unit][queue]") {
    Bench its;
    for (int i = 0; i < 25; ++i)
        its.mutations.put(Table::name, "orders." + std::to_string(100 + i),
                          queue_key(static_cast<QueueId>(i)));
    its.mutations.put(Table::name, "other", queue_key(99));
    its.mutations.put(Table::name, "a", queue_key(98));
    its.commit();
    List list{"orders.", "", 10};
    std::vector<std::string> names;
    int pages = 0;
    do {
        const auto page = list_names(*its.read(), list);
        REQUIRE(page);
        for (const auto& [name, id] : page->queues)
            names.push_back(name);
        list.after = page->next;
        ++pages;
    } while (!list.after.empty() && pages < 10);
    CHECK(pages == 3);
    CHECK(names.size() == 25);
    CHECK(names.front() == "orders.100");
    CHECK(names.back() == "orders.124");
    CHECK(list_names(*its.read(), {"", "", 1000})->queues.size() == 27);
    CHECK(list_names(*its.read(), {"zzz", "", 1000})->queues.empty());
}

TEST_CASE("browse: ready messages page by page, each once, without touching them",
          "[unit][queue]") {
    Bench its;
    for (Position first = 1; first < 100; first += 10)
        its.put_block(1, static_cast<Lane>(first / 10 % 2), first, 10);
    its.commit();
    its.host.gone = {50, 51};
    Peek peek{"q", false, "", 7};
    std::vector<MessageId> ids;
    int pages = 0;
    do {
        const auto page = peek_ready(*its.read(), its.host, 1, 2, peek);
        REQUIRE(page);
        for (const auto& message : page->messages) {
            ids.push_back(message.id);
            REQUIRE(message.body.size() == 1);
            CHECK(message.body[0].view() == std::to_string(message.id));
            CHECK(message.info.find("put_ms=1000\n") != std::string::npos);
        }
        peek.after = page->next;
        ++pages;
    } while (!peek.after.empty() && pages < 50);
    CHECK(ids.size() == 98);
    CHECK(std::is_sorted(ids.begin(), ids.end()));
    CHECK(pages <= 15);
    peek.after = "nonsense";
    CHECK(peek_ready(*its.read(), its.host, 1, 2, peek).error().code == Errc::bad_option);
    CHECK(peek_ready(*its.read(), its.host, 7, 2, {"q", false, "", 7})->messages.empty());
}

TEST_CASE("browse: delayed messages page by page, each once", "[unit][queue]") {
    Bench its;
    for (MessageId id = 1; id <= 40; ++id) {
        its.delay(its.wall + 1000 * static_cast<std::int64_t>(id % 5 + 1), id);
        its.delay(its.wall + 1000 * static_cast<std::int64_t>(id % 5 + 1), id, 7);
    }
    Peek peek{"q", true, "", 3};
    std::set<MessageId> ids;
    int pages = 0;
    do {
        const auto page = peek_delayed(*its.read(), 1, peek);
        REQUIRE(page);
        for (const auto& message : page->messages) {
            CHECK(ids.insert(message.id).second);
            CHECK(message.info.find("due_ms=") != std::string::npos);
        }
        peek.after = page->next;
        ++pages;
    } while (!peek.after.empty() && pages < 50);
    CHECK(ids.size() == 40);
    for (const std::string_view after : {"x", "1-2", "1-2-3-4", "--", "-1-2-3"}) {
        peek.after = after;
        CHECK(peek_delayed(*its.read(), 1, peek).error().code == Errc::bad_option);
    }
}
