// SPDX-License-Identifier: Apache-2.0
// The flags of input and output, declared.
#include <cli/input.hpp>
#include <cli/raw.hpp>
#include <unistd.h>

namespace flotilla::cli {

void add_input(Parser& parser, InputFlags& flags) {
    const char* group = "Input";
    parser.add_option("-f,--file", flags.file, "Read messages from a file (- is stdin)")
        .type_name("FILE")
        .group(group);
    parser
        .add_option("-d,--delimiter", flags.delimiter,
                    "What ends a message in the input [\\n]; \\n \\t \\0 \\xHH are understood")
        .type_name("TEXT")
        .group(group);
    parser.add_flag("-0,--null", flags.nul, "Messages end with a NUL byte").group(group);
    add_choice(parser, "--len-prefix", flags.length_prefix, {"u32", "u32le"},
               "Messages begin with their length: four bytes, big- or little-endian")
        .group(group);
    parser.add_flag("--whole", flags.whole, "The whole input is one message").group(group);
    parser
        .add_flag("--json", flags.json,
                  R"(Messages are JSON lines, as --format json prints them: {"frames":["..."]})")
        .group(group);
    parser
        .add_option("-F,--frame-separator", flags.frame_separator,
                    "Splits a message into frames; escapes as for -d")
        .type_name("TEXT")
        .group(group);
    add_list(parser, "--frame", flags.frames, "TEXT",
             "One frame of the one message to send; may be repeated")
        .group(group);
    parser
        .add_flag("--literal", flags.literal,
                  "Leave {{count}} {{rand MIN MAX}} {{time}} {{id}} in arguments as they are")
        .group(group);
    parser
        .add_flag("--trace", flags.trace,
                  "Behind each message an envelope with a new traceparent and the time, for zmq "
                  "trace")
        .group(group);
    add_count(parser, "--seed", flags.seed, {}, "Makes {{rand}} and {{id}} repeatable")
        .group(group);
}

void add_output(Parser& parser, OutputFlags& flags) {
    const char* group = "Output";
    add_choice(parser, "--format", flags.format, Format::names(),
               "How messages are printed: one a line, frames separated by a tab. Default: text, "
               "and on a terminal unprintable frames quoted. raw: the bytes and nothing else")
        .group(group);
    parser
        .add_option("-o,--output", flags.pattern,
                    "Print by a pattern instead, and nothing but it: %n number, %t first frame, %p "
                    "the other frames, %f{N} frame N from 0, %l bytes, %T{iso|unix|ns} time, %i "
                    "routing id, %u user id, %e endpoint, %%; each may take {hex} {base64} {json} "
                    "{u32be-len}; \\n ends a line")
        .type_name("PATTERN")
        .group(group);
    parser.add_option("--separator", flags.separator, "Between frames [\\t]")
        .type_name("TEXT")
        .group(group);
}

Result<Format> make_format(const OutputFlags& flags) {
    if (!flags.pattern.empty() && !flags.format.empty())
        return fail(Errc::bad_option, "--format and -o exclude each other");
    if (!flags.pattern.empty())
        return Format::from_template(flags.pattern, flags.separator);
    return Format::named(flags.format, flags.separator,
                         is_terminal(STDOUT_FILENO) ? Format::Reader::person
                                                    : Format::Reader::program);
}

} // namespace flotilla::cli
