// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/request/codec.hpp>
#include <flotilla/request/codec_flotilla.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace flotilla::request {
namespace {

using detail::Receiver;

// The header of a message, and where the rest begins.
struct Start {
    Dialect dialect{};
    Side side{}; // not of the flotilla dialect, where the verb tells
    bool delimited = false;
    std::size_t next = 0;
};

// As one number, by which those of one size are told apart without a call; 0: a longer one.
constexpr std::uint64_t key_of(ByteView header) noexcept {
    std::uint64_t key = 0;
    if (header.size() <= sizeof key)
        for (const char byte : header)
            key = key << 8 | static_cast<unsigned char>(byte);
    return key;
}

struct Known {
    constexpr Known(ByteView its_header, Dialect its_dialect, Side its_side)
        : header(its_header), dialect(its_dialect), side(its_side), key(key_of(its_header)) {}
    ByteView header;
    Dialect dialect;
    Side side;
    std::uint64_t key;
};
constexpr std::array<Known, 5> known{{
    {"MDPC02", Dialect::mdp_02, Side::client},
    {"MDPW02", Dialect::mdp_02, Side::worker},
    {"MDPC01", Dialect::mdp_01, Side::client},
    {"MDPW01", Dialect::mdp_01, Side::worker},
    {"FLR1", Dialect::flotilla, Side::client},
}};

// Headers that are met in the field and that nobody here speaks.
struct Foreign {
    ByteView header;
    const char* sentence;
};
constexpr std::array<Foreign, 7> foreign{{
    {"MDPC0X", "MDPC0X is a draft that never became 18/MDP; speak MDPC02"},
    {"MDPW0X", "MDPW0X is a draft that never became 18/MDP; speak MDPW02"},
    {"MDPC03", "MDPC03 is OpenCMW's protocol, not a version of 18/MDP; speak MDPC02"},
    {"MDPW03", "MDPW03 is OpenCMW's protocol, not a version of 18/MDP; speak MDPW02"},
    {"C", "'C' is pigato's header; speak MDPC02"},
    {"W", "'W' is pigato's header; speak MDPW02"},
    {"FLQ1", "FLQ1 is leased work, which a source or a store speaks; this is a broker's protocol"},
}};

static_assert(std::all_of(known.begin(), known.end(),
                          [](const Known& each) { return each.key != 0; }));

Result<Start> read_start(const wire::Frames& frames) {
    Start start;
    start.delimited = !frames.empty() && frames[0].empty();
    const std::size_t at = start.delimited ? 1 : 0;
    start.next = at + 1;
    if (at >= frames.size())
        return fail(Errc::malformed, "the message has no header");
    const ByteView header = frames[at];
    const std::uint64_t key = key_of(header);
    for (const Known& each : known) {
        if (each.key != key || each.header.size() != header.size())
            continue;
        start.dialect = each.dialect;
        start.side = each.side;
        if (each.dialect == Dialect::mdp_01 && !start.delimited)
            return fail(Errc::malformed, std::string(header) +
                                             " comes behind an empty frame, which a DEALER has to "
                                             "send itself");
        return start;
    }
    for (const Foreign& each : foreign)
        if (each.header == header)
            return fail(Errc::unsupported, each.sentence);
    return fail(Errc::unsupported, "the first frame is no header of a known protocol; MDPC01, "
                                   "MDPC02, MDPW01, MDPW02 and FLR1 are");
}

// ---- the RFC dialects --------------------------------------------------------------------------

// Command bytes, by Verb; 0: there is none. In 0.2 the worker's later ones are shifted by one.
char command(Dialect dialect, Side side, Verb verb) noexcept {
    const bool old = dialect == Dialect::mdp_01;
    switch (verb) {
    case Verb::ready:
        return side == Side::worker ? 1 : 0;
    case Verb::request:
        return side == Side::worker ? 2 : 1;
    case Verb::partial:
        if (old)
            return 0;
        return side == Side::worker ? 3 : 2;
    case Verb::final:
        if (side == Side::client)
            return 3;
        return old ? 3 : 4;
    case Verb::heartbeat:
        if (side == Side::client)
            return 0;
        return old ? 4 : 5;
    case Verb::disconnect:
        if (side == Side::client)
            return 0;
        return old ? 5 : 6;
    default:
        return 0;
    }
}

Result<Verb> read_command(const wire::Frames& frames, Start& start, Receiver receiver) {
    // In 0.1 the client's side has no command: the direction tells.
    if (start.dialect == Dialect::mdp_01 && start.side == Side::client)
        return receiver == Receiver::broker ? Verb::request : Verb::final;
    if (start.next >= frames.size())
        return fail(Errc::malformed, "the message ends behind its header");
    const ByteView byte = frames[start.next++];
    if (byte.size() == 1)
        for (const Verb each : {Verb::request, Verb::partial, Verb::final, Verb::ready,
                                Verb::heartbeat, Verb::disconnect})
            if (byte[0] != 0 && byte[0] == command(start.dialect, start.side, each))
                return each;
    return fail(Errc::unsupported, "a command that this version of MDP does not have");
}

// Where the body of a worker's reply begins, whose address stands at `at`. The empty frame between
// is left out by some: then what follows is not empty. A lone empty frame is a reply without a body
// or without the delimiter, and means the same both ways.
std::size_t find_reply_body(const wire::Frames& frames, std::size_t at) {
    const bool delimited = at + 2 < frames.size() && frames[at + 1].empty();
    return delimited ? at + 2 : at + 1;
}

Status check_service(const wire::Frames& frames, std::size_t at) {
    if (at >= frames.size())
        return fail(Errc::malformed, "the message has no service");
    if (frames[at].empty() || frames[at].size() > limits::service_bytes_max)
        return fail(Errc::malformed, "the name of a service has 1 to 255 bytes");
    return {};
}

Status check_address(const wire::Frames& frames, std::size_t at, Receiver receiver) {
    if (at >= frames.size())
        return fail(Errc::malformed, "the message has no client address");
    if (frames[at].size() > limits::address_bytes_max)
        return fail(Errc::too_large, "a client address has at most 255 bytes");
    if (receiver != Receiver::worker)
        return {};
    if (frames[at].empty())
        return fail(Errc::malformed, "the message has no client address");
    if (at + 1 >= frames.size() || !frames[at + 1].empty())
        return fail(Errc::malformed, "an empty frame has to follow the client address");
    return {};
}

Status read_mdp(wire::Frames& frames, Start start, Receiver receiver, Message& message) {
    const auto verb = read_command(frames, start, receiver);
    if (!verb)
        return fail(verb.error());
    if (!detail::is_for(receiver, start.side, *verb))
        return fail(Errc::malformed,
                    "'" + std::string(name(*verb)) + "' goes in the other direction");
    const std::size_t at = start.next;
    const bool bare = *verb == Verb::heartbeat || *verb == Verb::disconnect;
    const bool named = start.side == Side::client || *verb == Verb::ready;
    Status ok{};
    std::size_t body_at = at + 1;
    if (bare)
        body_at = at;
    else if (named)
        ok = check_service(frames, at);
    else
        ok = check_address(frames, at, receiver);
    if (ok && !bare && !named)
        body_at = receiver == Receiver::worker ? at + 2 : find_reply_body(frames, at);
    if (ok && (bare || *verb == Verb::ready)) {
        if (frames.size() > body_at)
            ok = fail(Errc::malformed,
                      "'" + std::string(name(*verb)) + "' has frames that it should not have");
    } else if (ok) {
        ok = detail::check_body(frames, body_at);
    }
    if (!ok)
        return fail(std::move(ok.error()));

    message.dialect = start.dialect;
    message.side = start.side;
    message.verb = *verb;
    if (!bare)
        (named ? message.service : message.address) = std::move(frames[at]);
    detail::take_body(frames, body_at, message.body);
    return {};
}

template <class To>
void write_mdp(Message& message, To& frames) {
    const bool old = message.dialect == Dialect::mdp_01;
    if (!(old && message.side == Side::client)) {
        const char byte = command(message.dialect, message.side, message.verb);
        frames.add(ByteView{&byte, 1});
    }
    if (message.verb == Verb::heartbeat || message.verb == Verb::disconnect)
        return;
    if (message.side == Side::client || message.verb == Verb::ready) {
        frames.add(std::move(message.service));
        if (message.verb == Verb::ready)
            return;
    } else {
        frames.add(std::move(message.address));
        frames.add(ByteView{});
    }
    detail::write_body(message.body, frames);
}

Status read_into(Message& message, wire::Frames& frames, Receiver receiver) {
    const auto start = read_start(frames);
    if (!start)
        return fail(start.error());
    message.delimited = start->delimited;
    return start->dialect == Dialect::flotilla
               ? detail::read_flotilla(frames, start->next, receiver, message)
               : read_mdp(frames, *start, receiver, message);
}

// A Message is large: this one is made where the caller has it.
Result<Message> read(wire::Frames& frames, Receiver receiver) {
    Result<Message> message;
    if (Status done = read_into(*message, frames, receiver); !done)
        message = fail(std::move(done.error()));
    return message;
}

} // namespace

ByteView header(Dialect dialect, Side side) noexcept {
    for (const Known& each : known)
        if (each.dialect == dialect && (each.side == side || dialect == Dialect::flotilla))
            return each.header;
    return {};
}

Result<Message> read_at_broker(wire::Frames& frames) {
    return read(frames, Receiver::broker);
}
Result<Message> read_at_client(wire::Frames& frames) {
    return read(frames, Receiver::client);
}
Result<Message> read_at_worker(wire::Frames& frames) {
    return read(frames, Receiver::worker);
}

std::optional<Message> read_origin_at_broker(const wire::Frames& frames) {
    const auto start = read_start(frames);
    if (!start)
        return std::nullopt;
    Message message;
    if (start->dialect == Dialect::flotilla)
        message = detail::read_flotilla_origin(frames, start->next);
    message.dialect = start->dialect;
    if (start->dialect != Dialect::flotilla)
        message.side = start->side;
    message.delimited = start->delimited;
    return message;
}

ErrorCode error_code(Errc code) noexcept {
    switch (code) {
    case Errc::too_large:
    case Errc::too_many:
        return ErrorCode::too_large;
    case Errc::unsupported:
        return ErrorCode::unsupported;
    default:
        return ErrorCode::malformed;
    }
}

bool can_say(Dialect dialect, Verb verb) noexcept {
    switch (verb) {
    case Verb::request:
    case Verb::final:
    case Verb::ready:
    case Verb::heartbeat:
    case Verb::disconnect:
        return true;
    case Verb::partial:
        return dialect != Dialect::mdp_01;
    default:
        return dialect == Dialect::flotilla;
    }
}

namespace {

template <class To>
void write_to(Message& message, To& frames) {
    FLOTILLA_CHECK(can_say(message.dialect, message.verb), "the dialect has no such verb");
    if (message.delimited || message.dialect == Dialect::mdp_01)
        frames.add(ByteView{});
    frames.add(header(message.dialect, message.side));
    if (message.dialect == Dialect::flotilla)
        detail::write_flotilla(message, frames);
    else
        write_mdp(message, frames);
}

} // namespace

void write(Message&& message, wire::Frames& frames) {
    write_to(message, frames);
}
void write(Message&& message, wire::StagedMessages& frames) {
    write_to(message, frames);
}

} // namespace flotilla::request
