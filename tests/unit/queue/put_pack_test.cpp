// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/codec.hpp>
#include <flotilla/queue/engine/record.hpp>
#include <flotilla/queue/put_pack.hpp>

#include <support/catch.hpp>

using namespace flotilla;
using namespace flotilla::queue;

namespace {

void add(PutWriter& writer, const PutRecord& head, ByteView frame) {
    writer.begin(head, 1);
    writer.add_frame(frame);
}

PutRecord keyed(std::string_view key) {
    PutRecord head;
    head.key = key;
    return head;
}

} // namespace

TEST_CASE("a packed put gives back keys, options and frames") {
    PutWriter writer;
    add(writer, {}, "first");
    PutRecord head = keyed("k");
    head.priority = 3;
    head.delay = 1500ms;
    head.ttl = 10s;
    head.message_id = "order-1";
    writer.begin(head, 2);
    writer.add_frame("");
    writer.add_frame("second");
    CHECK(writer.records() == 2);
    CHECK(writer.bytes() ==
          PutWriter::record_bytes({}, 1, 5) + PutWriter::record_bytes(head, 2, 6));
    wire::Compressor compressor(wire::Compression::none);
    const std::string packed(writer.finish(compressor));

    wire::Expander expander;
    auto reader = PutReader::open(packed, expander);
    REQUIRE(reader);
    CHECK(reader->records() == 2);
    const auto first = reader->next();
    REQUIRE(first);
    CHECK(first->is_plain);
    CHECK(first->frames == 1);
    CHECK(first->body_bytes == 5);
    CHECK(first->whole.size() == first->body.size() + 1);
    const auto second = reader->next();
    REQUIRE(second);
    CHECK_FALSE(second->is_plain);
    CHECK(second->key == "k");
    CHECK(second->priority == 3);
    CHECK(second->delay == 1500ms);
    CHECK(second->ttl == 10s);
    CHECK(second->message_id == "order-1");
    CHECK(second->frames == 2);
    CHECK(second->body_bytes == 6);
    CHECK_FALSE(reader->next());
}

TEST_CASE("plain records of a packed put are stored as they are") {
    PutWriter writer;
    add(writer, {}, "one");
    add(writer, keyed("key"), "two");
    wire::Compressor compressor(wire::Compression::none);
    const std::string packed(writer.finish(compressor));
    wire::Expander expander;
    auto reader = PutReader::open(packed, expander);
    REQUIRE(reader);
    const PutRun run = reader->next_run({10, 1000, 1000});
    CHECK(run.count == 2);
    CHECK(run.body_bytes == 6);
    CHECK(run.key_bytes == 3);
    BlockWriter block;
    block.add_raw(run.records, run.count);
    const std::string value = block.finish({});
    BlockReader stored;
    REQUIRE(stored.open(value));
    REQUIRE(stored.count() == 2);
    CHECK(stored[0].body.substr(6) == "one");
    CHECK(stored[1].key == "key");
    CHECK(stored[1].body.substr(6) == "two");
}

TEST_CASE("a run ends before its limits and before a record with options") {
    PutWriter writer;
    for (int i = 0; i < 4; ++i)
        add(writer, {}, "12345");
    PutRecord delayed;
    delayed.delay = 5ms;
    add(writer, delayed, "later");
    add(writer, {}, "a longer one");
    wire::Compressor compressor(wire::Compression::none);
    const std::string packed(writer.finish(compressor));
    wire::Expander expander;
    auto reader = PutReader::open(packed, expander);
    REQUIRE(reader);
    const std::size_t bytes = PutWriter::record_bytes({}, 1, 5);
    CHECK(reader->next_run({1, 1000, 1000}).count == 1);
    CHECK(reader->next_run({10, 2 * bytes + 1, 1000}).count == 2);
    CHECK(reader->next_run({10, bytes - 1, 1000}).count == 0);
    CHECK(reader->next_run({10, 1000, 4}).count == 0);
    CHECK(reader->next_run({10, 1000, 5}).count == 1);
    CHECK(reader->next_run({10, 1000, 1000}).count == 0);
    CHECK(reader->left() == 2);
    CHECK(reader->next()->delay == 5ms);
    CHECK(reader->next_run({10, 1000, 1000}).count == 1);
    CHECK(reader->next_run({10, 1000, 1000}).count == 0);
    CHECK_FALSE(reader->next());
}

TEST_CASE("a delay that no clock can hold is read as the longest one") {
    std::string packed{"\0\0\0\0\x1a", 5};
    packed += '\x40';
    packed.append(1, '\0').append(8, '\xff').append(8, '\0').append(1, '\0');
    packed.append({'\0', '\1', '\0', '\0', '\0', '\1', 'x'});
    packed[4] = static_cast<char>(packed.size() - 5);
    wire::Expander expander;
    auto reader = PutReader::open(packed, expander);
    REQUIRE(reader);
    CHECK(reader->next()->delay == Duration::max());
}

TEST_CASE("a packed put that is not whole and valid is not opened") {
    PutWriter writer;
    add(writer, keyed("key"), "body");
    PutRecord head;
    head.message_id = "id";
    add(writer, head, "body");
    wire::Compressor compressor(wire::Compression::none);
    const std::string packed(writer.finish(compressor));
    wire::Expander expander;
    for (std::size_t size = 0; size < packed.size(); ++size)
        CHECK(PutReader::open(ByteView{packed}.substr(0, size), expander).error().code ==
              Errc::malformed);
    const std::size_t first = PutWriter::record_bytes(keyed("key"), 1, 4);
    for (std::size_t size = 1; size < packed.size() - 5; ++size) {
        std::string cut = packed.substr(0, 5 + size);
        cut[4] = static_cast<char>(size);
        INFO(size << " bytes of records");
        CHECK(PutReader::open(cut, expander).has_value() == (size == first));
    }
    const auto with = [&](std::size_t at, char byte) {
        std::string changed = packed;
        changed[5 + at] = byte;
        return PutReader::open(changed, expander).has_value();
    };
    CHECK(with(2, 'K'));
    CHECK_FALSE(with(0, 3));  // a flag of stored records only
    CHECK_FALSE(with(0, 0));  // its key is then read as frames
    CHECK_FALSE(with(6, 0));  // no frames
    CHECK_FALSE(with(7, 99)); // a length beyond the end

    PutWriter empty;
    CHECK(PutReader::open(std::string(empty.finish(compressor)), expander).error().code ==
          Errc::malformed);
}

TEST_CASE("a packed put has at most its limit of messages") {
    PutWriter writer;
    for (std::size_t i = 0; i <= limits::packed_messages_max; ++i)
        add(writer, {}, "");
    wire::Compressor compressor(wire::Compression::none);
    const std::string packed(writer.finish(compressor));
    wire::Expander expander;
    CHECK(PutReader::open(packed, expander).error().code == Errc::too_many);
}
