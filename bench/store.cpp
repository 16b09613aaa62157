// SPDX-License-Identifier: Apache-2.0
// flotilla_bench_store: Store::commit of turns as the queue engine makes them, against write and
// fdatasync of the same bytes in the same run. docs/performance.md says how to read it.
#include <flotilla/queue/engine/keys.hpp>
#include <flotilla/queue/engine/lmdb_store.hpp>
#include <flotilla/queue/engine/record.hpp>
#include <flotilla/wire/pack.hpp>

#include <command_line/program.hpp>
#include <command_line/values.hpp>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::queue;

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "flotilla_bench_store: %s\n", why.c_str());
    std::exit(1);
}

double cpu_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

struct Shape {
    const char* what;
    std::size_t turn_messages;
    std::size_t body_bytes;
    std::size_t turns;
    std::size_t backlog_turns; // messages are erased so many turns later; 0: never
};

struct Figures {
    double messages_per_second = 0;
    double turn_us = 0; // median
    double cpu_us_per_message = 0;
};

template <class Turn>
Figures run(const Shape& shape, Turn&& turn) {
    std::vector<double> turns;
    turns.reserve(shape.turns);
    const double cpu = cpu_seconds();
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < shape.turns; ++i) {
        const auto from = Clock::now();
        turn(i);
        turns.push_back(std::chrono::duration<double, std::micro>(Clock::now() - from).count());
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    const auto messages = static_cast<double>(shape.turns * shape.turn_messages);
    return {messages / seconds, median(turns), (cpu_seconds() - cpu) * 1e6 / messages};
}

// A turn's puts, as the engine makes them: full blocks, and the queue's state.
class Turns {
public:
    explicit Turns(const Shape& shape) : shape_(shape) {
        body_.u16(1).long_bytes(std::string(shape.body_bytes, 'b'));
        record_.push_back('\0');
        record_.append(body_.view());
    }
    const Mutations& make(std::size_t turn) {
        mutations_.clear();
        Position at = turn * shape_.turn_messages;
        for (std::size_t left = shape_.turn_messages; left > 0; --left, ++at) {
            if (!writer_.has_room(record_.size()))
                finish();
            if (writer_.empty())
                first_ = at;
            writer_.add_raw(record_, 1);
        }
        finish();
        made_.push_back(std::move(keys_));
        keys_.clear();
        if (shape_.backlog_turns > 0 && turn >= shape_.backlog_turns)
            for (std::string& key : made_[turn - shape_.backlog_turns])
                mutations_.erase(Table::block, std::move(key));
        wire::Writer state;
        state.u8(1).u64(at).bytes(std::string(150, 's'));
        mutations_.put(Table::queue, queue_key(1) + "s", seal(state.take()));
        return mutations_;
    }

private:
    void finish() {
        keys_.push_back(block_key(1, 0, first_));
        mutations_.put(Table::block, keys_.back(), writer_.finish({.wall_ms = 1, .expiry_ms = 0}));
    }
    Shape shape_;
    wire::Writer body_{};
    std::string record_{};
    BlockWriter writer_{};
    Position first_ = 0;
    Mutations mutations_{};
    std::vector<std::string> keys_{};
    std::vector<std::vector<std::string>> made_{};
};

Figures raw(const Shape& shape, const fs::path& directory) {
    const fs::path path = directory / "raw";
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor < 0)
        give_up("cannot make " + path.string());
    Turns turns(shape);
    std::string bytes;
    off_t end = 0;
    const off_t recycled = static_cast<off_t>(std::max<std::size_t>(shape.backlog_turns, 1)) *
                           static_cast<off_t>(turns.make(0).bytes() + 4096);
    const Figures figures = run(shape, [&](std::size_t turn) {
        bytes.clear();
        for (const Mutations::Change& change : turns.make(turn + 1).changes())
            bytes.append(change.key).append(change.value);
        if (shape.backlog_turns > 0 && end > recycled)
            end = 0;
        if (::pwrite(descriptor, bytes.data(), bytes.size(), end) !=
                static_cast<ssize_t>(bytes.size()) ||
            ::fdatasync(descriptor) != 0)
            give_up("cannot write " + path.string());
        end += static_cast<off_t>(bytes.size());
    });
    ::close(descriptor);
    fs::remove(path);
    return figures;
}

Figures ours(const Shape& shape, const fs::path& directory, const LmdbOptions& options) {
    const fs::path path = directory / "store";
    Figures figures;
    {
        auto store = LmdbStore::open(path, options);
        if (!store)
            give_up(to_string(store.error()));
        Turns turns(shape);
        figures = run(shape, [&](std::size_t turn) {
            if (const auto committed = (*store)->commit(turns.make(turn)); !committed)
                give_up(to_string(committed.error()));
            (*store)->housekeep(); // as the engine does
        });
    }
    fs::remove_all(path);
    return figures;
}

void compare(const Shape& shape, const fs::path& directory, const LmdbOptions& options, int pairs) {
    std::vector<double> raw_rates, rates, ratios, raw_turns, turns, raw_cpu, cpu;
    for (int pair = 0; pair < pairs; ++pair) {
        const Figures base = raw(shape, directory);
        const Figures mine = ours(shape, directory, options);
        raw_rates.push_back(base.messages_per_second);
        rates.push_back(mine.messages_per_second);
        ratios.push_back(mine.messages_per_second / base.messages_per_second);
        raw_turns.push_back(base.turn_us);
        turns.push_back(mine.turn_us);
        raw_cpu.push_back(base.cpu_us_per_message);
        cpu.push_back(mine.cpu_us_per_message);
    }
    const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
    std::printf("%-34s %10.0f %10.0f  %5.2f (%.2f-%.2f) %9.1f %9.1f %8.3f %8.3f\n", shape.what,
                median(raw_rates), median(rates), median(ratios), *least, *most, median(raw_turns),
                median(turns), median(raw_cpu), median(cpu));
    std::fflush(stdout);
}

// Reading a backlog through, with checksums, as a drain does.
void drain(const fs::path& directory, const LmdbOptions& options, std::size_t body_bytes) {
    const Shape shape{"", 20'000, body_bytes, 2'000'000 / 20'000, 0};
    const fs::path path = directory / "store";
    {
        auto store = LmdbStore::open(path, options);
        if (!store)
            give_up(to_string(store.error()));
        Turns turns(shape);
        for (std::size_t turn = 0; turn < shape.turns; ++turn)
            if (!(*store)->commit(turns.make(turn)))
                give_up("cannot fill the store");
        BlockReader block;
        std::uint64_t messages = 0;
        std::uint64_t bytes = 0;
        const auto begin = Clock::now();
        std::string at;
        for (bool more = true; more;) {
            const auto snapshot = (*store)->read();
            if (!snapshot)
                give_up(to_string(snapshot.error()));
            for (int i = 0; i < 64; ++i) { // a turn's worth
                const auto entry = (*snapshot)->at_or_after(Table::block, at);
                if (!entry || !*entry || !block.open((*entry)->value)) {
                    more = false;
                    break;
                }
                for (std::size_t index = 0; index < block.count(); ++index)
                    bytes += block[index].body_bytes;
                messages += block.count();
                at.assign((*entry)->key).push_back('\0');
            }
        }
        const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
        std::printf("%-34s %10s %10.0f  %.0f MB/s\n",
                    ("read through, " + std::to_string(body_bytes) + " B").c_str(), "",
                    static_cast<double>(messages) / seconds,
                    static_cast<double>(bytes) / seconds / 1e6);
    }
    fs::remove_all(path);
}

} // namespace

int main(int argc, char** argv) {
    command_line::Parser parser{
        "Measures commits of the queue store against write and fdatasync of the same "
        "bytes, in pairs.",
        "flotilla_bench_store"};
    std::uint64_t pairs = 5;
    std::string directory = ".";
    std::string only;
    std::uint64_t ahead_mib = LmdbOptions{}.write_ahead_bytes >> 20;
    bool is_brief = false;
    add_count(parser, "--pairs", pairs, {1, 1'000}, "pairs that count for each figure [5]");
    parser.add_option("--directory", directory, "where to write: a disk that syncs, not a tmpfs");
    parser.add_option("--only", only, "part of a line");
    add_count(parser, "--write-ahead", ahead_mib, {0, 1'000'000},
              "MiB of zeros ahead [" + std::to_string(ahead_mib) + "]");
    parser.add_flag("--brief", is_brief, "a tenth of the turns: shows that it runs, not how fast");
    if (const auto ended = command_line::read_words(parser, argc, argv))
        return static_cast<int>(*ended);
    LmdbOptions options;
    options.write_ahead_bytes = ahead_mib << 20;
    std::printf("%-34s %10s %10s  %17s %9s %9s %8s %8s\n", "turns of", "raw /s", "ours /s",
                "ratio (min-max)", "raw us", "ours us", "raw CPU", "ours CPU");
    Shape shapes[] = {
        {"1 x 100 B, growing", 1, 100, 2'000, 0},
        {"1 x 100 B, reused", 1, 100, 2'000, 100},
        {"100 x 100 B, growing", 100, 100, 1'000, 0},
        {"1,000 x 100 B, growing", 1'000, 100, 500, 0},
        {"10,000 x 100 B, growing", 10'000, 100, 200, 0},
        {"10,000 x 100 B, reused", 10'000, 100, 200, 20},
        {"40,000 x 100 B, growing", 40'000, 100, 50, 0},
        {"1,000 x 1 KiB, growing", 1'000, 1'024, 300, 0},
        {"1,000 x 1 KiB, reused", 1'000, 1'024, 300, 20},
        {"16 x 64 KiB, growing", 16, 65'536, 200, 0},
        {"16 x 64 KiB, reused", 16, 65'536, 200, 20},
    };
    for (Shape& shape : shapes) {
        if (std::string(shape.what).find(only) == std::string::npos)
            continue;
        shape.turns = is_brief ? shape.turns / 10 : shape.turns;
        compare(shape, directory, options, is_brief ? 1 : static_cast<int>(pairs));
    }
    if (only.empty() || only == "read") {
        drain(directory, options, 100);
        drain(directory, options, 1'024);
    }
    return 0;
}
