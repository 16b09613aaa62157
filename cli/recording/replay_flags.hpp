// SPDX-License-Identifier: Apache-2.0
// ReplayFlags: what `zmq replay` was told, and which messages of a recording that chooses.
#pragma once

#include <cli/options.hpp>
#include <cli/raw.hpp>
#include <cli/recording/format.hpp>

#include <optional>
#include <string>
#include <vector>

namespace flotilla::cli::recording {

struct ReplayFlags {
    const Parser* parser = nullptr;
    std::string file;
    std::vector<std::string> words;
    std::string type = "pub";
    std::string speed = "1";
    std::uint64_t wait_peers = 1;
    Duration timeout = 30s;
    std::string direction = "forward"; // "forward", "to_frontend", "all"
    std::uint64_t strip = 0;           // frames
    std::optional<std::uint64_t> count;
    bool skip_damaged = false;
    bool check = false;
    bool json = false;
    bool print = false;
    std::string repair; // the new file
    OutputFlags output;
    SocketFlags socket;
};

inline bool is_chosen(const ReplayFlags& flags, Direction direction) {
    return flags.direction == "all" ||
           (flags.direction == "forward") == (direction != Direction::to_frontend);
}

} // namespace flotilla::cli::recording
