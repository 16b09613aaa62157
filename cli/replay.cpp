// SPDX-License-Identifier: Apache-2.0
// `zmq replay`: a recording sent again, printed, checked or repaired.
#include <cli/commands.hpp>
#include <cli/recording/inspect.hpp>
#include <cli/recording/player.hpp>

#include <memory>

namespace flotilla::cli {
namespace {

using recording::ReplayFlags;

Status check_modes(const ReplayFlags& flags) {
    const int modes =
        (flags.check ? 1 : 0) + (flags.print ? 1 : 0) + (flags.repair.empty() ? 0 : 1);
    if (modes > 1)
        return fail(Errc::bad_option, "--check, --print and --repair exclude each other");
    if (modes == 1 && !flags.words.empty())
        return fail(Errc::bad_option,
                    "--check, --print and --repair send nothing, so they take no ENDPOINT");
    if (modes == 0 && flags.words.empty())
        return fail(Errc::bad_option, "where to? Give an ENDPOINT, or --print to look at it");
    if (flags.json && !flags.check)
        return fail(Errc::bad_option, "--json belongs to --check; --print takes --format json");
    return {};
}

Result<ExitCode> run_replay(const ReplayFlags& flags, Terminal& terminal) {
    if (Status named = check_file_first(flags.file, "replay"); !named)
        return fail(named.error());
    if (Status checked = check_modes(flags); !checked)
        return fail(checked.error());
    if (flags.check)
        return recording::check(flags, terminal);
    if (!flags.repair.empty())
        return recording::repair(flags, terminal);
    if (flags.print)
        return recording::print(flags, terminal);
    return recording::play(flags, terminal);
}

void add_sending(Parser& parser, ReplayFlags& flags) {
    add_choice(parser, "--type", flags.type, {"pub", "push", "dealer", "router", "pair"},
               "The socket that sends [pub]; a router's first frame names the peer")
        .group("Sending");
    parser
        .add_option("--speed", flags.speed,
                    "How fast recorded time passes: 1, 2x, 0.5x, or max for as fast as it is taken "
                    "[1]")
        .type_name("FACTOR")
        .group("Sending");
    add_count(parser, "--wait-peers", flags.wait_peers, {0, 100'000},
              "Before sending, wait until this many peers (of pub: subscribers) are there [1]")
        .group("Sending");
    add_duration(parser, "-t,--timeout", flags.timeout,
                 "Longest wait for peers, and for room in a peer's queue [30s]")
        .group("Sending");
}

void add_choosing(Parser& parser, ReplayFlags& flags) {
    add_choice(parser, "--direction", flags.direction, {"forward", "to_frontend", "all"},
               "Of what was recorded at a relay: what went to its backend [forward], or its "
               "replies and subscriptions, or both")
        .group("Choosing");
    add_count(parser, "--strip", flags.strip, {0, 1024},
              "Leave out the first N frames of each message, such as the routing id that a queue "
              "relay recorded [0]")
        .group("Choosing");
    add_count(parser, "-n,--count", flags.count, {1}, "End after this many messages")
        .group("Choosing");
    parser
        .add_flag("--skip-damaged", flags.skip_damaged,
                  "Go on behind a damaged place, with a note, instead of ending there")
        .group("Choosing");
}

} // namespace

Run declare_replay(Parser& parser) {
    auto flags = std::make_shared<ReplayFlags>();
    flags->parser = &parser;
    parser.add_option("FILE", flags->file, "What zmq record wrote; - is stdin").required();
    add_targets(parser, flags->words, Words::endpoints_only);
    add_sending(parser, *flags);
    add_choosing(parser, *flags);
    parser
        .add_flag("--check", flags->check,
                  "Read it through and say what is in it and whether it is "
                  "whole; exit 1 if not")
        .group("Looking");
    parser.add_flag("--json", flags->json, "What --check says as one JSON object").group("Looking");
    parser.add_flag("--print", flags->print, "Print the messages instead of sending them")
        .group("Looking");
    parser.add_option("--repair", flags->repair, "Write all that is good to a new recording")
        .type_name("NEWFILE")
        .group("Looking");
    add_output(parser, flags->output);
    add_socket(parser, flags->socket);
    parser.set_footer("Due times are computed from the start, so lateness does not add up.\n\n"
                      "Examples:\n"
                      "  zmq replay feed.rec @tcp://127.0.0.1:5555\n"
                      "  zmq replay work.rec tcp://127.0.0.1:5555 --type push --speed max\n"
                      "  zmq replay feed.rec --print --format json | jq -c .frames\n"
                      "  zmq replay feed.rec --check");
    return [flags](Terminal& terminal) { return run_replay(*flags, terminal); };
}

} // namespace flotilla::cli
