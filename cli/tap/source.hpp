// SPDX-License-Identifier: Apache-2.0
//
// Source: where tap and record get their messages: a relay's capture (docs/protocol/capture.md), a
// raw SUB or PULL socket, or a relay of our own that stands between two sides.
//
// One thread.
#pragma once

#include <flotilla/base/result.hpp>

#include <cli/options.hpp>
#include <cli/recording/format.hpp>
#include <cli/terminal.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace flotilla::cli::tap {

struct SourceFlags {
    const Parser* parser = nullptr; // where they were declared
    std::string type;               // "capture", "sub", "pull"
    std::vector<std::string> words;
    std::vector<std::string> prefixes; // sub: topics; capture: relays
    std::string kind;                  // inline: "forwarder", "queue", "streamer"
    std::vector<std::string> frontend;
    std::vector<std::string> backend;
    SocketFlags socket;
};
// ENDPOINT..., --type, -s, and for standing inline --kind, --frontend, --backend.
void add_source(Parser& parser, SourceFlags& flags, const std::string& default_type);

// One message, and for a captured one which relay it passed and as which.
struct Seen {
    wire::Frames frames{};
    WallTime time{};
    recording::Direction direction = recording::Direction::received;
    std::string relay{}; // empty: not captured
    std::uint64_t sequence = 0;
};

// Counts what a tap did not see, by the sequence numbers of what it saw. Pure.
class SequenceGaps {
public:
    // Numbers count from 1; a number that is not above the last one is a restarted relay's.
    enum class Start : std::uint8_t { anywhere, at_one };
    explicit SequenceGaps(Start start) noexcept : start_(start) {}
    // Each relay numbers by itself, each direction; of more than 1000 relays the rest is not
    // looked at.
    void see(const std::string& relay, recording::Direction direction, std::uint64_t sequence);
    std::uint64_t missed_total() const noexcept { return missed_; }

private:
    Start start_;
    std::map<std::string, std::array<std::uint64_t, 3>> last_{};
    std::uint64_t missed_ = 0;
};

class Source {
public:
    // Errors: bad_option (flags that contradict each other), bad_endpoint, and those of sockets.
    static Result<std::unique_ptr<Source>> open(const SourceFlags& flags, Terminal& terminal);
    virtual ~Source() = default;

    // The next message, if one is there; never waits. What is over a limit or not a capture is
    // noted on the terminal and passed over. Errors: refused (the only peer denied us), stopped.
    virtual Result<std::optional<Seen>> next() = 0;
    // Waits until there may be one, at most `wait`.
    virtual Status turn(Duration wait) = 0;
    // "sub tcp://127.0.0.1:5555"
    virtual std::string description() const = 0;
    virtual std::string endpoint_text() const = 0;
    // Who is at the other end, as Link::peers_text(), and how to learn more; inline: nothing.
    virtual std::string peers_text() const { return {}; }
    // Messages that a capture numbered and that did not come; 0 for raw sockets, who cannot know.
    virtual std::uint64_t missed_total() const = 0;
    // What next() gives is taken from others, to whom it would have gone.
    virtual bool takes() const { return false; }
    // Inline: passes on what it holds, for at most `wait`. What next() then still gives is the
    // rest. False: nothing is held here, and next() may never come to an end.
    virtual bool drain(Duration wait) = 0;
};

} // namespace flotilla::cli::tap
