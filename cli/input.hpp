// SPDX-License-Identifier: Apache-2.0
//
// Input: what a verb sends, message by message: arguments, a file or standard input.
//
// Arguments are patterns (payload.hpp); bytes from files and standard input are sent as they are.
// Not thread-safe.
#pragma once

#include <flotilla/base/random.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/net/poller.hpp>
#include <flotilla/wire/frames.hpp>

#include <cli/json_lines.hpp>
#include <cli/payload.hpp>
#include <cli/splitter.hpp>
#include <command_line/parser.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace flotilla::cli {

using command_line::Parser;

struct InputFlags {
    std::string file;
    std::string delimiter = "\\n"; // escapes allowed
    bool nul = false;
    std::string length_prefix; // "u32", "u32le"
    bool whole = false;
    bool json = false;
    std::string frame_separator;     // -F; empty: a record is one frame
    std::vector<std::string> frames; // --frame
    std::optional<std::string> topic;
    bool literal = false;
    bool trace = false; // an envelope with a new traceparent comes behind each message
    std::optional<std::uint64_t> seed;
};
void add_input(Parser& parser, InputFlags& flags);

inline constexpr std::string_view routed_frames_text =
    "a router needs two frames: the routing id of the peer, and what to say. Write --frame ID "
    "--frame TEXT, or lines as ID:TEXT with -F :";

class Input {
public:
    struct Options {
        std::vector<std::string> messages{}; // from the command line; "-" alone: standard input
        std::uint64_t message_bytes_max = 64ULL << 20;
        // Arguments begin again at the first when all were sent.
        enum class Repeat : std::uint8_t { no, yes } repeat = Repeat::no;
        // ROUTER: the first frame is a routing id and may be written as 0x and hex; arguments need
        // another one.
        enum class Routing : std::uint8_t { none, first_frame } routing = Routing::none;
        std::uint64_t seed = 0; // when the flags have none
    };
    // Errors: bad_option (options that contradict each other); not_found; io.
    static Result<Input> open(const InputFlags& flags, Options options);
    Input(Input&&) noexcept;
    Input& operator=(Input&&) = delete;
    ~Input();

    // There is nothing to send: no argument, no file, and standard input is a terminal.
    bool absent() const noexcept { return kind_ == Kind::absent; }

    // The next message; nothing when it has not arrived yet (wait for descriptor()) or when the
    // input has ended. Errors: malformed, too_large, too_many, io; each names the record.
    Result<std::optional<wire::Frames>> next(WallTime now);
    bool ended() const noexcept { return ended_; }
    // What the line of the last message says in "meta"; empty unless it was JSON.
    using Meta = std::vector<std::pair<std::string, std::string>>;
    const Meta& meta() const noexcept { return meta_; }
    // Readable when next() may say more; -1 when it needs no waiting.
    int descriptor() const noexcept { return descriptor_; }

private:
    enum class Kind : std::uint8_t { absent, arguments, stream };
    Input() : splitter_({}), random_(0) {}
    Status open_stream(const InputFlags& flags, bool standard_input);
    Status set_patterns(const InputFlags& flags);
    Status set_framing(const InputFlags& flags);
    Status read_some();
    Result<std::optional<wire::Frames>> next_argument(WallTime now);
    Result<wire::Frames> compose(ByteView record);
    Result<wire::Frames> split_frames(ByteView record) const;
    Status finish_frames(wire::Frames& frames, WallTime now);

    Kind kind_ = Kind::absent;
    Options options_;
    Splitter splitter_;
    Random random_;
    std::vector<std::vector<Payload>> patterns_; // a message each, a frame each
    std::string frame_separator_;
    std::optional<std::string> topic_;
    std::string name_ = "stdin";
    std::uint64_t made_ = 0; // messages so far
    Meta meta_;
    int descriptor_ = -1;
    bool owns_descriptor_ = false;
    bool json_ = false;
    bool trace_ = false;
    bool ended_ = false;
};

// Whether a verb's poller wakes it when its input may say more; asked in each round.
class InputWatch {
public:
    void set(net::Poller& poller, const Input& input, bool wanted);

private:
    bool watches_ = false;
};

// What a verb makes messages of: each BODY, or the records of a file or of standard input.
struct Bodies {
    const InputFlags& input;
    const std::vector<std::string>& arguments;
    const std::optional<std::uint64_t>& count; // given: arguments begin again up to it
    std::uint64_t message_bytes_max;
    std::string verb; // "put", and what it is done with: "message"
    std::string noun;
};
// Errors: those of Input::open; bad_option (there is nothing to do it with: what would be).
Result<Input> open_bodies(const Bodies& bodies);

} // namespace flotilla::cli
