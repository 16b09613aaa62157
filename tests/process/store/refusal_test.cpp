// SPDX-License-Identifier: Apache-2.0
// Directories with which flotilla-store does not start, what it says, and what then helps.
#include <flotilla/queue/engine/lmdb_store.hpp>
#include <flotilla/queue/engine/record.hpp>
#include <flotilla/wire/pack.hpp>

#include <process/store/store_program.hpp>

#include <csignal>
#include <filesystem>

using namespace flotilla;
using namespace flotilla::test;

namespace {

Completed start_refused(const std::string& data) {
    return run_store({"--bind", "tcp://127.0.0.1:*", "--data", data});
}

// Five confirmed messages that only the journal has.
void die_with_messages(const std::string& data) {
    net::Context context = *net::Context::open();
    Store store = start_store_in(data);
    RawPeer peer(context, store.endpoints[0]);
    REQUIRE(peer.ask("create", "queue=orders").verb == "ok");
    for (int i = 0; i < 5; ++i)
        REQUIRE(peer.ask("put", "queue=orders", "order " + std::to_string(i)).verb == "ok");
    kill(store);
}

} // namespace

TEST_CASE("store: a directory of a newer format is refused with both numbers", "[process][store]") {
    const ScratchFolder scratch;
    const std::string data = scratch.file("data");
    const std::uint32_t newer = queue::LmdbStore::format + 1;
    {
        const auto store = queue::LmdbStore::open(data);
        REQUIRE(store);
        wire::Writer row;
        row.u8(1).u32(newer);
        queue::Mutations turn;
        turn.put(queue::Table::meta, "format", queue::seal(row.take()));
        REQUIRE((*store)->commit(turn));
    }
    const std::string sentence = "the store has format " + std::to_string(newer) +
                                 "; this program knows up to " +
                                 std::to_string(queue::LmdbStore::format);
    const Completed started = start_refused(data);
    INFO(started.error);
    CHECK(started.exit == Exit::with(2));
    CHECK(has(started.error, sentence));
    for (const char* tool : {"verify", "export", "import", "give-up-journal"}) {
        const Completed refused = run_store({tool, "--data", data});
        INFO(tool << ": " << refused.error);
        CHECK(refused.exit == Exit::with(2));
        CHECK(has(refused.error, sentence));
    }
    const Completed saved = run_store({"backup", "--data", data, "--to", scratch.file("copy")});
    CHECK(saved.exit == Exit::with(2));
    CHECK(has(saved.error, sentence));
}

TEST_CASE("store: without its journal it does not start until an operator gives that up",
          "[process][store]") {
    const ScratchFolder scratch;
    const std::string data = scratch.file("data");
    die_with_messages(data);
    std::filesystem::remove(data + "/journal");
    const Completed refused = start_refused(data);
    INFO(refused.error);
    CHECK(refused.exit == Exit::with(1));
    CHECK(has(refused.error, data + "/journal is missing"));
    CHECK(has(refused.error, "flotilla-store give-up-journal --data " + data));
    CHECK(run_store({"verify", "--data", data}).exit == Exit::with(4));

    const Completed given_up = run_store({"give-up-journal", "--data", data});
    INFO(given_up.error);
    CHECK(given_up.exit == Exit::with(0));
    CHECK(has(given_up.error, "is missing"));
    const Completed verified = run_store({"verify", "--data", data});
    INFO(verified.error);
    CHECK(verified.exit == Exit::with(0));
    CHECK(has(verified.error, "a journal was given up 1 times, last on 2"));
    Store store = start_store_in(data);
    CHECK(has(store.process.text(Stream::error), "journal_given_up"));
    store.process.signal(SIGTERM);
    REQUIRE(store.process.wait_exit() == Exit::with(0));
    CHECK(run_store({"give-up-journal", "--data", data}).exit == Exit::with(4));
}

TEST_CASE("store: two stores whose journals were changed for each other start with neither",
          "[process][store]") {
    const ScratchFolder scratch;
    const std::string one = scratch.file("one");
    const std::string two = scratch.file("two");
    die_with_messages(one);
    die_with_messages(two);
    const auto change = [&] {
        std::filesystem::rename(one + "/journal", scratch.file("aside"));
        std::filesystem::rename(two + "/journal", one + "/journal");
        std::filesystem::rename(scratch.file("aside"), two + "/journal");
    };
    change();
    for (const std::string& data : {one, two})
        CHECK(has(start_refused(data).error, "belongs to another store"));
    change();
    for (const std::string& data : {one, two}) {
        net::Context context = *net::Context::open();
        Store store = start_store_in(data);
        RawPeer peer(context, store.endpoints[0]);
        CHECK(has(peer.ask("stat", "queue=orders").body, "ready=5\n"));
    }
}
