// SPDX-License-Identifier: Apache-2.0
//
// Raw: what the verbs of raw sockets share: their flags, and the run of one socket by them.
#pragma once

#include <flotilla/base/exit_code.hpp>
#include <flotilla/net/socket.hpp>

#include <cli/format.hpp>
#include <cli/input.hpp>
#include <cli/options.hpp>
#include <cli/terminal.hpp>
#include <cli/traffic.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flotilla::cli {

struct OutputFlags {
    std::string format; // empty: text, or on a terminal text with unprintable frames quoted
    std::string pattern;
    std::string separator = "\\t";
};
void add_output(Parser& parser, OutputFlags& flags);
// Errors: bad_option.
Result<Format> make_format(const OutputFlags& flags);

struct RawFlags {
    const Parser* parser = nullptr; // where they were declared; the order of words is read there
    std::vector<std::string> words;
    SocketFlags socket;
    InputFlags input;
    OutputFlags output;
    std::optional<std::uint64_t> count;
    std::optional<Duration> interval;
    std::optional<Duration> timeout;
    std::optional<std::uint64_t> wait_peers;
    std::optional<std::string> wait_sub;
    std::vector<std::string> prefixes; // sub, xsub
    std::string routing_id;
    std::string overflow = "block"; // pub, xpub: "block", "lossy"
    bool echo = false;              // rep
    std::string reply;              // rep
};

// What a verb is, besides its flags.
struct RawVerb {
    net::SocketType type;
    TrafficRules::Flow flow;
    std::uint64_t peers_min = 0; // when --wait-peers is not given
};

// Runs the socket until the traffic ends. Data goes to stdout, the rest to `terminal`.
Result<ExitCode> run_raw(const RawVerb& verb, const RawFlags& flags, Terminal& terminal);

} // namespace flotilla::cli
