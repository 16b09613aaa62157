// SPDX-License-Identifier: Apache-2.0
// `zmq titanic`: durable service calls, between a broker and a store.
#include <flotilla/compose/titanic.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/poller.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/request/client.hpp>

#include <cli/broker_flags.hpp>
#include <cli/commands.hpp>
#include <cli/queue/store_link.hpp>
#include <cli/signal_watch.hpp>
#include <cli/signals.hpp>
#include <cli/words.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <utility>

namespace flotilla::cli {

namespace {

using request::ErrorCode;

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

constexpr Duration first_look = 2s;   // then it is said that nobody answers
constexpr Duration look_again = 50ms; // whether the broker has our services, or we are to end

StoreFlags store_flags(const TitanicFlags& flags) {
    StoreFlags at;
    at.stores = flags.stores;
    at.security = flags.broker.security;
    if (!flags.store_server_key.empty())
        at.security.server_key = flags.store_server_key;
    return at;
}

Result<compose::TitanicOptions> titanic_options(const TitanicFlags& flags) {
    auto link = make_broker_link(flags.broker);
    if (!link)
        return fail(link.error());
    auto plan = make_store_plan(store_flags(flags));
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

std::string nobody(const std::string& who, const std::string& endpoint,
                   const SecurityFlags& security) {
    return "no " + who + " answers at " + endpoint +
           " yet; it is waited for; this says why: " + doctor_line(endpoint, security);
}

// Until a store is there. Errors: stopped, by a signal; those of StoreLink, timeout excepted.
Status wait_for_store(const TitanicFlags& flags, Terminal& terminal) {
    StoreFlags at = store_flags(flags);
    at.timeout = std::min(first_look, flags.timeout);
    for (bool was_told = false;; was_told = true) {
        const auto link = StoreLink::open(at, told_to(terminal));
        if (link) {
            if (was_told)
                terminal.note("the store answers");
            return {};
        }
        if (link.error().code != Errc::timeout)
            return fail(link.error());
        if (!was_told)
            terminal.note(nobody("store", flags.stores.front(), at.security));
    }
}

// Errors: those of Titanic::open; stopped, by a signal.
Result<compose::Titanic> open_titanic(net::Context& context, const TitanicFlags& flags,
                                      Terminal& terminal) {
    for (;;) {
        auto options = titanic_options(flags); // what is wrong with them is said first
        if (!options)
            return fail(options.error());
        if (const Status there = wait_for_store(flags, terminal); !there)
            return fail(there.error());
        auto titanic = compose::Titanic::open(context, std::move(*options));
        if (titanic || titanic.error().code != Errc::timeout || signal_caught() != 0)
            return titanic;
    }
}

// Says when the broker has our services, from a thread of its own: the caller's serves them. The
// terminal is this thread's until the end.
class ServingWatch {
public:
    ServingWatch(net::Context& context, const TitanicFlags& flags, Terminal& terminal,
                 compose::Titanic& titanic)
        : context_(context), flags_(flags), terminal_(terminal), titanic_(titanic),
          thread_([this] { watch(); }) {}
    ServingWatch(const ServingWatch&) = delete;
    ServingWatch& operator=(const ServingWatch&) = delete;
    ~ServingWatch() { end(); }
    void end() {
        over_ = true;
        if (thread_.joinable())
            thread_.join();
    }
    // Behind end(): somebody else is where the broker should be.
    bool found_stranger() const noexcept { return found_stranger_; }

private:
    bool is_over() const { return over_ || signal_caught() != 0; }
    void watch() {
        auto link = make_broker_link(flags_.broker);
        if (!link)
            return;
        request::ClientOptions options;
        options.brokers = std::move(link->brokers);
        options.security = std::move(link->security);
        options.deadline = 500ms; // so that an end is not waited for
        auto client = request::Client::open(context_, std::move(options));
        if (!client)
            return terminal_.note(client.error().detail);
        const Instant told_at = deadline_after(net::now(), first_look);
        for (bool was_told = false; !is_over();) {
            const auto answer = client->call("mmi.service", "titanic.close"); // the last of them
            if (answer && !answer->body.empty() && answer->body[0].view() == ByteView{"200"})
                return terminal_.note("serving titanic.request, titanic.reply and titanic.close");
            if (!answer && answer.error().detail.starts_with(name(ErrorCode::wrong_peer))) {
                terminal_.error(answer.error().detail);
                found_stranger_ = true;
                return titanic_.stop_soon();
            }
            if (!answer && !was_told && told_at <= net::now()) {
                was_told = true;
                terminal_.note(
                    nobody("broker", flags_.broker.brokers.front(), flags_.broker.security));
            }
            net::Poller pause;
            (void)pause.turn(look_again);
        }
    }

    net::Context& context_;
    const TitanicFlags& flags_;
    Terminal& terminal_;
    compose::Titanic& titanic_;
    bool found_stranger_ = false;
    std::atomic<bool> over_{false};
    std::thread thread_; // the last: it uses the others
};

std::string figures_text(const compose::TitanicCounters& counters) {
    return counted(counters.requests_total, "request") + " taken, " +
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
    Status served;
    bool found_stranger = false;
    {
        ServingWatch serving(*context, flags, terminal, *titanic);
        const SignalWatch watch([&] { titanic->stop_soon(); });
        served = titanic->run();
        serving.end();
        found_stranger = serving.found_stranger();
    }
    terminal.note(figures_text(titanic->counters()));
    if (!served)
        return fail(served.error());
    return found_stranger ? ExitCode::refused : ExitCode::ok;
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
             "Where the broker of the services is [FLOTILLA_BROKER in the environment]; may be "
             "repeated")
        .variable("FLOTILLA_BROKER")
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
