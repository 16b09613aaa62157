// SPDX-License-Identifier: Apache-2.0
// flotilla_queue_bench: flotilla-store under the workloads that its peers are measured with, beside
// what the machine allows in the same run. docs/performance.md says how to read it.
#include "workloads.hpp"

#include <command_line/program.hpp>
#include <command_line/values.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::bench;

namespace {

class Table {
public:
    explicit Table(bool as_json) : as_json_(as_json) {
        if (!as_json_)
            std::printf("%-30s %12s %10s %10s %10s %10s\n", "workload", "messages/s", "CPU s/M",
                        "own MiB", "file MiB", "p50 us");
    }
    void add(const std::string& what, const std::vector<Figures>& all) {
        const auto median = [&](auto&& value) {
            std::vector<double> values;
            for (const Figures& each : all)
                values.push_back(value(each));
            std::sort(values.begin(), values.end());
            return values[values.size() / 2];
        };
        const double rate = median([](const Figures& f) { return f.rate(); });
        const double cpu = median([](const Figures& f) { return f.cpu_a_million(); });
        const double own = median([](const Figures& f) { return f.own_mib; });
        const double file = median([](const Figures& f) { return f.file_mib; });
        const double p50 = median([](const Figures& f) { return f.p50_us; });
        if (as_json_)
            std::printf("%s\n", nlohmann::json{{"workload", what},
                                               {"rate", rate},
                                               {"server_cpu_s_per_million", cpu},
                                               {"own_mib", own},
                                               {"file_mib", file},
                                               {"p50_us", p50},
                                               {"repeats", all.size()}}
                                    .dump()
                                    .c_str());
        else
            std::printf("%-30s %12.0f %10.2f %10.1f %10.1f %10.1f\n", what.c_str(), rate, cpu, own,
                        file, p50);
        std::fflush(stdout);
    }

private:
    bool as_json_;
};

std::string size_text(std::size_t bytes) {
    return bytes % 1024 == 0 ? std::to_string(bytes / 1024) + " KiB" : std::to_string(bytes) + " B";
}

// Every workload once, on a fresh store.
void run_round(const std::string& store, const std::string& root, std::uint64_t divisor,
               const std::vector<std::string>& only, std::vector<std::string>& order,
               std::map<std::string, std::vector<Figures>>& results) {
    const auto add = [&](const std::string& what, auto&& measure) {
        const auto is_in = [&](const std::string& part) { return what.find(part) != what.npos; };
        if (!only.empty() && std::none_of(only.begin(), only.end(), is_in))
            return;
        if (results.find(what) == results.end())
            order.push_back(what);
        results[what].push_back(measure());
    };
    struct Size {
        std::size_t bytes;
        std::uint64_t messages;
        std::uint32_t window;
    };
    for (const Size& size :
         {Size{100, 2'000'000, 1'000}, Size{1024, 600'000, 1'000}, Size{64 << 10, 10'000, 100}}) {
        Load load;
        load.bytes = size.bytes;
        load.messages = std::max<std::uint64_t>(size.messages / divisor, 1'000);
        load.window = size.window;
        const std::string text = size_text(size.bytes);
        add("raw append+fdatasync " + text, [&] { return raw_append(root, load); });
        add("raw PUSH/PULL " + text, [&] { return raw_push_pull(load); });
        {
            const Server server(store, root);
            add("publish " + text + ", 1 producer", [&] { return publish(server, "q", load); });
            add("drain " + text, [&] {
                if (!only.empty()) // else it is there already
                    (void)publish(server, "q", load);
                return drain(server, "q", load);
            });
        }
        if (size.bytes <= 1024) {
            const Server server(store, root);
            load.producers = 4;
            add("publish " + text + ", 4 producers", [&] { return publish(server, "q", load); });
            load.producers = 1;
        }
        {
            const Server server(store, root);
            add("end to end " + text, [&] { return end_to_end(server, "q", load); });
        }
    }
    Load lone;
    lone.messages = std::max<std::uint64_t>(3'000 / divisor, 100);
    add("raw echo 100 B", [&] { return raw_echo(lone); });
    add("raw fdatasync 4 KiB", [&] { return raw_sync(root, lone.messages); });
    const Server server(store, root);
    add("lone put 100 B", [&] { return lone_puts(server, "q", lone); });
}

} // namespace

int main(int argc, char** argv) {
    command_line::Parser parser{
        "Measures flotilla-store with the workloads of its peers: publishing with 1000 "
        "unconfirmed, draining with acknowledgements, both at once, and lone puts. "
        "Figures are medians of the repeats; CPU and memory are the store's.",
        "flotilla_queue_bench"};
    std::string store = FLOTILLA_STORE_PROGRAM;
    std::string root = "/var/tmp";
    std::vector<std::string> only;
    std::uint64_t repeats = 3;
    bool as_json = false;
    bool brief = false;
    parser.add_option("--store", store, "the program to measure");
    parser.add_option("--data-root", root, "where its directory is made: a real disk [/var/tmp]");
    parser.add_option("--only", only,
                      "parts of workloads' names: publish, drain, 'end to end', lone");
    add_count(parser, "--repeats", repeats, {1, 1'000}, "times that each is measured [3]");
    parser.add_flag("--brief", brief,
                    "a fiftieth of the messages: shows that it runs, not how fast");
    parser.add_flag("--json", as_json, "JSON lines instead of the table");
    if (const auto ended = command_line::read_words(parser, argc, argv))
        return static_cast<int>(*ended);
    std::vector<std::string> order;
    std::map<std::string, std::vector<Figures>> results;
    for (std::uint64_t i = 0; i < repeats; ++i)
        run_round(store, root, brief ? 50 : 1, only, order, results);
    Table table(as_json);
    for (const std::string& each : order)
        table.add(each, results[each]);
    return order.empty() ? 2 : 0;
}
