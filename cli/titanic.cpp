// SPDX-License-Identifier: Apache-2.0
// `zmq titanic`: durable service calls, between a broker and a store.
#include <flotilla/compose/titanic.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/system.hpp>

#include <cli/broker_flags.hpp>
#include <cli/commands.hpp>
#include <cli/queue/store_flags.hpp>
#include <cli/signal_watch.hpp>
#include <cli/signals.hpp>

#include <algorithm>
#include <memory>

namespace flotilla::cli {

namespace {

struct TitanicFlags {
    BrokerFlags broker;
    std::vector<std::string> stores;
    std::string store_server_key;
    std::uint64_t calls = 8;
    std::uint64_t unfinished = 100'000;
    Duration deadline = 30s;
    Duration retry_first = 1s;
    Duration retry_most = 1min;
    Duration timeout = 10s;
};

Result<compose::TitanicOptions> titanic_options(const TitanicFlags& flags) {
    auto link = make_broker_link(flags.broker);
    if (!link)
        return fail(link.error());
    StoreFlags at;
    at.stores = flags.stores;
    at.security = flags.broker.security;
    if (!flags.store_server_key.empty())
        at.security.server_key = flags.store_server_key;
    auto plan = make_store_plan(at);
    if (!plan)
        return fail(plan.error());
    if (flags.retry_first <= Duration::zero() || flags.retry_most < flags.retry_first)
        return fail(Errc::bad_option, "--retry is more than 0s, and at most --retry-max");
    compose::TitanicOptions options;
    options.brokers = std::move(link->brokers);
    options.stores = std::move(plan->stores);
    options.calls_max = static_cast<std::uint32_t>(flags.calls);
    options.unfinished_max = static_cast<std::uint32_t>(flags.unfinished);
    options.call_deadline = flags.deadline;
    options.retry = {flags.retry_first, flags.retry_most};
    options.confirm_max = flags.timeout;
    options.security = std::move(link->security);
    options.store_security = std::move(plan->security);
    return options;
}

// Until a store is there, or a signal.
Result<compose::Titanic> open_titanic(net::Context& context, const TitanicFlags& flags,
                                      Terminal& terminal) {
    for (;;) {
        auto options = titanic_options(flags);
        if (!options)
            return fail(options.error());
        auto titanic = compose::Titanic::open(context, std::move(*options));
        if (titanic || titanic.error().code != Errc::timeout || signal_caught() != 0)
            return titanic;
        terminal.note("no store answers yet");
    }
}

std::string counted(const compose::TitanicCounters& counters) {
    return std::to_string(counters.requests_total) + " requests taken, " +
           std::to_string(counters.refused_total) + " refused, " +
           std::to_string(counters.answered_total) + " answered, " +
           std::to_string(counters.closed_total) + " closed; " + std::to_string(counters.pending) +
           " are pending and " + std::to_string(counters.kept) + " answers kept, in the store";
}

Result<ExitCode> run_titanic(const TitanicFlags& flags, Terminal& terminal) {
    auto context = net::Context::open();
    if (!context)
        return fail(context.error());
    auto titanic = open_titanic(*context, flags, terminal);
    if (!titanic && signal_caught() != 0)
        return ExitCode::ok;
    if (!titanic)
        return fail(explained(titanic.error()));
    terminal.note("serving titanic.request, titanic.reply and titanic.close");
    Status served;
    {
        const SignalWatch watch([&] { titanic->stop_soon(); });
        served = titanic->run();
    }
    terminal.note(counted(titanic->counters()));
    if (!served)
        return fail(served.error());
    return ExitCode::ok;
}

} // namespace

Run declare_titanic(Parser& parser) {
    const auto flags = std::make_shared<TitanicFlags>();
    const char* group = "Store";
    add_list(parser, "-s,--store", flags->stores, "ENDPOINT",
             "Where the store is that keeps requests and answers; may be repeated")
        .group(group)
        .variable("FLOTILLA_STORE");
    parser
        .add_option("--store-server-key", flags->store_server_key,
                    "The store's public key, when it is not the broker's")
        .type_name("KEY|FILE")
        .group(group);
    add_duration(parser, "-t,--timeout", flags->timeout,
                 "Longest wait for the store before a request is refused [10s]")
        .group(group);
    const char* calls = "Calls";
    add_count(parser, "-j,--jobs", flags->calls, {1, 256}, "Services called at once [8]")
        .group(calls);
    add_count(parser, "--unfinished-max", flags->unfinished, {1, 1'000'000},
              "Requests held at once, and answers [100000]")
        .group(calls);
    add_duration(parser, "--deadline", flags->deadline, "Of one try [30s]").group(calls);
    add_duration(parser, "--retry", flags->retry_first,
                 "Pause after the first try that failed; doubles [1s]")
        .group(calls);
    add_duration(parser, "--retry-max", flags->retry_most, "Up to this [1m]").group(calls);
    add_list(parser, "-b,--broker", flags->broker.brokers, "ENDPOINT",
             "Where the broker of the services is; may be repeated")
        .group("Broker");
    add_client_security(parser, flags->broker.security);
    parser.set_footer(
        "A client asks titanic.request with the service's name and the request's frames, and "
        "gets an id;\ntitanic.reply with the id answers 300 until the service has, and "
        "titanic.close forgets it.\nWhat was answered 200 is in the store, and is tried until "
        "a worker answers, whatever dies:\nthe broker, the store, this or the worker. One "
        "such program a store. A signal ends it.\n\n"
        "Examples:\n"
        "  zmq titanic -b tcp://127.0.0.1:5555 -s tcp://127.0.0.1:5560\n"
        "  zmq call titanic.request --frame echo --frame hello -b tcp://127.0.0.1:5555\n"
        "  zmq call titanic.reply 0123456789abcdef0123456789abcdef -b tcp://127.0.0.1:5555");
    return [flags](Terminal& terminal) { return run_titanic(*flags, terminal); };
}

} // namespace flotilla::cli
