// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/units.hpp>
#include <flotilla/net/system.hpp>

#include <cli/json_lines.hpp>
#include <cli/output.hpp>
#include <cli/recording/inspect.hpp>
#include <cli/recording/selection.hpp>
#include <cli/recording/writer.hpp>
#include <cli/signals.hpp>
#include <cli/words.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace flotilla::cli::recording {
namespace {

void show_progress(const Reader& reader, Terminal& terminal) {
    if (!terminal.shows_progress())
        return;
    std::string text = counted(reader.state().messages_total(), "message");
    if (reader.file_bytes() > 0)
        text += ", " + std::to_string(reader.read_bytes() * 100 / reader.file_bytes()) + " %";
    terminal.progress(net::now(), text);
}

std::string bytes_read(const Reader& reader) {
    std::string text = counted(reader.read_bytes(), "byte");
    if (reader.file_bytes() > 0)
        text += " of " + std::to_string(reader.file_bytes());
    return text;
}

struct Found {
    std::uint64_t message_bytes = 0;
    std::vector<Scanner::Gap> gaps; // the first ones
    std::uint64_t gaps_total = 0;
};

constexpr std::size_t gaps_shown_max = 20;

std::string text_of(const Reader& reader, const Found& found) {
    const Scanner& state = reader.state();
    std::string text =
        "recording  " + reader.path() + "\nsource     " + reader.header().source + "\ncreated    " +
        format_iso_time(reader.header().created) + "\nmessages   " +
        std::to_string(state.messages_total()) + " in " + std::to_string(state.sessions_total()) +
        (state.sessions_total() == 1 ? " session, " : " sessions, ") +
        std::to_string(found.message_bytes) + " bytes\nlasts      " +
        format_duration(
            std::chrono::duration_cast<std::chrono::milliseconds>(state.last_offset())) +
        "\n";
    for (const Scanner::Gap& gap : found.gaps)
        text += "damage     " + describe(gap) + "\n";
    if (found.gaps_total > found.gaps.size())
        text +=
            "damage     and " + std::to_string(found.gaps_total - found.gaps.size()) + " more\n";
    return text + "state      " +
           (found.gaps_total > 0     ? "damaged; --repair NEWFILE saves what is good"
            : state.ended_in_order() ? "whole"
                                     : "good as far as it goes, but its recorder did not end it") +
           "\n";
}

std::string json_of(const Reader& reader, const Found& found) {
    const Scanner& state = reader.state();
    nlohmann::ordered_json json{{"file", reader.path()},
                                {"source", reader.header().source},
                                {"created", format_iso_time(reader.header().created)},
                                {"messages", state.messages_total()},
                                {"bytes", found.message_bytes},
                                {"sessions", state.sessions_total()},
                                {"duration_ns", state.last_offset().count()},
                                {"ended_in_order", state.ended_in_order()},
                                {"damaged_bytes", state.damaged_bytes_total()},
                                {"damage", nlohmann::ordered_json::array()}};
    for (const Scanner::Gap& gap : found.gaps)
        json["damage"].push_back({{"offset", gap.offset},
                                  {"bytes", gap.bytes},
                                  {"what", gap.what},
                                  {"messages_before", gap.messages_before}});
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

} // namespace

Result<ExitCode> check(const ReplayFlags& flags, Terminal& terminal) {
    auto reader = Reader::open(flags.file);
    if (!reader)
        return fail(reader.error());
    Found found;
    while (signal_caught() == 0) {
        auto next = reader->next();
        if (!next)
            return fail(next.error());
        if (std::holds_alternative<Scanner::Finished>(*next))
            break;
        if (const auto* message = std::get_if<Message>(&*next))
            found.message_bytes += message->frames.bytes();
        auto* gap = std::get_if<Scanner::Gap>(&*next);
        found.gaps_total += gap ? 1 : 0;
        if (gap && found.gaps.size() < gaps_shown_max)
            found.gaps.push_back(std::move(*gap));
        show_progress(*reader, terminal);
    }
    if (signal_caught() != 0) {
        terminal.note(reader->path() + ": stopped after " + bytes_read(*reader) +
                      "; whether it is whole is not known");
        return ExitCode::ok; // the program ends with the signal's code
    }
    Output out;
    return out.finish(out.write(flags.json ? json_of(*reader, found) : text_of(*reader, found)),
                      found.gaps_total > 0 ? ExitCode::runtime_error : ExitCode::ok);
}

Result<ExitCode> repair(const ReplayFlags& flags, Terminal& terminal) {
    auto reader = Reader::open(flags.file);
    if (!reader)
        return fail(reader.error());
    auto writer = open_recording(flags.repair, {Existing::refuse, reader->header()});
    if (!writer && writer.error().code == Errc::exists)
        return fail(Errc::exists, flags.repair + " exists; --repair writes a new file");
    if (!writer)
        return fail(writer.error());
    while (signal_caught() == 0) {
        auto next = reader->next();
        if (!next)
            return fail(next.error());
        if (std::holds_alternative<Scanner::Finished>(*next))
            break;
        if (const auto* gap = std::get_if<Scanner::Gap>(&*next))
            terminal.note(reader->path() + ": " + describe(*gap));
        else if (Status added = writer->add(std::get<Message>(*next)); !added)
            return fail(with_what_is_kept(added.error(), *writer));
        show_progress(*reader, terminal);
    }
    if (signal_caught() != 0) {
        // Without an end marker: what is there is good, and not all.
        if (Status flushed = writer->flush(); !flushed)
            return fail(with_what_is_kept(flushed.error(), *writer));
        terminal.note("stopped after " + bytes_read(*reader) + ": " + flags.repair +
                      " holds only " + counted(writer->messages_total(), "message"));
        return ExitCode::ok;
    }
    if (Status finished = writer->finish(); !finished)
        return fail(with_what_is_kept(finished.error(), *writer));
    terminal.note("saved " + counted(writer->messages_total(), "message") + " in " + flags.repair +
                  "; " + counted_were(reader->state().damaged_bytes_total(), "byte") + " no good");
    return ExitCode::ok;
}

Result<ExitCode> print(const ReplayFlags& flags, Terminal& terminal) {
    auto format = make_format(flags.output);
    if (!format)
        return fail(format.error());
    auto reader = Reader::open(flags.file);
    if (!reader)
        return fail(reader.error());
    Selection selection(*reader, flags, terminal);
    Output out;
    std::string text;
    while (signal_caught() == 0 && !out.closed()) {
        auto message = selection.next();
        if (!message) {
            // What came before the damage was printed; it belongs in front of the error.
            if (Status flushed = out.flush(); !flushed)
                return fail(flushed.error());
            return fail(message.error());
        }
        if (!*message)
            break;
        Shown shown{(*message)->frames};
        shown.number = selection.given_total();
        shown.time = (*message)->time;
        shown.type = "replay";
        shown.endpoint = reader->header().source;
        text.clear();
        Status done = format->append(text, shown);
        if (done)
            done = out.write(text);
        if (!done)
            return fail(done.error());
    }
    if (Status flushed = out.flush(); !flushed)
        return fail(flushed.error());
    selection.note_rest();
    return selection.given_total() == 0 ? ExitCode::nothing : ExitCode::ok;
}

} // namespace flotilla::cli::recording
