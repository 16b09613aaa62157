// SPDX-License-Identifier: Apache-2.0
// `zmq tap`: print what passes a relay, from its capture or standing inline.
#include <flotilla/net/system.hpp>

#include <cli/commands.hpp>
#include <cli/json_lines.hpp>
#include <cli/output.hpp>
#include <cli/raw.hpp>
#include <cli/tap/pace.hpp>
#include <cli/tap/source.hpp>

#include <memory>

namespace flotilla::cli {
namespace {

struct TapFlags {
    tap::SourceFlags source;
    tap::PaceFlags pace;
    OutputFlags output;
};

class TapPrinter {
public:
    TapPrinter(const TapFlags& flags, const tap::Source& source, Format format)
        : json_(flags.output.format == "json"), type_(flags.source.type),
          endpoint_(source.endpoint_text()), format_(std::move(format)) {}

    Status print(tap::Seen seen, std::uint64_t number) {
        text_.clear();
        if (json_) {
            MessageLine line{seen.time, type_, endpoint_, std::move(seen.frames), {}};
            if (!seen.relay.empty())
                line.meta = {{"relay", seen.relay},
                             {"direction", std::string(recording::name(seen.direction))},
                             {"sequence", std::to_string(seen.sequence)}};
            append_json_line(text_, line);
            return out_.write(text_);
        }
        Shown shown{seen.frames};
        shown.number = number;
        shown.time = seen.time;
        shown.type = type_;
        shown.endpoint = endpoint_;
        if (Status formatted = format_.append(text_, shown); !formatted)
            return formatted;
        return out_.write(text_);
    }
    Output& out() noexcept { return out_; }

private:
    bool json_;
    std::string type_;
    std::string endpoint_;
    Format format_;
    Output out_;
    std::string text_;
};

Result<ExitCode> run_tap(const TapFlags& flags, Terminal& terminal) {
    auto format = make_format(flags.output);
    if (!format)
        return fail(format.error());
    auto source = tap::Source::open(flags.source, terminal);
    if (!source)
        return fail(source.error());
    TapPrinter printer(flags, **source, std::move(*format));
    tap::Take take;
    take.message = [&](tap::Seen seen, std::uint64_t number) {
        return printer.print(std::move(seen), number);
    };
    take.idle = [&] { return printer.out().flush(); };
    take.closed = [&] { return printer.out().closed(); };
    take.drain_wait = flags.source.socket.linger;
    auto ended = tap::run(**source, flags.pace, take, terminal);
    if (!ended)
        return fail(ended.error());
    return printer.out().finish({}, *ended);
}

} // namespace

Run declare_tap(Parser& parser) {
    auto flags = std::make_shared<TapFlags>();
    tap::add_source(parser, flags->source, "capture");
    tap::add_pace(parser, flags->pace);
    add_output(parser, flags->output);
    parser.set_footer(
        "Listens to a relay's capture (flotilla-relay --capture), or is itself the relay.\n"
        "It never slows a relay that it listens to: what it misses is counted and said.\n"
        "With --format json each line says the relay, direction and sequence. Recording\n"
        "and replaying are zmq record and zmq replay.\n\n"
        "Examples:\n"
        "  zmq tap tcp://127.0.0.1:5560\n"
        "  zmq tap tcp://127.0.0.1:5560 -s prices.in --format json | jq -c .frames\n"
        "  zmq tap --kind queue --frontend tcp://127.0.0.1:5555 --backend '>tcp://127.0.0.1:5556'");
    return [flags](Terminal& terminal) { return run_tap(*flags, terminal); };
}

} // namespace flotilla::cli
