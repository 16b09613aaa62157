// SPDX-License-Identifier: Apache-2.0
// `zmq record`: messages into a file (docs/protocol/recording.md).
#include <flotilla/base/units.hpp>
#include <flotilla/net/system.hpp>

#include <cli/commands.hpp>
#include <cli/recording/writer.hpp>
#include <cli/tap/pace.hpp>
#include <cli/tap/source.hpp>
#include <cli/words.hpp>

#include <memory>

namespace flotilla::cli {
namespace {

struct RecordFlags {
    std::string file;
    bool append = false;
    bool overwrite = false;
    tap::SourceFlags source;
    tap::PaceFlags pace;
};

std::string written(const recording::Writer& writer) {
    return counted(writer.messages_total(), "message") + ", " +
           counted(writer.written_bytes(), "byte");
}

Result<ExitCode> run_record(const RecordFlags& flags, Terminal& terminal) {
    if (flags.append && flags.overwrite)
        return fail(Errc::bad_option, "--append and --overwrite exclude each other");
    if (Status named = check_file_first(flags.file, "record"); !named)
        return fail(named.error());
    // First of all: who cannot write should not take a message from anybody.
    if (!flags.append && !flags.overwrite)
        if (Status free = recording::check_not_there(flags.file); !free)
            return fail(free.error());
    recording::FileOptions options;
    options.existing = flags.append      ? recording::Existing::append
                       : flags.overwrite ? recording::Existing::overwrite
                                         : recording::Existing::refuse;
    auto source = tap::Source::open(flags.source, terminal);
    if (!source)
        return fail(source.error());
    options.header = {recording::format_version, net::wall_now(), (*source)->description()};
    auto writer = recording::open_recording(flags.file, options);
    if (!writer)
        return fail(writer.error());
    const std::uint64_t before = writer->messages_total();
    const Instant start = net::now();
    tap::Take take;
    take.message = [&](tap::Seen seen, std::uint64_t) -> Status {
        return writer->add({seen.time, net::now() - start, seen.direction, std::move(seen.frames)});
    };
    // Whoever looks into the file, or kills us, finds all but the last moment.
    take.idle = [&] { return writer->flush(); };
    take.progress = [&] { return written(*writer); };
    take.drain_wait = flags.source.socket.linger;
    auto ended = tap::run(**source, flags.pace, take, terminal);
    const Status finished = writer->finish();
    if (!finished)
        return fail(recording::with_what_is_kept(finished.error(), *writer));
    if (!ended)
        return fail(ended.error());
    terminal.note(before == 0
                      ? "recorded " + written(*writer) + " in " + flags.file
                      : "recorded " + counted(writer->messages_total() - before, "message") +
                            " in " + flags.file + ", which holds " + written(*writer));
    return *ended;
}

} // namespace

Run declare_record(Parser& parser) {
    auto flags = std::make_shared<RecordFlags>();
    parser.add_option("FILE", flags->file, "The recording; - is stdout").required();
    tap::add_source(parser, flags->source, "sub");
    tap::add_pace(parser, flags->pace);
    parser.add_flag("--append", flags->append, "Go on behind what an old recording holds");
    parser.add_flag("--overwrite", flags->overwrite, "Give up what an old recording holds");
    parser.set_footer(
        "Records until -n, -t or Ctrl-C. What was written is readable at any moment; when\n"
        "the disk fills up, it says how many messages are kept (exit 1).\n\n"
        "Examples:\n"
        "  zmq record feed.rec tcp://127.0.0.1:5555\n"
        "  zmq record relay.rec --type capture tcp://127.0.0.1:5560 -t 10s\n"
        "  zmq record work.rec --kind streamer --frontend tcp://127.0.0.1:5555 "
        "--backend tcp://127.0.0.1:5556\n"
        "  zmq replay feed.rec @tcp://127.0.0.1:5555 --wait-peers 1");
    return [flags](Terminal& terminal) { return run_record(*flags, terminal); };
}

} // namespace flotilla::cli
