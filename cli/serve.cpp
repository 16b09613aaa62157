// SPDX-License-Identifier: Apache-2.0
// `zmq serve`: answer a service's requests with a command.
#include <flotilla/base/encoding.hpp>
#include <flotilla/base/units.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/request/worker.hpp>

#include <cli/broker_flags.hpp>
#include <cli/commands.hpp>
#include <cli/serve/command_mark.hpp>
#include <cli/serve/servant.hpp>
#include <cli/serve/watch.hpp>
#include <cli/signal_watch.hpp>
#include <cli/signals.hpp>

#include <algorithm>
#include <atomic>
#include <memory>

namespace flotilla::cli {

namespace {

using Registration = request::WorkerOptions::Registration;

struct ServeFlags {
    std::string service;
    std::vector<std::string> command;
    bool echo = false;
    bool lines = false;
    bool chomp = false;
    std::uint64_t jobs = 1;
    std::optional<std::uint64_t> capacity;
    std::optional<std::uint64_t> count;
    Duration timeout = 60s;
    std::string separator = "\\t";
    std::string frame_separator;
    BrokerFlags broker;
};

// The command stands behind its mark, and the service before it.
Status take_command(ServeFlags& flags) {
    if (flags.service == command_mark)
        return fail(Errc::bad_option, "for which service? Its name comes before --, for example: "
                                      "zmq serve upper -b ENDPOINT -- tr a-z A-Z");
    return take_mark(flags.command);
}

Result<ServantOptions> servant_options(const ServeFlags& flags) {
    using Kind = ServantOptions::Kind;
    ServantOptions options;
    options.kind = flags.echo ? Kind::echo : flags.lines ? Kind::lines : Kind::command;
    if (flags.echo && (flags.lines || !flags.command.empty()))
        return fail(Errc::bad_option,
                    "--echo answers by itself; leave out the command and --lines");
    if (!flags.echo && flags.command.empty())
        return fail(Errc::bad_option, "with what? Write a command after --, for example: zmq serve "
                                      "upper -b ENDPOINT -- tr a-z A-Z; or say --echo");
    if (flags.timeout <= Duration::zero())
        return fail(Errc::bad_option, "--timeout is 0s; a command needs some time");
    if (!flags.echo) {
        auto program = find_program(flags.command.front());
        if (!program)
            return fail(program.error().code,
                        program.error().detail +
                            (find_program(flags.service)
                                 ? " (is '" + flags.service +
                                       "' the command? The SERVICE comes before it and before --)"
                                 : ""));
        options.command = flags.command;
        options.command.front() = std::move(*program);
    }
    options.timeout = flags.timeout;
    options.bytes_max = flags.broker.message_bytes_max;
    if (flags.chomp)
        options.last_newline = ServantOptions::LastNewline::leave_out;
    auto separator = unescape(flags.separator);
    auto frame_separator = unescape(flags.frame_separator);
    if (!separator || !frame_separator)
        return fail(separator ? frame_separator.error() : separator.error());
    options.separator = std::move(*separator);
    options.frame_separator = std::move(*frame_separator);
    return options;
}

Result<request::WorkerOptions> worker_options(const ServeFlags& flags) {
    auto link = make_broker_link(flags.broker);
    if (!link)
        return fail(link.error());
    if (flags.capacity && *flags.capacity < flags.jobs)
        return fail(Errc::bad_option, "--capacity is " + std::to_string(*flags.capacity) +
                                          "; it must be at least -j, " +
                                          std::to_string(flags.jobs));
    request::WorkerOptions options;
    options.brokers = std::move(link->brokers);
    options.service = flags.service;
    options.dialect = link->dialect;
    options.threads = static_cast<std::uint32_t>(flags.jobs);
    if (flags.capacity)
        options.capacity = static_cast<std::uint32_t>(*flags.capacity);
    options.message_bytes_max = link->message_bytes_max;
    options.security = std::move(link->security);
    options.linger = 5s;
    return options;
}

std::vector<std::string> environment_of(const request::Job& job) {
    std::vector<std::string> all{"FLOTILLA_ATTEMPT=" + std::to_string(job.attempt)};
    // A variable ends at its first NUL byte; a name that has one is not passed on.
    if (job.service.find('\0') == std::string::npos)
        all.push_back("FLOTILLA_SERVICE=" + job.service);
    if (!job.id.empty())
        all.push_back("FLOTILLA_REQUEST_ID=" + job.id);
    if (job.expires)
        all.push_back(
            "FLOTILLA_EXPIRES_MS=" +
            std::to_string(std::chrono::floor<std::chrono::milliseconds>(*job.expires).count()));
    return all;
}

request::Outcome outcome_of(Servant::Said said, Reporter& reporter) {
    if (auto* later = std::get_if<Servant::Later>(&said)) {
        reporter.note("not done: " + later->why);
        return request::Retry{std::move(later->why)};
    }
    if (auto* failed = std::get_if<Servant::Failed>(&said)) {
        reporter.note("failed: " + failed->why);
        return request::Failure{std::move(failed->why)};
    }
    return request::Answer{std::move(std::get<wire::Frames>(said))};
}

std::string figures_text(const request::WorkerCounters& counters) {
    return std::to_string(counters.requests_total) +
           " requests: " + std::to_string(counters.answered_total) + " answered, " +
           std::to_string(counters.retry_total) + " given back, " +
           std::to_string(counters.failed_total) + " failed" +
           (counters.unsaid_total > 0
                ? ", " + std::to_string(counters.unsaid_total) +
                      " of these without a word, which this broker's dialect does not have"
                : "");
}

Result<ExitCode> run_serve(const ServeFlags& flags, Terminal& terminal) {
    if (Status right = check_service(flags.service); !right)
        return fail(right.error());
    auto servant_is = servant_options(flags);
    if (!servant_is)
        return fail(servant_is.error());
    auto worker_is = worker_options(flags);
    if (!worker_is)
        return fail(worker_is.error());
    auto context = net::Context::open();
    if (!context)
        return fail(context.error());
    std::string at;
    for (const net::Endpoint& each : worker_is->brokers)
        at += (at.empty() ? "" : ",") + each.text();
    Reporter reporter(terminal);
    ServeWatch watch(flags.service, worker_is->brokers.size(), reporter);
    request::Worker* running = nullptr;
    const auto stop_where_hopeless = [&] {
        if (watch.is_hopeless() && running)
            running->stop_soon();
    };
    worker_is->on_registration = [&](const net::Endpoint& broker, Registration what) {
        watch.registration(broker, what);
    };
    worker_is->on_connection = [&](const net::ConnectionEvent& event) {
        watch.hear(event);
        stop_where_hopeless();
    };
    worker_is->on_refused = [&](const net::Endpoint& broker, request::ErrorCode code,
                                const std::string& text) {
        watch.refused(broker, code, text);
        stop_where_hopeless();
    };
    auto worker = request::Worker::open(*context, std::move(*worker_is));
    if (!worker)
        return fail(explained(worker.error()));
    terminal.note("looking for a broker at " + at);

    before_end_at_once(kill_all_children);
    Servant servant(std::move(*servant_is));
    std::atomic<std::uint64_t> asked{0};
    std::atomic<std::uint64_t> under_way{0};
    Status served;
    {
        const SignalWatch signals([&] {
            if (under_way > 0)
                reporter.note("what is held is finished; another signal ends it at once");
            worker->stop_soon();
        });
        running = &*worker;
        served = worker->run([&](request::Job& job) {
            if (flags.count && ++asked >= *flags.count)
                worker->stop_soon();
            Servant::Asked request;
            request.environment = environment_of(job);
            request.body = std::move(job.body);
            request.is_cancelled = [&job] { return job.is_cancelled(); };
            request.note = [&reporter](const std::string& text) { reporter.note(text); };
            ++under_way;
            Servant::Said said = servant.answer(std::move(request));
            --under_way;
            return outcome_of(std::move(said), reporter);
        });
    }
    terminal.note(figures_text(worker->counters()));
    if (!served)
        return fail(served.error());
    if (watch.is_hopeless())
        return watch.why_hopeless().empty() ? Result<ExitCode>{ExitCode::refused}
                                            : fail(Errc::not_allowed, watch.why_hopeless());
    return ExitCode::ok;
}

void add_serve(Parser& parser, ServeFlags& flags) {
    parser.add_option("SERVICE", flags.service, "What requests are sent to").required();
    parser.add_option(
        "CMD", flags.command,
        "After --: the command and its arguments. It finds the request on its standard "
        "input, and prints the answer");
    const char* group = "Work";
    parser.add_flag("--echo", flags.echo, "Instead of a command: answer each request with itself")
        .group(group);
    parser
        .add_flag("--lines", flags.lines,
                  "The command runs all the while: it reads a request a line, and answers with a "
                  "line at once (it must not buffer its output)")
        .group(group);
    add_count(parser, "-j,--jobs", flags.jobs, {1, 1'024}, "Requests worked on at once [1]")
        .group(group);
    add_count(parser, "--capacity", flags.capacity, {1, request::limits::capacity_max},
              "Requests held at once, those that wait here included [-j]")
        .group(group);
    add_duration(parser, "-t,--timeout", flags.timeout,
                 "Longest that the command may take for one request [60s]; then it is killed, and "
                 "the request failed")
        .group(group);
    add_count(parser, "-n,--count", flags.count, {1}, "End after this many requests").group(group);
    parser.add_flag("--chomp", flags.chomp, "Leave out a line feed at the end of the answer")
        .group(group);
    parser
        .add_option("--separator", flags.separator,
                    "Between the frames of a request in the command's input [\\t]")
        .type_name("TEXT")
        .group(group);
    parser
        .add_option("-F,--frame-separator", flags.frame_separator,
                    "Splits the command's output into frames; \\n \\t \\0 \\xHH are understood")
        .type_name("TEXT")
        .group(group);
    add_broker(parser, flags.broker);
}

} // namespace

Run declare_serve(Parser& parser) {
    const auto flags = std::make_shared<ServeFlags>();
    add_serve(parser, *flags);
    parser.set_footer(
        "Exit codes of the command: 0 the answer is what it printed; 75 not now, another "
        "worker may;\nother: the request has failed, and the client is told where it can "
        "be. The command finds\nFLOTILLA_SERVICE, FLOTILLA_ATTEMPT, FLOTILLA_REQUEST_ID and "
        "FLOTILLA_EXPIRES_MS in its\nenvironment. A signal ends it when what it holds is "
        "done. What the\ncommand leaves in the background ends with it (setsid takes it out).\n"
        "Where every broker refuses our key or this service, it ends with 4 and the reason.\n\n"
        "Examples:\n"
        "  zmq serve echo --echo --broker tcp://127.0.0.1:5555\n"
        "  zmq serve upper --broker tcp://127.0.0.1:5555 -- tr a-z A-Z\n"
        "  zmq serve square -j 4 --chomp -b tcp://127.0.0.1:5555 -- awk '{print $1*$1}'\n"
        "  zmq serve greet --lines -b tcp://127.0.0.1:5555 -- sed -u 's/^/ahoy, /'");
    return [flags](Terminal& terminal) -> Result<ExitCode> {
        if (const Status taken = take_command(*flags); !taken)
            return fail(taken.error());
        return run_serve(*flags, terminal);
    };
}

} // namespace flotilla::cli
