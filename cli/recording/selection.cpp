// SPDX-License-Identifier: Apache-2.0
#include <cli/recording/selection.hpp>

namespace flotilla::cli::recording {
namespace {

wire::Frames without_first(wire::Frames frames, std::uint64_t count) {
    if (count == 0)
        return frames;
    wire::Frames rest;
    for (std::size_t i = static_cast<std::size_t>(count); i < frames.size(); ++i)
        rest.add(std::move(frames[i]));
    return rest;
}

} // namespace

Result<std::optional<Message>> Selection::next() {
    while (!at_end_ && given_ < flags_.count.value_or(UINT64_MAX)) {
        auto next = reader_.next();
        if (!next)
            return fail(next.error());
        if (std::holds_alternative<Scanner::Finished>(*next)) {
            at_end_ = true;
            break;
        }
        if (const auto* gap = std::get_if<Scanner::Gap>(&*next)) {
            const std::string text = reader_.path() + ": " + describe(*gap);
            if (!flags_.skip_damaged)
                return fail(Errc::damaged,
                            text + (gap->is_tail ? "" : "; --skip-damaged goes on behind it"));
            terminal_.note(text);
            continue;
        }
        auto& message = std::get<Message>(*next);
        const bool has_frames = message.frames.size() > flags_.strip;
        if (!has_frames || !is_chosen(flags_, message.direction)) {
            ++passed_over_;
            continue;
        }
        message.frames = without_first(std::move(message.frames), flags_.strip);
        ++given_;
        return std::optional(std::move(message));
    }
    return std::optional<Message>{};
}

void Selection::note_rest() {
    if (passed_over_ > 0)
        terminal_.note(std::to_string(passed_over_) +
                       " messages were left out (--direction, --strip)");
    if (at_end_ && !reader_.state().ended_in_order())
        terminal_.note(
            reader_.path() + " has no end marker: its recorder was killed, or still runs" +
            (reader_.state().damaged_bytes_total() == 0 ? "; all that is there was good" : ""));
}

} // namespace flotilla::cli::recording
