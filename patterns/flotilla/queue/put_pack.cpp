// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/queue/codec.hpp>
#include <flotilla/queue/put_pack.hpp>
#include <flotilla/queue/record_scan.hpp>

#include <cstring>
#include <string>

namespace flotilla::queue {
namespace {

constexpr std::uint8_t has_options = 64;

bool is_plain(const PutRecord& head) noexcept {
    return head.priority == 0 && head.delay == Duration::zero() && head.ttl == Duration::zero() &&
           head.message_id.empty();
}

Duration from_ms(std::uint64_t ms) noexcept {
    constexpr auto most = std::chrono::duration_cast<std::chrono::milliseconds>(Duration::max());
    if (ms > static_cast<std::uint64_t>(most.count()))
        return Duration::max();
    return std::chrono::milliseconds(static_cast<std::int64_t>(ms));
}

std::uint64_t ms_of(Duration duration) noexcept {
    return static_cast<std::uint64_t>(whole_ms(duration));
}

// One record off the front of [at, end). nullptr: not a whole and valid one.
const char* scan_put(const char* at, const char* end, PutRecord& put) noexcept {
    const char* const from = at;
    if (at == end)
        return nullptr;
    const auto flags = static_cast<std::uint8_t>(*at++);
    if ((flags & ~(scan::flag_key | has_options)) != 0)
        return nullptr;
    const auto left = [&] { return static_cast<std::size_t>(end - at); };
    const auto short_text = [&](std::string_view& text) {
        if (left() < 1 || left() - 1 < static_cast<unsigned char>(*at))
            return false;
        text = {at + 1, static_cast<unsigned char>(*at)};
        at += 1 + text.size();
        return true;
    };
    if ((flags & scan::flag_key) != 0 && (!short_text(put.key) || put.key.empty()))
        return nullptr;
    put.is_plain = (flags & has_options) == 0;
    if (!put.is_plain) {
        if (left() < 17)
            return nullptr;
        put.priority = static_cast<std::uint8_t>(*at);
        put.delay = from_ms(wire::load_u64(at + 1));
        put.ttl = from_ms(wire::load_u64(at + 9));
        at += 17;
        if (!short_text(put.message_id))
            return nullptr;
    }
    const scan::Body body = scan::body(at, end);
    if (!body.end)
        return nullptr;
    put.frames = body.frames;
    put.body_bytes = body.bytes;
    put.body = {at, static_cast<std::size_t>(body.end - at)};
    put.whole = {from, static_cast<std::size_t>(body.end - from)};
    return body.end;
}

} // namespace

// ---- writing -----------------------------------------------------------------------------------

void PutWriter::clear() noexcept {
    records_ = 0;
    out_.clear();
}

std::size_t PutWriter::record_bytes(const PutRecord& head, std::size_t frames,
                                    std::uint64_t body_bytes) noexcept {
    return 1 + (head.key.empty() ? 0 : 1 + head.key.size()) +
           (is_plain(head) ? 0 : 18 + head.message_id.size()) + 2 + 4 * frames +
           static_cast<std::size_t>(body_bytes);
}

void write_put_record(const PutRecord& head, std::span<const ByteView> frames, char* to) noexcept {
    const auto short_text = [&](std::string_view text) {
        *to++ = static_cast<char>(text.size());
        std::memcpy(to, text.data(), text.size());
        to += text.size();
    };
    const bool plain = is_plain(head);
    *to++ = static_cast<char>((head.key.empty() ? 0 : scan::flag_key) | (plain ? 0 : has_options));
    if (!head.key.empty())
        short_text(head.key);
    if (!plain) {
        *to = static_cast<char>(head.priority);
        wire::store_u64(to + 1, ms_of(head.delay));
        wire::store_u64(to + 9, ms_of(head.ttl));
        to += 17;
        short_text(head.message_id);
    }
    *to++ = static_cast<char>(frames.size() >> 8);
    *to++ = static_cast<char>(frames.size());
    for (const ByteView frame : frames) {
        wire::store_u32(to, static_cast<std::uint32_t>(frame.size()));
        if (!frame.empty())
            std::memcpy(to + 4, frame.data(), frame.size());
        to += 4 + frame.size();
    }
}

void PutWriter::begin(const PutRecord& head, std::size_t frames) {
    FLOTILLA_CHECK(frames >= 1 && frames <= leased::limits::body_frames_max,
                   "a message has 1 to 1000 frames");
    const bool plain = is_plain(head);
    out_.u8(static_cast<std::uint8_t>((head.key.empty() ? 0 : scan::flag_key) |
                                      (plain ? 0 : has_options)));
    if (!head.key.empty())
        out_.short_bytes(head.key);
    if (!plain)
        out_.u8(head.priority)
            .u64(ms_of(head.delay))
            .u64(ms_of(head.ttl))
            .short_bytes(head.message_id);
    out_.u16(static_cast<std::uint16_t>(frames));
    ++records_;
}

void PutWriter::add_frame(ByteView frame) {
    out_.long_bytes(frame);
}

ByteView PutWriter::finish(wire::Compressor& compressor) {
    return compressor.region(out_.view());
}

// ---- reading -----------------------------------------------------------------------------------

std::size_t put_record_bytes(ByteView records) noexcept {
    PutRecord put;
    const char* const end = scan_put(records.data(), records.data() + records.size(), put);
    return end ? static_cast<std::size_t>(end - records.data()) : 0;
}

Result<PutReader> PutReader::open(ByteView packed, wire::Expander& expander) {
    const auto bytes = expander.bytes(packed, limits::packed_bytes_max);
    if (!bytes)
        return fail(bytes.error());
    PutReader reader;
    reader.rest_ = *bytes;
    const char* at = bytes->data();
    const char* const end = at + bytes->size();
    while (at != end) {
        PutRecord put;
        at = scan_put(at, end, put);
        if (!at)
            return fail(Errc::malformed, "record " + std::to_string(reader.records_) +
                                             " of a packed put is not whole and valid");
        if (++reader.records_ > limits::packed_messages_max)
            return fail(Errc::too_many, "a packed put has over " +
                                            std::to_string(limits::packed_messages_max) +
                                            " messages");
    }
    if (reader.records_ == 0)
        return fail(Errc::malformed, "a packed put has no message");
    reader.left_ = reader.records_;
    return reader;
}

std::optional<PutRecord> PutReader::next() {
    if (left_ == 0)
        return std::nullopt;
    PutRecord put;
    const char* const end = scan_put(rest_.data(), rest_.data() + rest_.size(), put);
    FLOTILLA_CHECK(end, "the bytes of a packed put changed while they were read");
    rest_.remove_prefix(put.whole.size());
    --left_;
    return put;
}

PutRun PutReader::next_run(const RunLimits& limits) {
    PutRun run;
    const char* at = rest_.data();
    const char* const end = at + rest_.size();
    while (run.count < left_ && run.count < limits.records) {
        PutRecord put;
        const char* const next = scan_put(at, end, put);
        FLOTILLA_CHECK(next, "the bytes of a packed put changed while they were read");
        if (!put.is_plain || put.body_bytes + put.key.size() > limits.message_bytes ||
            static_cast<std::size_t>(next - rest_.data()) > limits.bytes)
            break;
        at = next;
        ++run.count;
        run.body_bytes += put.body_bytes;
        run.key_bytes += put.key.size();
    }
    run.records = rest_.substr(0, static_cast<std::size_t>(at - rest_.data()));
    rest_.remove_prefix(run.records.size());
    left_ -= run.count;
    return run;
}

} // namespace flotilla::queue
