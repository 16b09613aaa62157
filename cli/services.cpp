// SPDX-License-Identifier: Apache-2.0
// `zmq services`: what a broker serves (8/MMI, and flotilla-broker's list).
#include <flotilla/net/context.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/request/client.hpp>

#include <cli/broker_flags.hpp>
#include <cli/commands.hpp>
#include <cli/output.hpp>
#include <cli/services/listing.hpp>
#include <cli/signals.hpp>
#include <cli/terminal.hpp>

#include <algorithm>
#include <iterator>
#include <memory>

namespace flotilla::cli {

namespace {

struct ServicesFlags {
    std::vector<std::string> names;
    bool json = false;
    bool watch = false;
    Duration interval = 1s;
    std::optional<std::uint64_t> count;
    Duration timeout = 10s;
    BrokerFlags broker;
};

// mmi.services gives up to 999 a time; flotilla-broker has at most a million services.
constexpr std::size_t pages_max = 1'002;

constexpr Duration refused_patience = 1s;

Result<std::vector<ServiceRow>> ask_each(request::Client& client,
                                         const std::vector<std::string>& names,
                                         const request::CallOptions& with) {
    std::vector<ServiceRow> rows;
    for (const std::string& name : names) {
        auto answer = client.call("mmi.service", ByteView{name}, with);
        if (!answer)
            return fail(answer.error());
        auto row = read_service(name, answer->body);
        if (!row)
            return fail(row.error());
        rows.push_back(std::move(*row));
    }
    return rows;
}

// The whole list, page by page: each goes on behind the last name of the one before it.
Result<std::vector<ServiceRow>> list_all(request::Client& client,
                                         const request::CallOptions& with) {
    std::vector<ServiceRow> all;
    std::string after;
    for (std::size_t page = 0; page < pages_max; ++page) {
        auto answer = client.call("mmi.services", ByteView{after}, with);
        if (!answer)
            return fail(answer.error());
        auto rows = read_services(answer->body);
        if (!rows)
            return fail(rows.error());
        if (!rows->empty() && page > 0 && rows->front().name <= after)
            return fail(Errc::malformed, "the broker's list starts anew instead of going on");
        const bool is_full = answer->body.size() >= request::limits::body_frames_max;
        if (is_full)
            after = rows->back().name;
        all.insert(all.end(), std::move_iterator(rows->begin()), std::move_iterator(rows->end()));
        if (!is_full)
            return all;
    }
    return fail(Errc::too_many, "the broker's list does not end after " +
                                    std::to_string(all.size()) +
                                    " services; name those to ask for: zmq services NAME...");
}

// Those that were named, in their order; one that the broker does not know has nothing.
std::vector<ServiceRow> chosen(const std::vector<ServiceRow>& all,
                               const std::vector<std::string>& names) {
    std::vector<ServiceRow> rows;
    for (const std::string& name : names) {
        const auto found = std::find_if(all.begin(), all.end(),
                                        [&](const ServiceRow& row) { return row.name == name; });
        rows.push_back(found != all.end() ? *found : ServiceRow{name, false, ServiceRow::Counts{}});
    }
    return rows;
}

// A broker that lists is asked for its list; another, or one whose list cannot be had whole,
// for each name.
Result<std::vector<ServiceRow>> ask(request::Client& client, const std::vector<std::string>& names,
                                    Duration wait) {
    request::CallOptions with;
    with.deadline = wait;
    if (!names.empty() && client.dialect() && client.dialect() != request::Dialect::flotilla)
        return ask_each(client, names, with);
    auto all = list_all(client, with);
    if (names.empty() || (!all && all.error().code == Errc::timeout))
        return all;
    return all ? Result<std::vector<ServiceRow>>{chosen(*all, names)}
               : ask_each(client, names, with);
}

// What to do where no broker answers.
Error with_hint(Error error, const ConnectionWatch& watch, const BrokerFlags& broker) {
    if (error.code != Errc::timeout && error.code != Errc::no_peer)
        return error;
    if (error.detail.empty())
        error.detail = "the broker does not answer";
    if (!watch.hint().text().empty())
        error.detail = with_reason(error.detail, watch.hint());
    error.detail += "; this says more: " + doctor_line(broker.brokers.front(), broker.security);
    return error;
}

Result<request::Client> open_client(net::Context& context, const ServicesFlags& flags,
                                    ConnectionWatch& watch) {
    auto link = make_broker_link(flags.broker);
    if (!link)
        return fail(link.error());
    request::ClientOptions options;
    options.brokers = std::move(link->brokers);
    options.dialect = link->dialect;
    options.message_bytes_max = link->message_bytes_max;
    options.security = std::move(link->security);
    options.deadline = flags.timeout;
    options.on_connection = [&watch](const net::ConnectionEvent& event) { watch.hear(event); };
    auto client = request::Client::open(context, std::move(options));
    return client ? std::move(client) : fail(explained(client.error()));
}

// Where every broker refuses the connection, nothing is waited for but a restart.
Result<std::vector<ServiceRow>> ask_patiently(request::Client& client, const ConnectionWatch& watch,
                                              const ServicesFlags& flags) {
    const Duration first = std::min(flags.timeout, refused_patience);
    auto rows = ask(client, flags.names, first);
    const bool in_vain = !rows && rows.error().code == Errc::no_peer;
    if (!in_vain || first == flags.timeout ||
        watch.hint().nobody_listens(flags.broker.brokers.size()))
        return rows;
    return ask(client, flags.names, flags.timeout - first);
}

Result<ExitCode> run_services(const ServicesFlags& flags, Terminal& terminal) {
    for (const std::string& name : flags.names)
        if (Status right = check_service(name); !right)
            return fail(right.error());
    auto context = net::Context::open();
    if (!context)
        return fail(context.error());
    ConnectionWatch watch(terminal);
    auto client = open_client(*context, flags, watch);
    if (!client)
        return fail(client.error());
    const std::uint64_t rounds = flags.count.value_or(flags.watch ? UINT64_MAX : 1);
    Output out;
    bool all_served = true;
    ExitCode last = ExitCode::ok;
    for (std::uint64_t round = 0; round < rounds; ++round) {
        if (round > 0)
            wait_for_signal(flags.interval);
        if (signal_caught() != 0 || out.closed())
            break;
        auto rows = ask_patiently(*client, watch, flags);
        if (!rows)
            rows = fail(with_hint(rows.error(), watch, flags.broker));
        if (!rows && flags.watch && rows.error().code != Errc::refused) {
            terminal.note(rows.error().detail); // it may come back
            last = exit_code(rows.error().code);
            continue;
        }
        if (!rows)
            return fail(rows.error());
        last = ExitCode::ok;
        all_served = std::all_of(rows->begin(), rows->end(),
                                 [](const ServiceRow& row) { return row.has_workers; });
        std::string text = flags.json ? services_json(*rows) : services_table(*rows);
        if (flags.watch && !flags.json)
            text = out.is_terminal() ? clear_screen + text : (round > 0 ? "\n" : "") + text;
        Status written = out.write(text);
        if (written)
            written = out.flush();
        if (!written)
            return fail(written.error());
    }
    const bool refused = !flags.names.empty() && !all_served;
    return out.finish({}, refused ? ExitCode::refused : last);
}

void add_services(Parser& parser, ServicesFlags& flags) {
    parser.add_option(
        "NAME", flags.names,
        "Only these; a service without workers ends it with 4 [all, of flotilla-broker]");
    const char* group = "Listing";
    parser.add_flag("--json", flags.json, "One JSON object a line").group(group);
    parser.add_flag("-w,--watch", flags.watch, "Again and again, until a signal").group(group);
    add_duration(parser, "-i,--interval", flags.interval, "With --watch: how often [1s]")
        .group(group);
    add_count(parser, "-n,--count", flags.count, {1}, "End after this many times").group(group);
    add_duration(parser, "-t,--timeout", flags.timeout,
                 "Longest wait for the broker [10s], 1s where nothing listens; exit 3")
        .group(group);
    add_broker(parser, flags.broker);
}

} // namespace

Run declare_services(Parser& parser) {
    const auto flags = std::make_shared<ServicesFlags>();
    add_services(parser, *flags);
    parser.set_footer(
        "Any Majordomo broker that answers mmi.service can be asked by NAME; flotilla-broker "
        "lists all\nand says who waits.\n\n"
        "Examples:\n"
        "  zmq services --broker tcp://127.0.0.1:5555\n"
        "  zmq services --watch --broker tcp://127.0.0.1:5555\n"
        "  zmq services echo --broker tcp://127.0.0.1:5555 || echo 'nobody serves it'");
    return [flags](Terminal& terminal) { return run_services(*flags, terminal); };
}

} // namespace flotilla::cli
