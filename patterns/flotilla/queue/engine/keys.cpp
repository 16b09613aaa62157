// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/keys.hpp>
#include <flotilla/wire/pack.hpp>

namespace flotilla::queue {
namespace {

class KeyWriter {
public:
    explicit KeyWriter(std::size_t bytes) { key_.reserve(bytes); }
    KeyWriter& u8(std::uint8_t value) { return number(value, 1); }
    KeyWriter& u32(std::uint32_t value) { return number(value, 4); }
    KeyWriter& u64(std::uint64_t value) { return number(value, 8); }
    KeyWriter& ms(std::int64_t value) { return number(static_cast<std::uint64_t>(value), 8); }
    KeyWriter& text(std::string_view value) {
        key_.push_back(static_cast<char>(value.size()));
        key_.append(value);
        return *this;
    }
    KeyWriter& bytes(ByteView value) {
        key_.append(value);
        return *this;
    }
    std::string take() { return std::move(key_); }

private:
    KeyWriter& number(std::uint64_t value, std::size_t width) {
        char bytes[8];
        wire::store_u64(bytes, value);
        key_.append(bytes + 8 - width, width);
        return *this;
    }
    std::string key_{};
};

std::int64_t ms(wire::Reader& reader) {
    return static_cast<std::int64_t>(reader.u64());
}

template <class T>
Result<T> whole(const wire::Reader& reader, T value) {
    if (!reader.ok_at_end())
        return fail(Errc::damaged, "a key does not have the length of its table's keys");
    return value;
}

BlockPlace block(wire::Reader& reader) {
    BlockPlace place;
    place.queue = reader.u32();
    place.lane = reader.u8();
    place.first = reader.u64();
    return place;
}

ProducerPlace producer(wire::Reader& reader) {
    ProducerPlace place;
    place.producer = reader.short_bytes();
    place.queue = reader.u32();
    return place;
}

} // namespace

std::string block_key(QueueId queue, Lane lane, Position first) {
    return KeyWriter(13).u32(queue).u8(lane).u64(first).take();
}
Result<BlockPlace> read_block_key(ByteView key) {
    wire::Reader reader(key);
    const BlockPlace place = block(reader);
    return whole(reader, place);
}

std::string queue_key(QueueId queue) {
    return KeyWriter(4).u32(queue).take();
}
Result<QueueId> read_queue_key(ByteView key) {
    wire::Reader reader(key);
    const QueueId queue = reader.u32();
    return whole(reader, queue);
}

std::string delayed_key(const DelayedPlace& place) {
    return KeyWriter(20).ms(place.bucket_ms).u32(place.queue).u64(place.number).take();
}
Result<DelayedPlace> read_delayed_key(ByteView key) {
    wire::Reader reader(key);
    DelayedPlace place;
    place.bucket_ms = ms(reader);
    place.queue = reader.u32();
    place.number = reader.u64();
    return whole(reader, place);
}

std::string expiry_key(const ExpiryPlace& place) {
    return KeyWriter(21)
        .ms(place.bucket_ms)
        .u32(place.block.queue)
        .u8(place.block.lane)
        .u64(place.block.first)
        .take();
}
Result<ExpiryPlace> read_expiry_key(ByteView key) {
    wire::Reader reader(key);
    ExpiryPlace place;
    place.bucket_ms = ms(reader);
    place.block = block(reader);
    return whole(reader, place);
}

std::string producer_key(const ProducerPlace& place) {
    return KeyWriter(5 + place.producer.size()).text(place.producer).u32(place.queue).take();
}
Result<ProducerPlace> read_producer_key(ByteView key) {
    wire::Reader reader(key);
    const ProducerPlace place = producer(reader);
    return whole(reader, place);
}

std::string producer_age_key(std::int64_t seen_ms, const ProducerPlace& place) {
    return KeyWriter(13 + place.producer.size())
        .ms(seen_ms)
        .text(place.producer)
        .u32(place.queue)
        .take();
}
Result<ProducerAge> read_producer_age_key(ByteView key) {
    wire::Reader reader(key);
    ProducerAge age;
    age.seen_ms = ms(reader);
    age.place = producer(reader);
    return whole(reader, age);
}

std::string duplicate_key(QueueId queue, ByteView hash) {
    return KeyWriter(4 + hash.size()).u32(queue).bytes(hash).take();
}
std::string duplicate_age_key(const DuplicateAge& age) {
    return KeyWriter(12).u32(age.queue).u64(age.number).take();
}
Result<DuplicateAge> read_duplicate_age_key(ByteView key) {
    wire::Reader reader(key);
    DuplicateAge age;
    age.queue = reader.u32();
    age.number = reader.u64();
    return whole(reader, age);
}

} // namespace flotilla::queue
