// SPDX-License-Identifier: Apache-2.0
//
// FLQ1 from a hostile peer: frames with u16 lengths are cut out of the input and read as a command,
// as an event and as a packed delivery. Whatever is accepted must be written and read back alike;
// what a daemon says to a stranger must be as the stranger's protocol allows it.
#include <flotilla/base/check.hpp>
#include <flotilla/wire/foreign.hpp>
#include <flotilla/wire/leased.hpp>
#include <flotilla/wire/leased_pack.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

using namespace flotilla;
using namespace flotilla::wire;

namespace {

Frames frames_of(ByteView input) {
    Frames message;
    Reader reader(input);
    while (reader.left() > 0 && message.size() < 64) {
        const ByteView frame = reader.medium_bytes();
        message.add(reader.ok() ? frame : reader.rest());
    }
    return message;
}

void check_command(Frames message) {
    const auto head = leased::read_head(message, 0);
    if (!head)
        return;
    const auto command = leased::read_command(*head, message);
    if (!command)
        return;
    Frames again;
    leased::write(head->envelope, *command, again);
    const auto back = leased::read_command(*leased::read_head(again, 0), again);
    FLOTILLA_CHECK(back && *back == *command, "a command changed on its way");
}

void check_event(Frames message) {
    const auto head = leased::read_head(message, 0);
    if (!head)
        return;
    auto event = leased::read_event(*head, message);
    if (!event)
        return;
    if (auto* packed = std::get_if<leased::DeliverPacked>(&*event)) {
        Expander expander;
        auto reader = leased::PackedReader::open(packed->packed.share(), expander);
        std::size_t records = 0;
        while (reader && records < reader->records()) {
            auto record = reader->next();
            for (std::uint16_t i = 0; i < record->frames; ++i)
                (void)reader->cut(leased::next_frame(record->body));
            FLOTILLA_CHECK(record->body.empty(), "a record has bytes left");
            ++records;
        }
    }
    Frames again;
    leased::write(head->envelope, std::move(*event), again);
    FLOTILLA_CHECK(leased::read_event(*leased::read_head(again, 0), again),
                   "an event was not read back");
}

void check_refusals(const Frames& message) {
    constexpr std::string_view who = "somebody else";
    (void)refuse_majordomo_speaker(message, who);
    (void)refuse_admin_speaker(message, who);
    auto refusal = refuse_queue_speaker(message, who);
    if (!refusal)
        return;
    const auto head = leased::read_head(*refusal, 0);
    FLOTILLA_CHECK(head && leased::read_event(*head, *refusal), "a refusal cannot be read");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView input{reinterpret_cast<const char*>(data), size};
    check_command(frames_of(input));
    check_event(frames_of(input));
    check_refusals(frames_of(input));
    Expander expander;
    (void)leased::PackedReader::open(Blob::copy(input), expander);
    return 0;
}
