// SPDX-License-Identifier: Apache-2.0
#include <cli/trace/teller.hpp>

namespace flotilla::cli::trace {

void add_telling(Parser& parser, TellFlags& flags) {
    const char* group = "Trace";
    parser
        .add_option("--traceparent", flags.trace,
                    "Only messages of this trace: the traceparent, its trace id, or how one begins")
        .type_name("TEXT")
        .group(group);
    parser
        .add_flag("--summary", flags.summary,
                  "At the end, what each step took on average and at most; and nothing before it")
        .group(group);
    parser.add_flag("--json", flags.json, "One JSON object a line, times in microseconds")
        .group(group);
}

Status Teller::tell(const wire::Frames& message, WallTime received) {
    const auto way = way_of(message, received);
    if (!way) {
        ++plain_;
        return {};
    }
    if (!flags_.trace.empty() && !is_of_trace(*way, flags_.trace)) {
        ++other_;
        return {};
    }
    totals_.add(*way);
    if (flags_.summary)
        return {};
    return out_.write(flags_.json ? way_json(*way) : way_text(*way));
}

Result<ExitCode> Teller::finish(ExitCode code, Terminal& terminal) {
    Status written;
    if (flags_.summary)
        written = out_.write(flags_.json ? totals_.json() : totals_.text());
    if (plain_ > 0)
        terminal.note("messages without an envelope, which holds the hops: " +
                      std::to_string(plain_));
    if (other_ > 0)
        terminal.note("messages of other traces: " + std::to_string(other_));
    const bool nothing = totals_.ways_total() == 0 && code == ExitCode::ok;
    return out_.finish(written, nothing ? ExitCode::nothing : code);
}

} // namespace flotilla::cli::trace
