// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/envelope.hpp>

#include <algorithm>

namespace flotilla::wire {
namespace {

constexpr ByteView magic{"\xF1"
                         "FM",
                         3};
constexpr std::uint8_t version = 1;
constexpr std::size_t head_bytes = 8;       // magic, version, u32 length
constexpr std::size_t field_head_bytes = 3; // u8 tag, u16 length
constexpr std::uint8_t snapshot_flag = 0x01;

enum class Tag : std::uint8_t {
    id = 1,
    timestamp = 2,
    priority = 3,
    expiry = 4,
    key = 5,
    content_type = 6,
    traceparent = 7,
    header = 8,
    publisher_epoch = 16,
    sequence = 17,
    generation = 18,
    flags = 19,
};

bool is_printable(ByteView text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

bool is_header_name(ByteView name) noexcept {
    return !name.empty() && is_printable(name) && name.find(' ') == ByteView::npos;
}

bool is_lower_hex(ByteView text) noexcept {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_zeros(ByteView text) noexcept {
    return text.find_first_not_of('0') == ByteView::npos;
}

auto over(const char* what, std::size_t size, std::size_t limit, const char* unit) {
    return fail(Errc::too_large, std::string("the envelope's ") + what + " has " +
                                     std::to_string(size) + " " + unit + "; the limit is " +
                                     std::to_string(limit));
}

auto wrong(std::string what) {
    return fail(Errc::malformed, "the envelope's " + std::move(what));
}

// The limits and shapes that hold in both directions.
Status check(const Envelope& e) {
    if (e.timestamp && *e.timestamp < WallTime{})
        return wrong("timestamp is before 1970");
    if (e.expiry && *e.expiry < WallTime{})
        return wrong("expiry is before 1970");
    if (e.key && e.key->size() > Envelope::key_bytes_max)
        return over("key", e.key->size(), Envelope::key_bytes_max, "bytes");
    if (e.content_type) {
        if (e.content_type->size() > Envelope::content_type_bytes_max)
            return over("content type", e.content_type->size(), Envelope::content_type_bytes_max,
                        "bytes");
        if (e.content_type->empty() || !is_printable(*e.content_type))
            return wrong("content type is empty or not printable ASCII");
    }
    if (e.traceparent && !is_traceparent(*e.traceparent))
        return wrong("traceparent is not of the form 00-TRACE-PARENT-FLAGS in lower-case hex");
    if (e.headers.size() > Envelope::headers_max)
        return fail(Errc::too_many, "the envelope has more than " +
                                        std::to_string(Envelope::headers_max) + " headers");
    for (const Header& header : e.headers) {
        if (header.name.size() > Envelope::header_name_bytes_max)
            return over("header name", header.name.size(), Envelope::header_name_bytes_max,
                        "bytes");
        if (!is_header_name(header.name))
            return wrong("header name is empty or not printable ASCII without space");
        if (header.value.size() > Envelope::header_value_bytes_max)
            return over("header value", header.value.size(), Envelope::header_value_bytes_max,
                        "bytes");
    }
    return {};
}

std::size_t frame_size(const Envelope& e) noexcept {
    std::size_t size = head_bytes;
    const auto field = [&size](std::size_t bytes) { size += field_head_bytes + bytes; };
    if (e.id)
        field(e.id->size());
    if (e.timestamp)
        field(8);
    if (e.priority)
        field(1);
    if (e.expiry)
        field(8);
    if (e.key)
        field(e.key->size());
    if (e.content_type)
        field(e.content_type->size());
    if (e.traceparent)
        field(e.traceparent->size());
    for (const Header& header : e.headers)
        field(1 + header.name.size() + header.value.size());
    if (e.publisher_epoch)
        field(8);
    if (e.sequence)
        field(8);
    if (e.generation != 0)
        field(4);
    if (e.snapshot)
        field(1);
    return size;
}

class FieldWriter {
public:
    explicit FieldWriter(Writer& out) noexcept : out_(out) {}

    void bytes(Tag tag, ByteView value) {
        out_.u8(static_cast<std::uint8_t>(tag)).medium_bytes(value);
    }
    void u8(Tag tag, std::uint8_t value) { head(tag, 1).u8(value); }
    void u32(Tag tag, std::uint32_t value) { head(tag, 4).u32(value); }
    void u64(Tag tag, std::uint64_t value) { head(tag, 8).u64(value); }
    void time(Tag tag, WallTime value) {
        u64(tag, static_cast<std::uint64_t>(value.time_since_epoch().count()));
    }
    void header(const Header& header) {
        const std::size_t size = 1 + header.name.size() + header.value.size();
        head(Tag::header, size).short_bytes(header.name).bytes(header.value);
    }

private:
    Writer& head(Tag tag, std::size_t size) {
        return out_.u8(static_cast<std::uint8_t>(tag)).u16(static_cast<std::uint16_t>(size));
    }
    Writer& out_;
};

// Reads one field's value into the envelope. `seen` has a bit for each tag that may come once.
class FieldReader {
public:
    Status read(std::uint8_t tag, ByteView value) {
        switch (static_cast<Tag>(tag)) {
        case Tag::id:
            return id(value);
        case Tag::timestamp:
            return time(tag, value, envelope_.timestamp, "timestamp");
        case Tag::priority:
            return number<1>(tag, value, envelope_.priority, "priority");
        case Tag::expiry:
            return time(tag, value, envelope_.expiry, "expiry");
        case Tag::key:
            return text(tag, value, envelope_.key, "key");
        case Tag::content_type:
            return text(tag, value, envelope_.content_type, "content type");
        case Tag::traceparent:
            return text(tag, value, envelope_.traceparent, "traceparent");
        case Tag::header:
            return header(value);
        case Tag::publisher_epoch:
            return number<8>(tag, value, envelope_.publisher_epoch, "publisher epoch");
        case Tag::sequence:
            return number<8>(tag, value, envelope_.sequence, "sequence");
        case Tag::generation:
            return number<4>(tag, value, envelope_.generation, "generation");
        case Tag::flags: {
            std::uint8_t flags = 0;
            if (auto status = number<1>(tag, value, flags, "flags"); !status)
                return status;
            envelope_.snapshot = (flags & snapshot_flag) != 0; // other bits are for later versions
            return {};
        }
        }
        return {}; // from a newer peer: skipped
    }

    Envelope take() { return std::move(envelope_); }
    const Envelope& envelope() const noexcept { return envelope_; }

private:
    Status once(std::uint8_t tag, std::size_t size, std::size_t expected, const char* what) {
        const std::uint32_t bit = std::uint32_t{1} << tag;
        if (seen_ & bit)
            return wrong(std::string(what) + " is there twice");
        seen_ |= bit;
        if (size != expected)
            return wrong(std::string(what) + " has " + std::to_string(size) + " bytes instead of " +
                         std::to_string(expected));
        return {};
    }

    template <std::size_t width, class Field>
    Status number(std::uint8_t tag, ByteView value, Field& field, const char* what) {
        if (auto status = once(tag, value.size(), width, what); !status)
            return status;
        Reader reader(value);
        if constexpr (width == 1)
            field = reader.u8();
        else if constexpr (width == 4)
            field = reader.u32();
        else
            field = reader.u64();
        return {};
    }

    Status time(std::uint8_t tag, ByteView value, std::optional<WallTime>& field,
                const char* what) {
        std::uint64_t ns = 0;
        if (auto status = number<8>(tag, value, ns, what); !status)
            return status;
        if (ns > static_cast<std::uint64_t>(Duration::max().count()))
            return wrong(std::string(what) + " is out of range");
        field = WallTime{Duration{static_cast<Duration::rep>(ns)}};
        return {};
    }

    Status text(std::uint8_t tag, ByteView value, std::optional<std::string>& field,
                const char* what) {
        if (auto status = once(tag, value.size(), value.size(), what); !status)
            return status;
        field.emplace(value);
        return {};
    }

    Status id(ByteView value) {
        Envelope::MessageId id{};
        if (auto status = once(1, value.size(), id.size(), "id"); !status)
            return status;
        std::copy(value.begin(), value.end(), id.begin());
        envelope_.id = id;
        return {};
    }

    Status header(ByteView value) {
        if (envelope_.headers.size() == Envelope::headers_max)
            return fail(Errc::too_many, "the envelope has more than " +
                                            std::to_string(Envelope::headers_max) + " headers");
        Reader reader(value);
        const ByteView name = reader.short_bytes();
        if (!reader.ok())
            return wrong("header name is cut off");
        envelope_.headers.push_back(Header{std::string{name}, std::string{reader.rest()}});
        return {};
    }

    Envelope envelope_;
    std::uint32_t seen_ = 0;
};

} // namespace

bool is_traceparent(std::string_view text) noexcept {
    if (text.size() != Envelope::traceparent_bytes || text[2] != '-' || text[35] != '-' ||
        text[52] != '-')
        return false;
    const auto trace = text.substr(3, 32);
    const auto parent = text.substr(36, 16);
    return is_lower_hex(text.substr(0, 2)) && text.substr(0, 2) != "ff" && is_lower_hex(trace) &&
           !is_zeros(trace) && is_lower_hex(parent) && !is_zeros(parent) &&
           is_lower_hex(text.substr(53));
}

bool has_envelope_magic(ByteView frame) noexcept {
    return frame.size() >= head_bytes && frame.substr(0, magic.size()) == magic;
}

Status encode(const Envelope& e, Writer& out) {
    if (auto status = check(e); !status)
        return status;
    const std::size_t size = frame_size(e);
    if (size > Envelope::frame_bytes_max)
        return fail(Errc::too_large, "the envelope has " + std::to_string(size) +
                                         " bytes; the limit is " +
                                         std::to_string(Envelope::frame_bytes_max));
    out.bytes(magic).u8(version).u32(static_cast<std::uint32_t>(size));
    FieldWriter fields(out);
    if (e.id)
        fields.bytes(Tag::id, ByteView{e.id->data(), e.id->size()});
    if (e.timestamp)
        fields.time(Tag::timestamp, *e.timestamp);
    if (e.priority)
        fields.u8(Tag::priority, *e.priority);
    if (e.expiry)
        fields.time(Tag::expiry, *e.expiry);
    if (e.key)
        fields.bytes(Tag::key, *e.key);
    if (e.content_type)
        fields.bytes(Tag::content_type, *e.content_type);
    if (e.traceparent)
        fields.bytes(Tag::traceparent, *e.traceparent);
    for (const Header& header : e.headers)
        fields.header(header);
    if (e.publisher_epoch)
        fields.u64(Tag::publisher_epoch, *e.publisher_epoch);
    if (e.sequence)
        fields.u64(Tag::sequence, *e.sequence);
    if (e.generation != 0)
        fields.u32(Tag::generation, e.generation);
    if (e.snapshot)
        fields.u8(Tag::flags, snapshot_flag);
    return {};
}

Result<std::string> encode(const Envelope& envelope) {
    Writer out;
    if (auto status = encode(envelope, out); !status)
        return fail(std::move(status.error()));
    return out.take();
}

Result<Envelope> decode_envelope(ByteView frame) {
    if (!has_envelope_magic(frame))
        return fail(Errc::malformed, "the frame is not an envelope");
    Reader reader(frame.substr(magic.size()));
    if (const auto found = reader.u8(); found != version)
        return fail(Errc::unsupported, "the envelope has version " + std::to_string(found) +
                                           "; this reads version " + std::to_string(version));
    if (frame.size() > Envelope::frame_bytes_max)
        return over("frame", frame.size(), Envelope::frame_bytes_max, "bytes");
    if (const auto length = reader.u32(); length != frame.size())
        return wrong("length says " + std::to_string(length) + " bytes; the frame has " +
                     std::to_string(frame.size()));
    FieldReader fields;
    for (std::size_t count = 0; reader.left() > 0; ++count) {
        if (count == Envelope::fields_max)
            return fail(Errc::too_many, "the envelope has more than " +
                                            std::to_string(Envelope::fields_max) + " fields");
        const std::uint8_t tag = reader.u8();
        const ByteView value = reader.medium_bytes();
        if (!reader.ok())
            return wrong("field with tag " + std::to_string(tag) + " is cut off");
        if (auto status = fields.read(tag, value); !status)
            return fail(std::move(status.error()));
    }
    if (auto status = check(fields.envelope()); !status)
        return fail(std::move(status.error()));
    return fields.take();
}

Result<std::string> mark_snapshot(ByteView frame) {
    if (const auto whole = decode_envelope(frame); !whole)
        return fail(whole.error());
    std::string marked{frame};
    Reader reader(frame.substr(head_bytes));
    std::size_t fields = 0;
    for (; reader.left() > 0; ++fields) {
        const std::uint8_t tag = reader.u8();
        const ByteView value = reader.medium_bytes();
        if (static_cast<Tag>(tag) != Tag::flags)
            continue;
        char& flags = marked[static_cast<std::size_t>(value.data() - frame.data())];
        flags = static_cast<char>(flags | snapshot_flag);
        return marked;
    }
    if (fields == Envelope::fields_max)
        return fail(Errc::too_many, "the envelope has no field left for the snapshot mark");
    if (frame.size() + field_head_bytes + 1 > Envelope::frame_bytes_max)
        return fail(Errc::too_large, "the envelope has no room left for the snapshot mark");
    Writer field;
    FieldWriter(field).u8(Tag::flags, snapshot_flag);
    marked += field.view();
    store_u32(marked.data() + magic.size() + 1, static_cast<std::uint32_t>(marked.size()));
    return marked;
}

} // namespace flotilla::wire
