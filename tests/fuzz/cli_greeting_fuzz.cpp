// SPDX-License-Identifier: Apache-2.0
// What zmq doctor reads from strangers: greetings, commands of a handshake, their properties.
#include <flotilla/base/check.hpp>

#include <cli/doctor/command_frame.hpp>
#include <cli/doctor/greeting.hpp>

#include <cstddef>
#include <cstdint>

using namespace flotilla;
using namespace flotilla::cli::doctor;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes{reinterpret_cast<const char*>(data), size};
    const GreetingOutcome outcome = judge_greeting(bytes);
    if (const auto* greeting = std::get_if<Greeting>(&outcome); greeting && greeting->major >= 3) {
        const GreetingOutcome again = judge_greeting(encode(*greeting));
        FLOTILLA_CHECK(std::get<Greeting>(again) == *greeting, "a greeting did not come back");
    }
    FLOTILLA_CHECK(size < greeting_bytes || !std::holds_alternative<MoreBytes>(outcome),
                   "as many bytes as a greeting has are enough to tell");
    FLOTILLA_CHECK(excerpt(bytes).size() <= 4 * 40 + 3, "an excerpt is short");
    const CommandOutcome command = decode_command(bytes);
    if (const auto* frame = std::get_if<CommandFrame>(&command)) {
        FLOTILLA_CHECK(frame->bytes <= size && frame->data.size() < command_bytes_max,
                       "a command is within its bytes and its limit");
        (void)decode_reason(frame->data);
        if (const auto properties = decode_properties(frame->data))
            (void)property(*properties, "Socket-Type");
    }
    return 0;
}
