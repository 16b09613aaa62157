// SPDX-License-Identifier: Apache-2.0
//
// Selection: the messages of a recording that the flags choose, one after the other.
#pragma once

#include <cli/recording/reader.hpp>
#include <cli/recording/replay_flags.hpp>
#include <cli/terminal.hpp>

#include <cstdint>
#include <optional>

namespace flotilla::cli::recording {

class Selection {
public:
    // Both must outlive it.
    Selection(Reader& reader, const ReplayFlags& flags, Terminal& terminal)
        : reader_(reader), flags_(flags), terminal_(terminal) {}

    // The next one, or nothing at the end. Errors: io; damaged, unless --skip-damaged turns that
    // into a note.
    Result<std::optional<Message>> next();
    std::uint64_t given_total() const noexcept { return given_; }
    // At the end: what was left out, and whether the recorder ended in order.
    void note_rest();

private:
    Reader& reader_;
    const ReplayFlags& flags_;
    Terminal& terminal_;
    std::uint64_t given_ = 0;
    std::uint64_t passed_over_ = 0;
    bool at_end_ = false;
};

} // namespace flotilla::cli::recording
