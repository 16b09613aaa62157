// SPDX-License-Identifier: Apache-2.0
#include <admin/exposition.hpp>
#include <admin/json.hpp>
#include <nlohmann/json.hpp>
#include <support/catch.hpp>
#include <support/fake_administered.hpp>

#include <limits>
#include <string>

using namespace flotilla;
using namespace flotilla::admin;
using flotilla::admin::test::FakeAdministered;
using nlohmann::json;

namespace {

bool has_line(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

} // namespace

TEST_CASE("json: a snapshot has its columns, totals, rows and what was left out", "[unit][admin]") {
    FakeAdministered store(5);
    Wanted wanted;
    wanted.rows_max = 2;
    wanted.after = "queue-0000";
    const json shown = json::parse(status_json(store.snapshot(wanted)));
    CHECK(shown["state"] == "ready");
    CHECK(shown["totals_kind"] == "store");
    CHECK(shown["totals"]["commits"] == 40);
    CHECK(shown["columns"]["store"][0]["kind"] == "counter");
    CHECK(shown["text_columns"]["queue"][0] == "order");
    REQUIRE(shown["objects"]["queue"].size() == 2);
    CHECK(shown["objects"]["queue"][0]["name"] == "queue-0001");
    CHECK(shown["objects"]["queue"][0]["order"] == "key");
    CHECK(shown["left_out"]["queue"] == 2);
    CHECK(shown["histograms"][0]["metric"] == "flotilla_store_commit_seconds");
}

TEST_CASE("json: whole numbers stay whole, what is no number is null, bad names spoil nothing",
          "[unit][admin]") {
    FakeAdministered store(1);
    Snapshot snapshot = store.snapshot({});
    Table& queues = snapshot.objects.at(0);
    queues.rows.at(0).name = "bad\xff name";
    queues.rows.at(0).values = {9007199254740992.0, 0.5, std::numeric_limits<double>::infinity()};
    const json row = json::parse(status_json(snapshot))["objects"]["queue"][0];
    CHECK(row["ready"].dump() == "9007199254740992");
    CHECK(row["delayed"] == 0.5);
    CHECK(row["leased"].is_null());
    CHECK(row["name"].get<std::string>().starts_with("bad"));
}

TEST_CASE("json: arguments are a flat object of texts, whole numbers and flags", "[unit][admin]") {
    const auto arguments = parse_arguments(R"({"queue":"orders","messages":10,"delayed":true})");
    REQUIRE(arguments);
    CHECK(arguments->at("queue") == "orders");
    CHECK(arguments->at("messages") == "10");
    CHECK(arguments->at("delayed") == "true");
    CHECK(parse_arguments("")->empty());
    for (const char* bad : {"[]", "7", "{", R"({"a":[1]})", R"({"a":{"b":1}})", R"({"a":null})",
                            R"({"a":1.5})", "\xff", R"({"a":1}x)"}) {
        INFO(bad);
        REQUIRE_FALSE(parse_arguments(bad));
        CHECK(parse_arguments(bad).error().code == Errc::malformed);
    }
    std::string many = "{";
    for (int i = 0; i <= 64; ++i)
        many += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":1";
    CHECK(parse_arguments(many + "}").error().code == Errc::too_many);
    CHECK(parse_arguments(std::string(65 << 10, ' ')).error().code == Errc::too_large);
    std::string deep;
    for (int i = 0; i < 20'000; ++i)
        deep += "{\"a\":";
    CHECK_FALSE(parse_arguments(deep));
}

TEST_CASE("metrics: totals come with histograms, readiness, build and process", "[unit][admin]") {
    FakeAdministered store(5);
    Snapshot snapshot = store.snapshot({});
    const std::string text = totals_text(snapshot);
    CHECK(has_line(text, "# TYPE flotilla_store_commits_total counter"));
    CHECK(has_line(text, "flotilla_store_commits_total 40"));
    CHECK(has_line(text, "flotilla_ready 1"));
    CHECK(has_line(text, "# TYPE flotilla_store_commit_seconds histogram"));
    CHECK(has_line(text, R"(flotilla_store_commit_seconds_bucket{le="+Inf"} 4)"));
    CHECK(has_line(text, "flotilla_store_commit_seconds_count 4"));
    CHECK(text.find("flotilla_build_info{program=\"flotilla-store\"") != std::string::npos);
    CHECK(text.find("process_resident_memory_bytes ") != std::string::npos);
    CHECK(text.find("queue-0001") == std::string::npos);
    snapshot.not_ready = {"short of disk"};
    CHECK(has_line(totals_text(snapshot), "flotilla_ready 0"));
}

TEST_CASE("metrics: objects are told apart by a label of their kind, states by another",
          "[unit][admin]") {
    FakeAdministered store(2);
    Snapshot snapshot = store.snapshot({});
    snapshot.objects.at(0).rows.at(1).name = "a\"b\\c\n\xff";
    snapshot.objects.at(0).left_out = 7;
    const std::string text = objects_text(snapshot, "queue");
    CHECK(text.find(R"(flotilla_queue_messages{queue="queue-0000",state="ready"} )") !=
          std::string::npos);
    CHECK(has_line(text, R"(flotilla_objects_left_out{kind="queue"} 7)"));
    // One family of one name, however many columns share it.
    CHECK(text.find("# TYPE flotilla_queue_messages gauge") ==
          text.rfind("# TYPE flotilla_queue_messages gauge"));
    CHECK(text.find('\xff') == std::string::npos);
}
