// SPDX-License-Identifier: Apache-2.0
//
// Hops: where a message was on its way, and when. Each instance of a relay, broker or store that is
// told to (hop_record) adds one header to the envelope of a message that carries one, and never
// touches any other message. docs/protocol/trace.md is the specification.
//
//     header "flotilla.hop" = came SP left SP kind SP instance
//     came, left            = 16 digits: microseconds since 1970, of that instance's clock
//
// The numbers have a fixed width, so that the time of leaving is set where it stands. The encoded
// frame is edited as it is: fields that this version does not know stay. Pure; a HopStamp is
// immutable and safe from every thread.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/wire/envelope.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::wire {

struct Hop {
    static constexpr std::string_view header_name = "flotilla.hop";
    static constexpr std::size_t kind_bytes_max = 16;
    static constexpr std::size_t instance_bytes_max = 64;
    // In one envelope. A reader that finds so many knows that there may have been more.
    static constexpr std::size_t hops_max = 16;

    WallTime came{}; // whole microseconds
    WallTime left{};
    std::string kind{};     // "relay", "broker", "store"
    std::string instance{}; // printable ASCII without blanks
    friend bool operator==(const Hop&, const Hop&) = default;
};

// A header's value. Nothing: it is not one.
std::optional<Hop> parse_hop(ByteView value);
// In the order in which they were added; headers of that name that are none are passed over.
std::vector<Hop> hops_of(const Envelope& envelope);

// What one instance adds.
class HopStamp {
public:
    // What of `instance` cannot stand in a hop becomes '_', and is cut at instance_bytes_max.
    HopStamp(std::string_view kind, std::string_view instance);

    enum class Edit : std::uint8_t {
        stamped,
        no_envelope, // not one, or one that breaks the grammar: nothing is changed
        no_room,     // hops_max, or a limit of the envelope: nothing is changed
    };
    // `out` becomes the frame with one hop more; its memory is used again. Not `frame`'s own.
    Edit stamp(ByteView frame, WallTime came, WallTime left, std::string& out) const;
    // How many bytes stamp() adds.
    std::size_t bytes() const noexcept { return field_.size(); }

    // The last field of the frame is this instance's hop.
    bool is_last_of(ByteView frame) const noexcept;
    // Sets its time of leaving; `frame` of `size` bytes, for which is_last_of() holds.
    void set_left(char* frame, std::size_t size, WallTime left) const noexcept;

private:
    std::string field_; // tag, sizes, name and value, with zeros for the times
};

} // namespace flotilla::wire
