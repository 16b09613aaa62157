// SPDX-License-Identifier: Apache-2.0
// What every Store does, whatever it keeps its rows in.
#include <store/queue/subject.hpp>
#include <support/catch.hpp>
#include <support/seed.hpp>

#include <array>
#include <map>
#include <random>

using namespace flotilla;
using namespace flotilla::test;

namespace {

Subject::Kind any_kind() {
    return GENERATE(from_range(Subject::kinds()));
}

std::string text(const Result<std::optional<Entry>>& found) {
    REQUIRE(found);
    if (!*found)
        return "nothing";
    return std::string((*found)->key) + "=" + std::string((*found)->value);
}

} // namespace

TEST_CASE("an empty store has nothing in any table, and room") {
    Subject subject(any_kind());
    const auto store = subject.make();
    CHECK(store->room() > 0);
    const auto snapshot = store->read();
    REQUIRE(snapshot);
    for (std::size_t i = 1; i < tables; ++i) {
        const auto table = static_cast<Table>(i);
        INFO("table " << i);
        REQUIRE((*snapshot)->get(table, "a"));
        CHECK_FALSE(*(*snapshot)->get(table, "a"));
        REQUIRE((*snapshot)->get(table, {}));
        CHECK_FALSE(*(*snapshot)->get(table, {}));
        CHECK(text((*snapshot)->at_or_after(table, {})) == "nothing");
        CHECK(text((*snapshot)->before(table, "\xff")) == "nothing");
        CHECK(text((*snapshot)->before(table, {})) == "nothing");
    }
}

TEST_CASE("a commit is seen by the next snapshot, all of it, in its own tables") {
    Subject subject(any_kind());
    const auto store = subject.make();
    Mutations turn;
    turn.put(Table::queue, "k", "one");
    turn.put(Table::block, "k", "two");
    const auto committed = store->commit(turn);
    REQUIRE(committed);
    CHECK(committed->number() == 1);
    CHECK(value_at(*store, Table::queue, "k") == "one");
    CHECK(value_at(*store, Table::block, "k") == "two");
    CHECK_FALSE(value_at(*store, Table::done, "k"));
    CHECK(store->commit(turn)->number() == 2);
}

TEST_CASE("within a turn the later change of a key wins") {
    Subject subject(any_kind());
    const auto store = subject.make();
    Mutations turn;
    turn.put(Table::name, "a", "first");
    turn.put(Table::name, "a", "second");
    turn.put(Table::name, "gone", "x");
    turn.erase(Table::name, "gone");
    turn.erase(Table::name, "back");
    turn.put(Table::name, "back", "again");
    REQUIRE(store->commit(turn));
    CHECK(value_at(*store, Table::name, "a") == "second");
    CHECK_FALSE(value_at(*store, Table::name, "gone"));
    CHECK(value_at(*store, Table::name, "back") == "again");
}

TEST_CASE("what is not there may be erased, and an empty turn committed") {
    Subject subject(any_kind());
    const auto store = subject.make();
    Mutations turn;
    turn.erase(Table::attempt, "nothing");
    CHECK(store->commit(turn));
    CHECK(store->commit({}));
}

TEST_CASE("seeking finds the neighbours of a key, within its table") {
    Subject subject(any_kind());
    const auto store = subject.make();
    Mutations turn;
    turn.put(Table::done, "zz", "of the table before");
    turn.put(Table::attempt, "b", "1");
    turn.put(Table::attempt, "d", "2");
    turn.put(Table::delayed, "a", "of the table behind");
    REQUIRE(store->commit(turn));
    const auto snapshot = store->read();
    REQUIRE(snapshot);
    const auto after = [&](ByteView key) {
        return text((*snapshot)->at_or_after(Table::attempt, key));
    };
    const auto before = [&](ByteView key) {
        return text((*snapshot)->before(Table::attempt, key));
    };
    CHECK(after({}) == "b=1");
    CHECK(after("a") == "b=1");
    CHECK(after("b") == "b=1");
    CHECK(after("c") == "d=2");
    CHECK(after("d") == "d=2");
    CHECK(after("e") == "nothing");
    CHECK(before("b") == "nothing");
    CHECK(before("c") == "b=1");
    CHECK(before("d") == "b=1");
    CHECK(before("e") == "d=2");
    CHECK(before(std::string(key_bytes_max, '\xff')) == "d=2");
}

TEST_CASE("keys compare as unsigned bytes, of any length up to the longest") {
    Subject subject(any_kind());
    const auto store = subject.make();
    const std::string longest(key_bytes_max, '\x80');
    Mutations turn;
    turn.put(Table::name, std::string(1, '\0'), "zero");
    turn.put(Table::name, "\x7f", "seven");
    turn.put(Table::name, "\x80", "eight");
    turn.put(Table::name, longest, "long");
    REQUIRE(store->commit(turn));
    const auto snapshot = store->read();
    REQUIRE(snapshot);
    std::vector<std::string> values;
    std::string at;
    for (;;) {
        const auto entry = (*snapshot)->at_or_after(Table::name, at);
        REQUIRE(entry);
        if (!*entry)
            break;
        values.emplace_back((*entry)->value);
        at = std::string((*entry)->key) + '\0';
    }
    CHECK(values == std::vector<std::string>{"zero", "seven", "eight", "long"});
}

TEST_CASE("values of every size come back as they went in") {
    Subject subject(any_kind());
    const auto store = subject.make();
    // Around what fits into a page, into pages in a row, and far beyond a block.
    const std::vector<std::size_t> sizes{0,    1,    100,    2000,   2040,   4079,
                                         4080, 4081, 65'519, 65'520, 65'521, 3'000'000};
    Mutations turn;
    for (const std::size_t size : sizes)
        turn.put(Table::block, std::to_string(size),
                 std::string(size, static_cast<char>('a' + size % 26)));
    REQUIRE(store->commit(turn));
    for (const std::size_t size : sizes) {
        INFO(size << " bytes");
        const auto value = value_at(*store, Table::block, std::to_string(size));
        REQUIRE(value);
        CHECK(*value == std::string(size, static_cast<char>('a' + size % 26)));
    }
}

TEST_CASE("views live as long as their snapshot, whatever else it is asked") {
    Subject subject(any_kind());
    const auto store = subject.make();
    Mutations turn;
    for (int i = 0; i < 600; ++i)
        turn.put(Table::block, block_key(1, 0, static_cast<Position>(i)),
                 std::string(60'000, static_cast<char>('a' + i % 26)));
    REQUIRE(store->commit(turn));
    const auto snapshot = store->read();
    REQUIRE(snapshot);
    std::vector<ByteView> views;
    for (int i = 0; i < 600; ++i) // 36 MB: more than is kept in memory at a time
        views.push_back(
            **(*snapshot)->get(Table::block, block_key(1, 0, static_cast<Position>(i))));
    for (int i = 0; i < 600; ++i)
        CHECK(views[static_cast<std::size_t>(i)] ==
              std::string(60'000, static_cast<char>('a' + i % 26)));
}

// Turns of 16 blocks while there is room for them: the number of the block after the last.
Position fill(Store& store, Position next) {
    for (int turns = 0; store.room() > 4'000'000; ++turns) {
        REQUIRE(turns < 1000);
        Mutations turn;
        for (int i = 0; i < 16; ++i)
            turn.put(Table::block, block_key(1, 0, next++), std::string(65'000, 'x'));
        REQUIRE(store.commit(turn));
        store.housekeep();
    }
    return next;
}

TEST_CASE("room shrinks as a store fills and grows again as it is emptied") {
    Subject subject(any_kind());
    const auto store = subject.make();
    const std::uint64_t at_first = store->room();
    const Position next = fill(*store, 0);
    CHECK(store->room() < at_first);
    // Every message that was accepted can be finished, one at a time if need be.
    for (Position first = 0; first < next; ++first) {
        Mutations turn;
        turn.put(Table::done, block_key(1, 0, first), std::string(100, 'd'));
        REQUIRE(store->commit(turn));
    }
    for (Position first = 0; first < next; ++first) {
        Mutations turn;
        turn.erase(Table::done, block_key(1, 0, first));
        turn.erase(Table::block, block_key(1, 0, first));
        REQUIRE(store->commit(turn));
    }
    store->housekeep();
    CHECK(rows_in(*store, Table::block) == 0);
    // A store may say less than it has, but not for long.
    CHECK(fill(*store, next) - next > next / 4 * 3);
}

TEST_CASE("a store does what an ordered map does, over random turns") {
    const std::uint64_t seed = test::seed(7);
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    Subject subject(any_kind());
    const auto store = subject.make();
    std::array<std::map<std::string, std::string>, tables> model;
    const auto key = [&] { return block_key(1, 0, random() % 200); };
    for (int round = 0; round < 150; ++round) {
        Mutations turn;
        for (std::size_t changes = random() % 20; changes > 0; --changes) {
            const std::size_t table = 1 + random() % (tables - 1);
            const std::string at = key();
            if (random() % 3 == 0) {
                turn.erase(static_cast<Table>(table), at);
                model[table].erase(at);
            } else {
                const std::string value(random() % 4 ? random() % 200 : random() % 70'000,
                                        static_cast<char>(random()));
                turn.put(static_cast<Table>(table), at, value);
                model[table][at] = value;
            }
        }
        REQUIRE(store->commit(turn));
        if (random() % 8 == 0)
            store->housekeep();
        const auto snapshot = store->read();
        REQUIRE(snapshot);
        for (int asked = 0; asked < 20; ++asked) {
            const std::size_t table = 1 + random() % (tables - 1);
            const auto& rows = model[table];
            const std::string at = key();
            const auto lower = rows.lower_bound(at);
            const auto found = (*snapshot)->get(static_cast<Table>(table), at);
            REQUIRE(found);
            REQUIRE(found->has_value() == rows.contains(at));
            const auto after = (*snapshot)->at_or_after(static_cast<Table>(table), at);
            REQUIRE(after);
            REQUIRE(after->has_value() == (lower != rows.end()));
            if (*after) {
                CHECK((*after)->key == lower->first);
                CHECK((*after)->value == lower->second);
            }
            const auto before = (*snapshot)->before(static_cast<Table>(table), at);
            REQUIRE(before);
            REQUIRE(before->has_value() == (lower != rows.begin()));
            if (*before)
                CHECK((*before)->key == std::prev(lower)->first);
        }
    }
}
