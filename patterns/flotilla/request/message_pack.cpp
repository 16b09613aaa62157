// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/request/codec.hpp>
#include <flotilla/request/codec_flotilla.hpp>
#include <flotilla/request/message_pack.hpp>

#include <utility>

namespace flotilla::request {
namespace {

constexpr ByteView verb = "pack";
constexpr std::size_t pack_frames = 6; // header, verb, id, service, options, entries
constexpr std::size_t head_frames = 4; // of an entry, beside its body

} // namespace

// ---- writing -----------------------------------------------------------------------------------

bool PackWriter::takes(const Message& message) {
    return message.dialect == Dialect::flotilla && !message.delimited &&
           message.body.size() < wire::Frames::frames_max - head_frames &&
           message.body.bytes() <= body_bytes_max;
}

void PackWriter::add(const Message& message) {
    FLOTILLA_CHECK(has_room(), "a pack is full");
    detail::write_entry(message, entries_);
    ++count_;
}

void PackWriter::add(ByteView frames, std::size_t frame_count) {
    FLOTILLA_CHECK(has_room(), "a pack is full");
    entries_.u16(static_cast<std::uint16_t>(frame_count)).bytes(frames);
    ++count_;
}

void PackWriter::finish(wire::Frames& frames) {
    FLOTILLA_CHECK(count_ > 0, "an empty pack");
    frames.add(header(Dialect::flotilla, Side::worker));
    frames.add(verb);
    for (std::size_t i = 2; i < pack_frames - 1; ++i)
        frames.add(ByteView{});
    frames.add(entries_.view());
    entries_.clear();
    count_ = 0;
}

// ---- reading -----------------------------------------------------------------------------------

bool PackReader::is_pack(const wire::Frames& frames) noexcept {
    return frames.size() == pack_frames && frames[1] == verb &&
           frames[0] == header(Dialect::flotilla, Side::worker);
}

PackReader::PackReader(wire::Frames&& pack, At at)
    : entries_(std::move(pack[pack_frames - 1])), rest_(entries_.view()), at_(at) {}

Status PackReader::too_many() {
    (void)take_entry(); // whoever sent the first of those that are dropped is told
    return fail(Errc::too_many, "a pack has at most 256 messages; the rest of it is dropped");
}

Status PackReader::take_entry() {
    frames_.clear();
    const std::size_t count = rest_.u16();
    if (count == 0 || count > wire::Frames::frames_max)
        return fail(Errc::malformed, "an entry of a pack has 1 to 1024 frames");
    for (std::size_t i = 0; i < count && rest_.ok(); ++i)
        frames_.add(rest_.long_bytes());
    return rest_.ok() ? Status{} : Status{fail(Errc::malformed, "a pack ends within an entry")};
}

std::optional<Result<Message>> PackReader::next() {
    if (!rest_.ok() || rest_.left() == 0)
        return std::nullopt;
    std::optional<Result<Message>> message{std::in_place};
    Status read = ++count_ > messages_max ? too_many() : take_entry();
    if (!read) { // and nothing behind it
        rest_ = wire::Reader{{}};
    } else {
        using detail::Receiver;
        const auto receiver = at_ == At::broker ? Receiver::broker : Receiver::worker;
        read = detail::read_flotilla(frames_, 0, receiver, **message);
    }
    if (!read)
        *message = fail(std::move(read.error()));
    return message;
}

Message PackReader::origin() const {
    return detail::read_flotilla_origin(frames_, 0);
}

} // namespace flotilla::request
