// SPDX-License-Identifier: Apache-2.0
// A block from a disk that lies: either refused, or its records lie within it, one after the other,
// and written again they are the same. The checksum is put right, so that it hides nothing.
#include <flotilla/base/check.hpp>
#include <flotilla/queue/engine/keys.hpp>
#include <flotilla/queue/engine/record.hpp>

#include <string>

using namespace flotilla;
using namespace flotilla::queue;

namespace {

void read_keys(ByteView input) {
    (void)read_block_key(input);
    (void)read_delayed_key(input);
    (void)read_expiry_key(input);
    if (const auto age = read_producer_age_key(input))
        FLOTILLA_CHECK(producer_age_key(age->seen_ms, age->place) == input, "a key changed");
    if (const auto age = read_duplicate_age_key(input))
        FLOTILLA_CHECK(duplicate_age_key(*age) == input, "a key changed");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView input{reinterpret_cast<const char*>(data), size};
    read_keys(input);
    BlockReader reader;
    FLOTILLA_CHECK(!reader.open(input) || size > 24, "a block without a head");
    const std::string value = seal(std::string("\x01").append(input));
    if (!reader.open(value))
        return 0;
    BlockWriter copied;
    BlockWriter written;
    for (std::size_t i = 0; i < reader.count(); ++i) {
        const Record record = reader[i];
        const ByteView raw = reader.raw(i);
        const auto alone = read_record(raw);
        FLOTILLA_CHECK(alone && alone->used == raw.size(), "a record of a block is none alone");
        FLOTILLA_CHECK(record.body == alone->record.body && record.frames == alone->record.frames &&
                           record.body_bytes == alone->record.body_bytes,
                       "a record differs from itself");
        copied.add_raw(raw, 1);
        written.add(record);
    }
    const std::string copy = copied.finish({reader.wall_ms(), reader.expiry_ms()});
    const std::string again = written.finish({reader.wall_ms(), reader.expiry_ms()});
    BlockReader second;
    FLOTILLA_CHECK(second.open(copy) && second.count() == reader.count() &&
                       second.raw(0, second.count()) == reader.raw(0, reader.count()),
                   "a copy differs");
    FLOTILLA_CHECK(second.open(again) && second.count() == reader.count(), "a record was lost");
    for (std::size_t i = 0; i < reader.count(); ++i)
        FLOTILLA_CHECK(second[i].body == reader[i].body && second[i].id == reader[i].id &&
                           second[i].key == reader[i].key && second[i].note == reader[i].note &&
                           second[i].expiry_ms == reader[i].expiry_ms &&
                           second[i].attempts == reader[i].attempts,
                       "a record changed");
    return 0;
}
