// SPDX-License-Identifier: Apache-2.0
//
// Request routing from a hostile peer: frames with u16 lengths are cut out of the input and read as
// a broker, a client and a worker would. Whatever is accepted must be written and read back alike;
// whatever is refused must be untouched and have a sender that can be named without harm.
#include <flotilla/base/check.hpp>
#include <flotilla/request/codec.hpp>
#include <flotilla/request/message_pack.hpp>
#include <flotilla/wire/pack.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

using namespace flotilla;
using namespace flotilla::request;

namespace {

using Read = Result<Message> (*)(wire::Frames&);

wire::Frames frames_of(ByteView input) {
    wire::Frames message;
    wire::Reader reader(input);
    while (reader.left() > 0 && message.size() < 64) {
        const ByteView frame = reader.medium_bytes();
        message.add(reader.ok() ? frame : reader.rest());
    }
    return message;
}

void check(Read read, const wire::Frames& input) {
    wire::Frames frames = input.share();
    auto first = read(frames);
    if (!first) {
        FLOTILLA_CHECK(frames == input, "a refused message was changed");
        (void)read_origin_at_broker(frames);
        return;
    }
    FLOTILLA_CHECK(can_say(first->dialect, first->verb), "a verb from nowhere");
    wire::Frames once;
    write(std::move(*first), once);
    wire::Frames again = once.share();
    auto second = read(again);
    FLOTILLA_CHECK(second, "what was written is not read");
    wire::Frames twice;
    write(std::move(*second), twice);
    FLOTILLA_CHECK(once == twice, "a message changed on its way");
}

// The last frame as the entries of a pack: what is read from it can be packed and read again.
void check_pack(const wire::Frames& input, PackReader::At at) {
    if (input.empty())
        return;
    const auto read = [at](ByteView entries, PackWriter& out) {
        PackReader pack({"FLR1", "pack", "", "", "", entries}, at);
        std::size_t count = 0;
        while (auto message = pack.next()) {
            if (!*message) {
                (void)pack.origin();
            } else if (PackWriter::takes(**message) && out.has_room()) {
                out.add(**message);
                ++count;
            }
        }
        return count;
    };
    PackWriter once;
    const std::size_t count = read(input.back(), once);
    if (count == 0)
        return;
    wire::Frames frames;
    once.finish(frames);
    FLOTILLA_CHECK(PackReader::is_pack(frames), "a pack that is none");
    PackWriter twice;
    FLOTILLA_CHECK(read(frames.back(), twice) == count, "a message was lost in a pack");
    wire::Frames again;
    twice.finish(again);
    FLOTILLA_CHECK(again == frames, "a pack changed on its way");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const wire::Frames frames = frames_of({reinterpret_cast<const char*>(data), size});
    check(read_at_broker, frames);
    check(read_at_client, frames);
    check(read_at_worker, frames);
    check_pack(frames, PackReader::At::broker);
    check_pack(frames, PackReader::At::worker);
    return 0;
}
