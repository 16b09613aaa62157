// SPDX-License-Identifier: Apache-2.0
// kill -9 at any moment: every turn that was reported is there, none is there by half.
#include <store/queue/lmdb_faults.hpp>
#include <store/queue/subject.hpp>
#include <support/catch.hpp>
#include <support/seed.hpp>
#include <unistd.h>

#include <random>

using namespace flotilla;
using namespace flotilla::test;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kept = 12; // turns whose rows are there at a time

std::string filling(std::uint64_t turn, std::uint64_t row) {
    // From rows beside others in a page to rows with pages of their own; most turns small enough
    // for the journal, some not.
    const std::uint64_t most = turn % 7 == 0 && row == 0 ? 150'000 : turn % 5 == 0 ? 3'000 : 200;
    const std::size_t bytes = 1 + (turn * 7919 + row * 104'729) % most;
    return seal(std::string(bytes, static_cast<char>('a' + turn % 26)));
}

// Rows in several tables for each turn; those of an old turn go.
Mutations changes(std::uint64_t turn) {
    Mutations mutations;
    wire::Writer number;
    number.u64(turn);
    mutations.put(Table::meta, "turn", seal(number.take()));
    for (std::uint64_t row = 0; row < 6; ++row) {
        const auto table = static_cast<Table>(3 + row);
        mutations.put(table, block_key(1, static_cast<Lane>(row), turn), filling(turn, row));
        if (turn > kept)
            mutations.erase(table, block_key(1, static_cast<Lane>(row), turn - kept));
    }
    return mutations;
}

std::uint64_t last_turn(const Store& store) {
    const auto value = value_at(store, Table::meta, "turn");
    if (!value)
        return 0;
    const auto row = unseal(*value);
    REQUIRE(row);
    return wire::Reader(*row).u64();
}

// Commits turn after turn, and says each number once it is committed.
[[noreturn]] void write_for_ever(const fs::path& path, int report) {
    auto store = LmdbStore::open(path, small_store());
    if (!store)
        ::_exit(2);
    for (std::uint64_t turn = last_turn(**store) + 1;; ++turn) {
        if (!(*store)->commit(changes(turn)))
            ::_exit(3);
        if (turn % 5 == 0)
            (*store)->housekeep();
        if (::write(report, &turn, sizeof turn) != sizeof turn)
            ::_exit(4);
    }
}

} // namespace

TEST_CASE(
    "whenever a store's process is killed, its turns are there whole up to the last one told") {
    const std::uint64_t seed = test::seed(11);
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    ScratchFolder folder;
    const fs::path path = folder.path() / "data";
    std::uint64_t told = 0;
    for (int round = 0; round < 25; ++round) {
        int pipe[2];
        REQUIRE(::pipe(pipe) == 0);
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            ::close(pipe[0]);
            write_for_ever(path, pipe[1]);
        }
        ::close(pipe[1]);
        // Killed after some turns and a moment of any length into the next.
        const std::uint64_t turns = 1 + random() % 40;
        std::uint64_t turn = 0;
        for (std::uint64_t i = 0; i<turns&& ::read(pipe[0], &turn, sizeof turn)> 0; ++i)
            told = turn;
        volatile std::uint64_t moment = random() % 400'000;
        while (moment > 0)
            moment = moment - 1;
        ::kill(child, SIGKILL);
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE(WIFSIGNALED(status));
        while (::read(pipe[0], &turn, sizeof turn) == sizeof turn)
            told = turn;
        ::close(pipe[0]);

        const auto store = LmdbStore::open(path, small_store());
        REQUIRE(store);
        const std::uint64_t last = last_turn(**store);
        INFO("round " << round << ": told " << told << ", found " << last);
        REQUIRE(last >= told);
        REQUIRE(last <= told + 1);
        for (std::uint64_t row = 0; row < 6; ++row) {
            const auto table = static_cast<Table>(3 + row);
            CHECK(rows_in(**store, table) == std::min(last, kept));
            for (std::uint64_t t = last > kept ? last - kept + 1 : 1; t <= last; ++t)
                REQUIRE(value_at(**store, table, block_key(1, static_cast<Lane>(row), t)) ==
                        filling(t, row));
        }
    }
    CHECK(told > 25);
}
