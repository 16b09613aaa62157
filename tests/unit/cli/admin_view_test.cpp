// SPDX-License-Identifier: Apache-2.0
#include "admin_status.hpp"

#include <cli/admin/audit_text.hpp>
#include <cli/admin/drain_watch.hpp>
#include <cli/admin/link.hpp>
#include <cli/admin/quantities.hpp>
#include <cli/admin/status_text.hpp>

using namespace flotilla;
using namespace flotilla::cli;
using namespace flotilla::test;

TEST_CASE("a status is read into tables that know nothing of the daemon", "[unit][cli]") {
    const DaemonView view = view_of({.queues = {{"a", {5, 7}}, {"b", {0, 1}}}, .left_out = 3});
    CHECK(view.program == "flotilla-store");
    CHECK(view.is_ready());
    CHECK(view.totals.kind == "store");
    REQUIRE(view.totals.rows.size() == 1);
    CHECK(view.totals.rows[0].values == std::vector<double>{10, 1536, 3});
    CHECK(view.totals.columns[1].unit == ColumnView::Unit::bytes);
    const TableView* queues = view.objects_of("queue");
    REQUIRE(queues);
    CHECK(queues->text_columns == std::vector<std::string>{"order"});
    CHECK(queues->columns[1].kind == ColumnView::Kind::counter);
    REQUIRE(queues->rows.size() == 2);
    CHECK(queues->rows[0].name == "a");
    CHECK(queues->rows[0].texts == std::vector<std::string>{"plain"});
    CHECK(queues->rows[0].values == std::vector<double>{5, 7});
    CHECK(queues->left_out == 3);
    CHECK(view.objects_of("relay") == nullptr);
}

TEST_CASE("a status that lacks what may be absent is read all the same", "[unit][cli]") {
    const auto view = read_status(R"({"program": "p", "state": "starting", "totals": {"x": 1}})");
    REQUIRE(view);
    CHECK_FALSE(view->is_ready());
    CHECK(view->objects.empty());
    CHECK(view->totals.rows.size() == 1);
    const auto odd = read_status(R"({"program": "p", "state": "ready", "started_ms": "1",
        "columns": {"queue": [1, {"name": "n"}]}, "left_out": {"queue": -4},
        "objects": {"queue": [{"name": 1, "n": "text"}, {}]}})");
    REQUIRE(odd);
    CHECK(odd->started_ms == 0);
    CHECK(odd->objects_of("queue")->left_out == 0);
    CHECK(odd->objects_of("queue")->rows.size() == 2);
}

TEST_CASE("daemons are ready, not all of them, or none answers: three exit codes", "[unit][cli]") {
    const DaemonView ready = view_of({});
    const DaemonView draining = view_of({.state = "draining"});
    CHECK(readiness({&ready, &ready}) == ExitCode::ok);
    CHECK(readiness({&ready, &draining}) == ExitCode::refused);
    CHECK(readiness({&draining}) == ExitCode::refused);
    CHECK(readiness({nullptr, &ready}) == ExitCode::refused);
    CHECK(readiness({nullptr, nullptr}) == ExitCode::nothing);
}

TEST_CASE("what is no status is refused", "[unit][cli]") {
    for (const char* text : {"", "[]", "{", "{}", R"({"program": "p"})", R"({"state": "ready"})",
                             R"({"program": "p", "state": "ready", "objects": {"queue": 1}})",
                             R"({"program": "p", "state": "ready", "objects": {"queue": [1]}})"}) {
        INFO(text);
        const auto view = read_status(text);
        REQUIRE_FALSE(view);
        CHECK(view.error().code == Errc::malformed);
    }
    const std::string deep(100'000, '[');
    CHECK_FALSE(read_status(R"({"program": "p", "state": "ready", "x": )" + deep));
    CHECK_FALSE(read_status(R"({"program": "p", "state": "ready", "x": )" + deep +
                            std::string(deep.size(), ']') + "}"));
    CHECK_FALSE(audit_table(R"({"audit": [{"x": )" + deep + std::string(deep.size(), ']') + "}]}"));
    Json many{{"program", "p"}, {"state", "ready"}};
    many["objects"]["queue"] = Json::array();
    for (std::size_t i = 0; i <= DaemonView::rows_max; ++i)
        many["objects"]["queue"].push_back({{"name", "q"}});
    CHECK(read_status(many.dump()).error().code == Errc::too_many);
}

TEST_CASE("names of others are escaped before they reach a terminal", "[unit][cli]") {
    const DaemonView view = view_of({.instance = "a\x1b[2J", .queues = {{"q\n", {0, 0}}}});
    CHECK(view.instance == "a\\x1b[2J");
    CHECK(view.objects_of("queue")->rows[0].name == "q\\n");
}

TEST_CASE("status shows a line a daemon, and says why one is not ready", "[unit][cli]") {
    const std::vector<Asked> asked{{"ipc://a", view_of({}), {}, {}},
                                   {"ipc://b", view_of({.state = "draining"}), {}, {}},
                                   {"ipc://c", {}, "nobody listens there", {}}};
    CHECK(daemons_table(asked) ==
          "ENDPOINT  PROGRAM         INSTANCE  VERSION  STATE        UP  WHY\n"
          "ipc://a   flotilla-store  orders    0.1.0    ready        1m\n"
          "ipc://b   flotilla-store  orders    0.1.0    draining     1m  draining\n"
          "ipc://c   -               -         -        unreachable  -   nobody listens there\n");
    DaemonView short_of_disk = view_of({});
    short_of_disk.not_ready = {"short of disk"};
    short_of_disk.warnings = {"line 3"};
    CHECK(daemons_table({{"ipc://a", short_of_disk, {}, {}}}).find("short of disk; line 3") !=
          std::string::npos);
    CHECK(daemons_table({{"ipc://a", short_of_disk, {}, {}}}).find("not_ready") !=
          std::string::npos);
}

TEST_CASE("status shows numbers with what they mean, and objects of a kind", "[unit][cli]") {
    const DaemonView view = view_of({.queues = {{"a", {5, 123'456}}}, .left_out = 2});
    CHECK(totals_text(view) == "commits         10  Transactions.\n"
                               "disk_bytes  1.5KiB  Of the data folder.\n"
                               "sessions         3  Consumers with credit.\n");
    CHECK(objects_text(view, "queue") == "QUEUE  ORDER  READY  ACCEPTED\n"
                                         "a      plain      5    123456\n"
                                         "and 2 more\n");
    CHECK(objects_text(view, "relay") == "orders has no objects of kind 'relay'; it has: queue\n");
    const std::string line = status_json(
        {{"ipc://a", view, {}, status_json_of({}).dump()}, {"ipc://c", {}, "no answer", {}}});
    CHECK(line.find(R"({"endpoint":"ipc://a","program":"flotilla-store")") == 0);
    CHECK(line.find("\n{\"endpoint\":\"ipc://c\",\"error\":\"no answer\"}\n") != std::string::npos);
}

TEST_CASE("quantities take little room and say their unit", "[unit][cli]") {
    using Unit = ColumnView::Unit;
    CHECK(compact(0) == "0");
    CHECK(compact(0.25) == "0.25");
    CHECK(compact(12.34) == "12.3");
    CHECK(compact(999) == "999");
    CHECK(compact(999.7) == "1.0k");
    CHECK(compact(1000) == "1.0k");
    CHECK(compact(12'345) == "12.3k");
    CHECK(compact(123'456) == "123k");
    CHECK(compact(1'234'567) == "1.2M");
    CHECK(compact(1536, Unit::bytes) == "1.5KiB");
    CHECK(compact(0.0123, Unit::seconds) == "12.3ms");
    CHECK(compact(0.000'002, Unit::seconds) == "2us");
    CHECK(compact(1, Unit::flag) == "yes");
    CHECK(age_text(59'999) == "59s");
    CHECK(age_text(7'800'000) == "2h 10m");
    CHECK(age_text(86'400'000) == "1d");
    CHECK(age_text(-5) == "0s");
    CHECK(padded("na\xC3\xAFve", 4) == "na\xC3\xAFv");
    CHECK(right("\xC3\xA9", 3) == "  \xC3\xA9");
}

TEST_CASE("a drain ends when the daemon has gone, is replaced, or its deadline is over",
          "[unit][cli]") {
    const Instant began{1h};
    using End = DrainWatch::End;
    DrainWatch watch(view_of({}), began, began + 10s);
    CHECK(watch.end(began) == End::none);
    watch.saw(view_of({.state = "draining", .taken_ms = 62'000}));
    CHECK(watch.progress(began + 3s) == "orders drains for 3s: sessions 3");
    CHECK(watch.end(began + 9s) == End::none);
    CHECK(watch.end(began + 10s) == End::overdue);
    CHECK(watch.summary().find("still there") != std::string::npos);
    watch.disconnected();
    CHECK(watch.end(began + 10s) == End::gone);

    DrainWatch replaced(view_of({}), began, began + 10s);
    replaced.saw(view_of({.started_ms = 61'500}));
    CHECK(replaced.end(began) == End::gone);
    CHECK(replaced.summary() == "orders has gone, and another process took its place");
}

TEST_CASE("a drain that ends says what the last status knew to be unfinished", "[unit][cli]") {
    const Instant began{1h};
    auto json = status_json_of({});
    json["columns"]["store"].push_back(column("leased", "gauge", "count", "Held."));
    for (const int leased : {0, 2}) {
        json["totals"]["leased"] = leased;
        auto view = read_status(json.dump());
        REQUIRE(view);
        DrainWatch watch(*view, began, began + 10s);
        watch.disconnected();
        CHECK(watch.summary() == (leased == 0 ? "orders has gone"
                                              : "orders has gone; its last status, just before, "
                                                "told of leased 2"));
    }
}

TEST_CASE("audit shows whatever members its lines have", "[unit][cli]") {
    const char* answer = R"({"audit": [{"at_ms": 1764000000000, "event": "admin_done",
        "verb": "purge", "who": "token", "object": "a\u001bb"}, {"event": "access_refused"}]})";
    CHECK(audit_table(answer).value() ==
          "AT                    EVENT           VERB   WHO    OBJECT\n"
          "2025-11-24T16:00:00Z  admin_done      purge  token  a\\x1bb\n"
          "-                     access_refused  -      -      -\n");
    CHECK(audit_json(answer).value().find("{\"event\":\"access_refused\"}\n") != std::string::npos);
    CHECK(audit_table(R"({"audit": []})").value() == "nothing was changed or refused\n");
    CHECK_FALSE(audit_table("{}"));
    CHECK_FALSE(audit_table(R"({"audit": [1]})"));
}

TEST_CASE("a number that the daemon does not know is shown as none", "[unit][cli]") {
    const auto view = read_status(R"({"program": "p", "state": "ready", "instance": "p",
        "columns": {"connection": [{"name": "sent_bytes", "kind": "counter", "unit": "bytes"},
                                   {"name": "round_trip", "kind": "gauge", "unit": "seconds"}]},
        "objects": {"connection": [{"name": "c", "sent_bytes": null}]}})");
    REQUIRE(view);
    const std::string text = objects_text(*view, "connection");
    CHECK(text.find("c                    -           -") != std::string::npos);
}

TEST_CASE("a refusal's reason is told, and one too deep to be an answer is not read",
          "[unit][cli]") {
    CHECK(accepted({403, R"({"error":"not_allowed","why":"no token"})"}).error().detail ==
          "403: no token");
    CHECK(accepted({403, R"({"error":"not_allowed"})"}).error().detail == "403: not_allowed");
    const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
    CHECK(accepted({403, R"({"why":"no token","more":)" + deep + "}"}).error().detail == "403");
    CHECK(accepted({403, "no JSON"}).error().detail == "403");
}
