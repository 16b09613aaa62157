// SPDX-License-Identifier: Apache-2.0
//
// flotilla_demo FILE RELAY BROKER STORE: sends the lines of FILE through every pattern, between
// processes, and proves by count and checksum that each guarantee held. RELAY, BROKER and STORE are
// the programs flotilla-relay, flotilla-broker and flotilla-store.
#include "role.hpp"
#include "steps.hpp"

#include <flotilla/base/exit_code.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>

namespace {

using namespace flotilla;

int fail_with(const std::string& what, ExitCode code) {
    std::fprintf(stderr, "flotilla_demo: %s\n", what.c_str());
    return static_cast<int>(code);
}

int play(const demo::Arguments& arguments) {
    const std::map<std::string, std::function<Status(const demo::Arguments&)>> roles{
        {"push", demo::run_push},       {"pull", demo::run_pull},
        {"publish", demo::run_publish}, {"subscribe", demo::run_subscribe},
        {"source", demo::run_source},   {"worker", demo::run_worker},
        {"ask", demo::run_ask},         {"serve", demo::run_serve},
        {"put", demo::run_put},         {"drain", demo::run_drain},
    };
    const auto role = roles.find(arguments["role"]);
    if (role == roles.end())
        return fail_with("there is no role '" + arguments["role"] + "'", ExitCode::usage);
    const Status played = role->second(arguments);
    return played ? 0 : fail_with(to_string(played.error()), exit_code(played.error().code));
}

// A folder that goes with the demo. Short: an ipc endpoint has at most 107 bytes.
class Scratch {
public:
    Scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "flotilla-XXXXXX").string();
        if (!::mkdtemp(name.data()))
            throw std::filesystem::filesystem_error(
                "mkdtemp", name, std::error_code(errno, std::generic_category()));
        path_ = name;
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() {
        std::error_code ignored; // what is left is in the system's folder for such things
        std::filesystem::remove_all(path_, ignored);
    }
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

std::string rate_of(const demo::Outcome& outcome) {
    if (outcome.seconds <= 0)
        return "-";
    return std::to_string(
        static_cast<std::uint64_t>(static_cast<double>(outcome.messages) / outcome.seconds));
}

int run(const std::string& file, const std::string& relay, const std::string& broker,
        const std::string& store) {
    const auto lines = demo::Lines::read(file);
    if (!lines)
        return fail_with(to_string(lines.error()), ExitCode::usage);
    const Scratch scratch;
    const demo::Setting setting{std::filesystem::read_symlink("/proc/self/exe").string(),
                                relay,
                                broker,
                                store,
                                std::filesystem::absolute(file).string(),
                                scratch.path()};
    std::printf("%s: %llu lines, %llu bytes\n\n", file.c_str(),
                static_cast<unsigned long long>(lines->size()),
                static_cast<unsigned long long>(lines->bytes()));
    const char* row = "%-42s %10s %10s %9s %10s  %s\n";
    std::printf(row, "link", "messages", "a second", "lost", "repeated", "verdict");
    bool kept = true;
    for (const auto step : demo::steps()) {
        const demo::Outcome outcome = step(setting);
        std::printf(row, outcome.name.c_str(), std::to_string(outcome.messages).c_str(),
                    rate_of(outcome).c_str(), std::to_string(outcome.tally.lost).c_str(),
                    std::to_string(outcome.tally.duplicated).c_str(), outcome.verdict.c_str());
        std::fflush(stdout);
        kept = kept && outcome.kept;
    }
    std::printf("\n%s\n", kept ? "Every guarantee held." : "A GUARANTEE WAS BROKEN.");
    return static_cast<int>(kept ? ExitCode::ok : ExitCode::runtime_error);
}

} // namespace

int main(int count, char** texts) {
    try {
        if (count > 1 && std::string(texts[1]).rfind("role=", 0) == 0) {
            const auto arguments = demo::Arguments::parse(count - 1, texts + 1);
            return arguments ? play(*arguments)
                             : fail_with(to_string(arguments.error()), ExitCode::usage);
        }
        if (count != 5)
            return fail_with("usage: flotilla_demo FILE RELAY BROKER STORE", ExitCode::usage);
        return run(texts[1], texts[2], texts[3], texts[4]);
    } catch (const std::exception& problem) {
        return fail_with(problem.what(), ExitCode::runtime_error);
    }
}
