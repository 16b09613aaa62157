// SPDX-License-Identifier: Apache-2.0
// `zmq trace`: where messages spent their time, by the hops in their envelopes.
#include <cli/commands.hpp>
#include <cli/recording/reader.hpp>
#include <cli/signals.hpp>
#include <cli/tap/pace.hpp>
#include <cli/tap/source.hpp>
#include <cli/trace/teller.hpp>

#include <memory>

namespace flotilla::cli {

namespace {

struct TraceFlags {
    std::string recording;
    tap::SourceFlags source;
    tap::PaceFlags pace;
    trace::TellFlags tell;
};

Result<ExitCode> from_recording(const TraceFlags& flags, Terminal& terminal) {
    if (!flags.source.words.empty())
        return fail(Errc::bad_option, "--recording and an ENDPOINT exclude each other");
    auto reader = recording::Reader::open(flags.recording);
    if (!reader)
        return fail(reader.error());
    trace::Teller teller(flags.tell);
    const std::uint64_t wanted = flags.pace.count.value_or(UINT64_MAX);
    for (std::uint64_t read = 0; read < wanted && !teller.out().closed() && signal_caught() == 0;) {
        auto next = reader->next();
        if (!next)
            return fail(next.error());
        if (std::holds_alternative<recording::Scanner::Finished>(*next))
            break;
        if (const auto* gap = std::get_if<recording::Scanner::Gap>(&*next)) {
            terminal.note(std::to_string(gap->bytes) + " bytes are damaged: " + gap->what);
            continue;
        }
        const auto& message = std::get<recording::Message>(*next);
        if (Status told = teller.tell(message.frames, message.time); !told)
            return fail(told.error());
        ++read;
    }
    return teller.finish(ExitCode::ok, terminal);
}

Result<ExitCode> from_source(const TraceFlags& flags, Terminal& terminal) {
    auto source = tap::Source::open(flags.source, terminal);
    if (!source)
        return fail(source.error());
    trace::Teller teller(flags.tell);
    tap::Take take;
    take.message = [&](tap::Seen seen, std::uint64_t) {
        return teller.tell(seen.frames, seen.time);
    };
    take.idle = [&] { return teller.flush(); };
    take.closed = [&] { return teller.out().closed(); };
    take.drain_wait = flags.source.socket.linger;
    auto ended = tap::run(**source, flags.pace, take, terminal);
    if (!ended)
        return fail(ended.error());
    return teller.finish(*ended, terminal);
}

} // namespace

Run declare_trace(Parser& parser) {
    const auto flags = std::make_shared<TraceFlags>();
    tap::add_source(parser, flags->source, "sub");
    parser
        .add_option("--recording", flags->recording,
                    "Read what zmq record wrote, instead of an ENDPOINT (- is stdin)")
        .type_name("FILE")
        .group("Source");
    tap::add_pace(parser, flags->pace);
    trace::add_telling(parser, flags->tell);
    parser.set_footer(
        "Daemons with hop_record on note in each message that carries an envelope when it "
        "came and left;\nzmq pub, push and queue put send one with --trace. WAY is the time "
        "from the step before, by two\nclocks; HELD is what an instance held it, by its "
        "own. zmq queue trace reads a queue.\n\n"
        "Examples:\n"
        "  zmq trace tcp://127.0.0.1:5556 -s prices.\n"
        "  zmq trace --type pull tcp://127.0.0.1:5558 -n 1000 --summary\n"
        "  zmq trace --recording feed.rec --traceparent 0af7651916cd43dd8448eb211c80319c");
    return [flags](Terminal& terminal) {
        return flags->recording.empty() ? from_source(*flags, terminal)
                                        : from_recording(*flags, terminal);
    };
}

} // namespace flotilla::cli
