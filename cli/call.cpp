// SPDX-License-Identifier: Apache-2.0
// `zmq call`: ask a service through a broker.
#include <cli/call/calls.hpp>
#include <cli/commands.hpp>

#include <memory>

namespace flotilla::cli {

namespace {

void add_call(Parser& parser, CallFlags& flags) {
    parser.add_option("SERVICE", flags.service, "Whom to ask").required();
    parser.add_option("BODY", flags.bodies,
                      "Requests, each of one frame; {{count}} {{rand MIN MAX}} {{time}} {{id}} are "
                      "replaced; - reads standard input");
    const char* group = "Traffic";
    add_count(parser, "-n,--count", flags.count, {1},
              "End after this many requests; arguments are repeated up to it")
        .group(group);
    add_count(parser, "-P,--parallel", flags.parallel, {1, 100'000},
              "Requests under way at once [1]; answers are printed in the order of the requests")
        .group(group);
    parser.add_flag("--unordered", flags.unordered, "Print each answer as soon as it comes")
        .group(group);
    add_duration(parser, "-t,--timeout", flags.timeout, "Longest wait for an answer [30s]; exit 3")
        .group(group);
    parser
        .add_flag("--once", flags.once,
                  "Never send a request again, for services whose work must not be done twice")
        .group(group);
    add_duration(parser, "--retry-after", flags.retry_after,
                 "Brokers of the RFCs: send again when no answer came for this long [5s]")
        .group(group);
    add_broker(parser, flags.broker);
    add_input(parser, flags.input);
    add_output(parser, flags.output);
}

} // namespace

Run declare_call(Parser& parser) {
    const auto flags = std::make_shared<CallFlags>();
    add_call(parser, *flags);
    parser.set_footer(
        "Each argument, or each line of standard input, is a request. Parts of an answer are "
        "printed\nas they come. A negative answer is told on stderr and ends with 4.\n\n"
        "Examples:\n"
        "  zmq call echo hello --broker tcp://127.0.0.1:5555\n"
        "  seq 1000 | zmq call square --parallel 64 --broker tcp://127.0.0.1:5555\n"
        "  zmq call resize --whole --format raw -b tcp://127.0.0.1:5555 < in.png > out.png\n"
        "  zmq call mmi.service echo --broker tcp://127.0.0.1:5555");
    return [flags](Terminal& terminal) { return run_call(*flags, terminal); };
}

} // namespace flotilla::cli
