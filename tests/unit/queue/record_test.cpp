// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/keys.hpp>
#include <flotilla/queue/engine/record.hpp>
#include <flotilla/queue/put_pack.hpp>
#include <flotilla/wire/pack.hpp>

#include <support/catch.hpp>
#include <support/seed.hpp>

#include <random>

using namespace flotilla;
using namespace flotilla::queue;

namespace {

std::string body_of(std::initializer_list<ByteView> frames) {
    wire::Writer body;
    body.u16(static_cast<std::uint16_t>(frames.size()));
    for (const ByteView frame : frames)
        body.long_bytes(frame);
    return body.take();
}

Record plain(ByteView body) {
    Record record;
    record.body = body;
    return record;
}

std::string one_block() {
    BlockWriter writer;
    const std::string body = body_of({"hello", ""});
    writer.add(plain(body));
    writer.add(plain(body));
    return writer.finish({.wall_ms = 1234, .expiry_ms = 0});
}

} // namespace

TEST_CASE("a block gives back every field of every record") {
    const std::string small = body_of({"a"});
    const std::string large = body_of({"", std::string(100'000, 'x'), "tail"});
    BlockWriter writer;
    writer.add(plain(small));
    Record full = plain(large);
    full.id = 77;
    full.key = "customer-9";
    full.expiry_ms = 5'000'000'000'000;
    full.attempts = 3;
    full.note = "origin=orders\nreason=attempts";
    writer.add(full);
    writer.add(plain(small));
    const std::size_t bytes = writer.bytes();
    const std::string value = writer.finish({.wall_ms = 1'700'000'000'000, .expiry_ms = 42});
    CHECK(value.size() == bytes + 8);
    CHECK(writer.empty());

    BlockReader reader;
    REQUIRE(reader.open(value));
    REQUIRE(reader.count() == 3);
    CHECK(reader.wall_ms() == 1'700'000'000'000);
    CHECK(reader.expiry_ms() == 42);
    CHECK(reader[0].body == small);
    CHECK(reader[0].id == 0);
    CHECK(reader[0].frames == 1);
    CHECK(reader[0].body_bytes == 1);
    CHECK(reader[0].expiry_ms == 42);
    const Record read = reader[1];
    CHECK(read.id == 77);
    CHECK(read.key == "customer-9");
    CHECK(read.expiry_ms == 5'000'000'000'000);
    CHECK(read.attempts == 3);
    CHECK(read.note == full.note);
    CHECK(read.frames == 3);
    CHECK(read.body == large);
    CHECK(read.body_bytes == 100'004);
    CHECK(reader.raw(1).size() == record_bytes(full));
    CHECK(reader[2].body == small);
}

TEST_CASE("a run of records copied raw reads as it did where it came from") {
    const std::string value = one_block();
    BlockReader from;
    REQUIRE(from.open(value));
    BlockWriter writer;
    writer.add_raw(from.raw(0, 2), 2);
    writer.add_raw(from.raw(1), 1);
    const std::string copy = writer.finish({});
    BlockReader to;
    REQUIRE(to.open(copy));
    REQUIRE(to.count() == 3);
    for (std::size_t i = 0; i < 3; ++i)
        CHECK(to[i].body == from[0].body);
}

TEST_CASE("any changed byte of a block is noticed") {
    const std::string value = one_block();
    BlockReader reader;
    for (std::size_t at = 0; at < value.size(); ++at) {
        std::string changed = value;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        INFO("byte " << at);
        const Status opened = reader.open(changed);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == (at == 0 ? Errc::unsupported : Errc::damaged));
        CHECK(reader.count() == 0);
    }
    for (std::size_t size = 0; size < value.size(); ++size)
        CHECK(reader.open(ByteView{value}.substr(0, size)).error().code == Errc::damaged);
    CHECK(reader.open(value));
}

TEST_CASE("records that do not add up are damaged even under a right checksum") {
    const std::string value = one_block();
    const auto patched = [&](std::size_t at, char byte) {
        std::string changed = value.substr(0, value.size() - 8);
        changed[at] = byte;
        return seal(std::move(changed));
    };
    BlockReader reader;
    const std::size_t count_at = 18;
    const std::size_t algorithm_at = 19;
    const std::size_t size_at = 23;
    const std::size_t flags_at = 24;
    CHECK(reader.open(patched(count_at, 1)).error().code == Errc::damaged);
    CHECK(reader.open(patched(count_at, 3)).error().code == Errc::damaged);
    CHECK(reader.open(patched(count_at, 0)).error().code == Errc::damaged);
    CHECK(reader.open(patched(algorithm_at, 9)).error().code == Errc::damaged);
    CHECK(reader.open(patched(size_at, 1)).error().code == Errc::damaged);
    CHECK(reader.open(patched(flags_at, 32)).error().code == Errc::damaged);
    CHECK(reader.open(patched(flags_at, 31)).error().code == Errc::damaged);
    CHECK(reader.open(patched(flags_at + 2, 0)).error().code == Errc::damaged); // no frames
    CHECK(reader.open(patched(flags_at, 0)));

    // Written again it would expire with its block.
    BlockWriter expiring;
    const std::string body = body_of({"x"});
    Record record = plain(body);
    record.expiry_ms = 1;
    expiring.add(record);
    std::string once = expiring.finish({1, 5});
    once.resize(once.size() - 8);
    const std::string sealed = seal(once);
    REQUIRE(reader.open(sealed));
    CHECK(reader[0].expiry_ms == 1);
    once[flags_at + 8] = 0;
    CHECK(reader.open(seal(once)).error().code == Errc::damaged);
}

TEST_CASE(
    "a block is full at its target of bytes or of messages, and takes one message of any size") {
    BlockWriter writer;
    CHECK(writer.has_room(1 << 20));
    const std::string body = body_of({std::string(1000, 'x')});
    std::size_t added = 0;
    for (; writer.has_room(record_bytes(plain(body))); ++added)
        writer.add(plain(body));
    CHECK(writer.room() < record_bytes(plain(body)));
    CHECK(added == (block_bytes_target - 24 - 8) / record_bytes(plain(body)));
    CHECK(writer.finish({}).size() <= block_bytes_target);

    const std::string tiny = body_of({""});
    for (added = 0; writer.has_room(record_bytes(plain(tiny))); ++added)
        writer.add(plain(tiny));
    CHECK(added == block_messages_max);
    writer.clear();
    CHECK(writer.empty());
}

TEST_CASE("a compressed block reads as a plain one, and what does not shrink stays plain") {
    for (const auto algorithm : {wire::Compression::lz4, wire::Compression::zstd}) {
        if (!wire::is_available(algorithm))
            continue;
        wire::Compressor compressor(algorithm);
        BlockWriter writer;
        const std::string body = body_of({std::string(200, 'z')});
        for (int i = 0; i < 100; ++i)
            writer.add(plain(body));
        const std::string value = writer.finish({.wall_ms = 7}, compressor);
        CHECK(value.size() < 2000);
        BlockReader reader;
        REQUIRE(reader.open(value));
        REQUIRE(reader.count() == 100);
        CHECK(reader.wall_ms() == 7);
        CHECK(reader[99].body == body);

        const std::string odd = body_of({"q7"});
        writer.add(plain(odd));
        const std::string stayed = writer.finish({}, compressor);
        REQUIRE(reader.open(stayed));
        CHECK(reader[0].body == odd);
        CHECK(reader[0].body.data() >= stayed.data());
    }
}

TEST_CASE("random blocks survive writing and reading") {
    const std::uint64_t seed = test::seed(20);
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    BlockReader reader;
    BlockWriter writer;
    for (int round = 0; round < 200; ++round) {
        std::vector<std::string> bodies;
        std::vector<Record> records;
        const std::size_t count = 1 + random() % 20;
        for (std::size_t i = 0; i < count; ++i)
            bodies.push_back(random() % 2 ? body_of({std::string(random() % 300, 'b')})
                                          : body_of({"", std::string(random() % 9, 'c'), "d"}));
        for (std::size_t i = 0; i < count; ++i) {
            Record record = plain(bodies[i]);
            record.id = random() % 3 ? 0 : random();
            record.key = random() % 3 ? std::string_view{} : std::string_view{"key"};
            record.expiry_ms = random() % 3 ? 0 : 1 + static_cast<std::int64_t>(random() % 1000);
            record.attempts = random() % 3 ? 0 : static_cast<std::uint32_t>(random() % 1000);
            record.note = random() % 3 ? std::string_view{} : std::string_view{"n=1"};
            records.push_back(record);
            writer.add(record);
        }
        const std::string value = writer.finish({.wall_ms = round});
        REQUIRE(reader.open(value));
        REQUIRE(reader.count() == count);
        for (std::size_t i = 0; i < count; ++i) {
            const Record read = reader[i];
            CHECK(read.id == records[i].id);
            CHECK(read.key == records[i].key);
            CHECK(read.expiry_ms == records[i].expiry_ms);
            CHECK(read.attempts == records[i].attempts);
            CHECK(read.note == records[i].note);
            CHECK(read.body == records[i].body);
            const auto single = read_record(reader.raw(i));
            REQUIRE(single);
            CHECK(single->used == reader.raw(i).size());
            CHECK(single->record.body == records[i].body);
            CHECK_FALSE(read_record(reader.raw(i).substr(0, single->used - 1)));
        }
    }
}

TEST_CASE("sealed values lose their checksum only to who can check it") {
    const std::string sealed = seal("\x01 something");
    REQUIRE(unseal(sealed));
    CHECK(*unseal(sealed) == "\x01 something");
    CHECK(unseal(sealed.substr(0, 7)).error().code == Errc::damaged);
    CHECK(unseal(sealed + "x").error().code == Errc::damaged);
    CHECK(unseal("").error().code == Errc::damaged);
    // The constant is in the format: XXH3-64 of nothing, with seed 0.
    CHECK(checksum("") == 0x2d06800538d394c2ULL);
}

TEST_CASE("keys compare in the order of their fields and read back") {
    CHECK(block_key(1, 0, 255) < block_key(1, 0, 256));
    CHECK(block_key(1, 0, ~0ULL) < block_key(1, 1, 0));
    CHECK(block_key(1, 255, ~0ULL) < block_key(2, 0, 0));
    const auto place = read_block_key(block_key(7, 3, 900));
    REQUIRE(place);
    CHECK(*place == BlockPlace{7, 3, 900});
    CHECK(read_block_key("short").error().code == Errc::damaged);
    CHECK(read_block_key(block_key(7, 3, 900) + "x").error().code == Errc::damaged);
    CHECK(*read_queue_key(queue_key(70'000)) == 70'000);

    CHECK(delayed_key({1000, 9, 9}) < delayed_key({1001, 1, 1}));
    CHECK(*read_delayed_key(delayed_key({1000, 9, 8})) == DelayedPlace{1000, 9, 8});
    CHECK(*read_expiry_key(expiry_key({5, {1, 2, 3}})) == ExpiryPlace{5, {1, 2, 3}});
    const std::string by_producer = producer_key({"p-1", 4});
    CHECK(read_producer_key(by_producer)->producer == "p-1");
    CHECK(read_producer_key(by_producer)->queue == 4);
    const std::string by_age = producer_age_key(99, {"p-1", 4});
    CHECK(read_producer_age_key(by_age)->seen_ms == 99);
    CHECK(read_producer_age_key(by_age)->place.producer == "p-1");
    CHECK(read_producer_key(by_producer.substr(0, 3)).error().code == Errc::damaged);
    const std::string seen = duplicate_age_key({3, 1234});
    CHECK(read_duplicate_age_key(seen)->queue == 3);
    CHECK(read_duplicate_age_key(seen)->number == 1234);
    CHECK(duplicate_key(3, "0123456789abcdef").size() == 20);
}
