// SPDX-License-Identifier: Apache-2.0
//
// A store's FLQ1 from a hostile peer: frames with u16 lengths are cut out of the input and read as
// a command and as every kind of answer. What is accepted must be written and read back alike.
#include <flotilla/base/check.hpp>
#include <flotilla/queue/codec.hpp>
#include <flotilla/wire/pack.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

using namespace flotilla;
using namespace flotilla::queue;

namespace {

wire::Frames frames_of(ByteView input) {
    wire::Frames message;
    wire::Reader reader(input);
    while (reader.left() > 0 && message.size() < 64) {
        const ByteView frame = reader.medium_bytes();
        message.add(reader.ok() ? frame : reader.rest());
    }
    return message;
}

void check_command(wire::Frames message) {
    const auto head = leased::read_head(message, 0);
    if (!head)
        return;
    const auto command = queue::read_command(*head, message);
    if (!command)
        return;
    wire::Frames again;
    write(head->envelope, *command, again);
    const auto back = queue::read_command(*leased::read_head(again, 0), again);
    FLOTILLA_CHECK(back && *back == *command, "a command changed on its way");
}

void check_event(Asked asked, wire::Frames message) {
    const auto head = leased::read_head(message, 0);
    if (!head)
        return;
    auto event = read_event(*head, asked, message);
    if (!event)
        return;
    wire::Frames again;
    write(head->envelope, std::move(*event), again);
    FLOTILLA_CHECK(read_event(*leased::read_head(again, 0), asked, again),
                   "an answer was not read back");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView input{reinterpret_cast<const char*>(data), size};
    check_command(frames_of(input));
    for (const Asked asked :
         {Asked::leased, Asked::put, Asked::stat, Asked::list, Asked::peek, Asked::other})
        check_event(asked, frames_of(input));
    return 0;
}
