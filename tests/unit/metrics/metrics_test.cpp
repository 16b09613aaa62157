// SPDX-License-Identifier: Apache-2.0
//
// The metrics of all daemons as their exposition names them, beside docs/metrics.md, the dashboard
// and the alert rules, which are written by hand.
#include <admin/common.hpp>
#include <admin/connections.hpp>
#include <admin/exposition.hpp>
#include <broker/columns.hpp>
#include <relay/columns.hpp>
#include <store/columns.hpp>
#include <support/catch.hpp>

#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace flotilla;

namespace {

struct Family {
    std::string type{};
    std::string help{};
    std::set<std::string> labels{};
};
using Families = std::map<std::string, Family>;

const std::set<std::string> samples{"_bucket", "_sum", "_count"};

std::string base(const Families& families, const std::string& name) {
    for (const std::string& end : samples)
        if (name.ends_with(end) && families.count(name.substr(0, name.size() - end.size())) > 0)
            return name.substr(0, name.size() - end.size());
    return name;
}

// Reads a page as Prometheus does, as far as its names go.
void read(const std::string& page, Families& families) {
    std::istringstream lines(page);
    static const std::regex head("# (HELP|TYPE) ([a-z_]+) (.*)");
    static const std::regex sample("([a-z_]+)(?:\\{(.*)\\})? .*");
    static const std::regex label("([a-z_]+)=\"");
    std::smatch match;
    for (std::string line; std::getline(lines, line);) {
        if (std::regex_match(line, match, head)) {
            Family& family = families[match[2]];
            (match[1] == "HELP" ? family.help : family.type) = match[3];
        } else if (std::regex_match(line, match, sample)) {
            Family& family = families.at(base(families, match[1]));
            const std::string labels = match[2];
            for (std::sregex_iterator at(labels.begin(), labels.end(), label), end; at != end; ++at)
                if ((*at)[1] != "le")
                    family.labels.insert((*at)[1]);
        }
    }
}

void add_row(admin::Table& table) {
    table.rows.push_back({"one", std::vector<std::string>(table.text_columns.size()),
                          std::vector<double>(table.columns.size())});
}

Families exported(admin::Table totals, std::vector<admin::Table> objects,
                  std::vector<admin::Histogram> histograms) {
    admin::Snapshot snapshot;
    add_row(totals);
    snapshot.totals = std::move(totals);
    admin::add_connections(snapshot, {}, {});
    admin::add_common(snapshot, {});
    for (admin::Table& each : objects)
        add_row(each);
    snapshot.objects = std::move(objects);
    snapshot.histograms = std::move(histograms);
    Families families;
    read(admin::totals_text(snapshot), families);
    for (const admin::Table& each : snapshot.objects)
        read(admin::objects_text(snapshot, each.kind), families);
    return families;
}

std::map<std::string, Families> all_daemons() {
    namespace store = store_daemon;
    namespace broker = broker_daemon;
    namespace relay = relay_daemon;
    return {{"store", exported(store::totals_table(),
                               {store::queue_table(), store::door_table(), store::session_table()},
                               store::histograms({}))},
            {"broker",
             exported(broker::totals_table(), {broker::service_table(), broker::worker_table()},
                      broker::histograms({}))},
            {"relay", exported(relay::totals_table(), {relay::relay_table()}, {})}};
}

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    INFO(path);
    REQUIRE(file);
    return {std::istreambuf_iterator<char>(file), {}};
}

// As docs/metrics.md has it: one line a metric.
std::set<std::string> documented_lines() {
    std::map<std::string, std::pair<Family, std::string>> by_name;
    for (const auto& [daemon, families] : all_daemons())
        for (const auto& [name, family] : families) {
            auto& [known, daemons] = by_name[name];
            known.type = family.type;
            known.help = known.help.empty() ? family.help : known.help;
            known.labels.insert(family.labels.begin(), family.labels.end());
            daemons += (daemons.empty() ? "" : ", ") + daemon;
        }
    std::set<std::string> lines;
    for (const auto& [name, about] : by_name) {
        std::string labels;
        for (const std::string& each : about.first.labels)
            labels += (labels.empty() ? "" : ", ") + ("`" + each + "`");
        const std::string daemons = about.second == "broker, relay, store" ? "all" : about.second;
        lines.insert("| `" + name + "` | " + about.first.type + " | " + labels + " | " + daemons +
                     " | " + about.first.help + " |");
    }
    return lines;
}

std::set<std::string> names_used_in(const std::string& text) {
    static const std::regex name("\\b(flotilla|process)_[a-z_]+");
    std::set<std::string> names;
    for (std::sregex_iterator at(text.begin(), text.end(), name), end; at != end; ++at)
        names.insert(at->str());
    return names;
}

} // namespace

TEST_CASE("metrics: names say the unit, counters end in _total, all have a help",
          "[unit][metrics]") {
    for (const auto& [daemon, families] : all_daemons())
        for (const auto& [name, family] : families) {
            INFO(daemon << ": " << name);
            CHECK((name.starts_with("flotilla_") || name.starts_with("process_")));
            CHECK(name.ends_with("_total") == (family.type == "counter"));
            CHECK(family.help.size() > 5);
            CHECK(family.help.back() != '.');
        }
}

TEST_CASE("metrics: a table has each column name once", "[unit][metrics]") {
    for (const admin::Table& table :
         {store_daemon::totals_table(), store_daemon::queue_table(), store_daemon::door_table(),
          store_daemon::session_table(), broker_daemon::totals_table(),
          broker_daemon::service_table(), broker_daemon::worker_table(),
          relay_daemon::totals_table(), relay_daemon::relay_table()}) {
        INFO(table.kind);
        std::set<std::string> names{"name"};
        for (const std::string& each : table.text_columns)
            CHECK(names.insert(each).second);
        for (const admin::Column& each : table.columns) {
            INFO(each.name);
            CHECK(names.insert(each.name).second);
        }
    }
}

TEST_CASE("metrics: docs/metrics.md lists every metric, and no other", "[unit][metrics]") {
    std::set<std::string> listed;
    std::istringstream lines(text_of(std::string(FLOTILLA_SOURCE_FOLDER) + "/docs/metrics.md"));
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with("| `flotilla_") || line.starts_with("| `process_"))
            listed.insert(line);
    const std::set<std::string> expected = documented_lines();
    for (const std::string& line : expected)
        if (listed.count(line) == 0)
            FAIL_CHECK("missing: " << line);
    for (const std::string& line : listed)
        if (expected.count(line) == 0)
            FAIL_CHECK("not (any more) exported: " << line);
}

TEST_CASE("metrics: dashboard and alert rules use only what is exported", "[unit][metrics]") {
    Families all;
    for (auto& [daemon, families] : all_daemons())
        all.insert(families.begin(), families.end());
    std::set<std::string> used;
    for (const char* file :
         {"/packaging/grafana/flotilla.json", "/packaging/prometheus/flotilla.rules.yml"})
        used.merge(names_used_in(text_of(std::string(FLOTILLA_SOURCE_FOLDER) + file)));
    CHECK(used.size() > 30);
    for (const std::string& name : used) {
        INFO(name);
        CHECK(all.count(base(all, name)) == 1);
    }
}

TEST_CASE("metrics: what comes and goes by peers' making has none", "[unit][metrics]") {
    for (const admin::Table& table : {store_daemon::session_table(), broker_daemon::worker_table(),
                                      admin::connection_table({}, {}, Instant{})}) {
        INFO(table.kind);
        CHECK_FALSE(table.has_metrics());
    }
    CHECK(store_daemon::queue_table().has_metrics());
}
