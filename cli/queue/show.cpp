// SPDX-License-Identifier: Apache-2.0
// `zmq queue ls`, `stat`, `watch`, `peek`.

#include <cli/output.hpp>
#include <cli/queue/listing.hpp>
#include <cli/queue/message_shown.hpp>
#include <cli/queue/store_link.hpp>
#include <cli/queue/verbs.hpp>
#include <cli/raw.hpp>
#include <cli/signals.hpp>
#include <cli/terminal.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace flotilla::cli {

namespace {

constexpr std::size_t watched_max = 100; // queues of one store

struct ShowFlags {
    std::vector<std::string> queues;
    std::string prefix;
    bool json = false;
    Duration interval = 1s;
    std::optional<std::uint64_t> count;
    bool delayed = false;
    StoreFlags store;
    OutputFlags output;
};

// Every queue, page by page; `each` may say that it is enough.
template <class Each>
Status list_queues(StoreLink& link, const std::string& prefix, Each&& each) {
    queue::List list;
    list.prefix = prefix;
    list.page = queue::limits::page_max;
    do {
        auto page = link.ask_for<queue::ListReply>(list, queue::Asked::list);
        if (!page)
            return fail(page.error());
        for (const std::string& row : page->rows)
            if (!each(option_pairs(row)))
                return {};
        list.after = std::move(page->next);
    } while (!list.after.empty());
    return {};
}

Result<OptionPairs> stat_of(StoreLink& link, const std::string& queue) {
    auto stat = link.ask_for<queue::StatReply>(queue::Stat{queue}, queue::Asked::stat);
    if (!stat)
        return fail(stat.error());
    OptionPairs pairs = option_pairs(stat->text);
    for (auto& [name, value] : pairs)
        if (name == "queue")
            name = "name"; // as in a list
    return pairs;
}

ListedFor listed_for(const ShowFlags& flags) {
    return flags.store.security.server_key.empty() ? ListedFor::anybody : ListedFor::a_key;
}

Result<ExitCode> run_ls(const ShowFlags& flags, Terminal& terminal) {
    auto link = StoreLink::open(flags.store, told_to(terminal));
    if (!link)
        return fail(link.error());
    Output out;
    std::vector<OptionPairs> rows;
    Status written;
    const Status listed = list_queues(*link, flags.prefix, [&](OptionPairs&& row) {
        if (flags.json)
            written = out.write(pairs_json(row));
        else
            rows.push_back(std::move(row));
        return written && !out.closed();
    });
    if (!listed)
        return fail(listed.error());
    if (written && !flags.json)
        written = out.write(queues_table(rows, listed_for(flags)));
    return out.finish(written);
}

Result<ExitCode> run_stat(const ShowFlags& flags, Terminal& terminal) {
    for (const std::string& each : flags.queues)
        if (Status right = check_queue(each); !right)
            return fail(right.error());
    auto link = StoreLink::open(flags.store, told_to(terminal));
    if (!link)
        return fail(link.error());
    Output out;
    Status written;
    std::vector<std::string> queues = flags.queues;
    if (queues.empty())
        queues.emplace_back(); // of the store
    for (const std::string& each : queues) {
        auto pairs = stat_of(*link, each);
        if (!pairs)
            return fail(pairs.error());
        const std::string between = &each == &queues.front() ? "" : "\n";
        written = out.write(flags.json ? pairs_json(*pairs) : between + pairs_table(*pairs));
        if (!written)
            break;
    }
    return out.finish(written);
}

Result<std::vector<OptionPairs>> watched(StoreLink& link, const ShowFlags& flags) {
    std::vector<std::string> names = flags.queues;
    if (names.empty())
        if (Status listed = list_queues(link, {},
                                        [&](const OptionPairs& row) {
                                            names.emplace_back(value_of(row, "name"));
                                            return names.size() < watched_max;
                                        });
            !listed)
            return fail(listed.error());
    std::vector<OptionPairs> rows;
    for (const std::string& each : names) {
        auto pairs = stat_of(link, each);
        if (!pairs && (!flags.queues.empty() || pairs.error().code != Errc::refused))
            return fail(pairs.error());
        if (pairs) // else it was deleted meanwhile
            rows.push_back(std::move(*pairs));
    }
    return rows;
}

Result<ExitCode> run_watch(const ShowFlags& flags, Terminal& terminal) {
    for (const std::string& each : flags.queues)
        if (Status right = check_queue(each); !right)
            return fail(right.error());
    auto link = StoreLink::open(flags.store, told_to(terminal));
    if (!link)
        return fail(link.error());
    Output out;
    for (std::uint64_t round = 0; round < flags.count.value_or(UINT64_MAX); ++round) {
        if (round > 0)
            wait_for_signal(flags.interval);
        if (signal_caught() != 0 || out.closed())
            break;
        auto rows = watched(*link, flags);
        if (!rows && rows.error().code == Errc::timeout && !flags.count) {
            terminal.note(rows.error().detail); // it may come back
            continue;
        }
        if (!rows && rows.error().code == Errc::stopped)
            break;
        if (!rows)
            return fail(rows.error());
        std::string text;
        if (flags.json)
            for (const OptionPairs& row : *rows)
                text += pairs_json(row);
        else
            text = (out.is_terminal() ? clear_screen
                    : round > 0       ? "\n"
                                      : "") +
                   watch_table(*rows, listed_for(flags));
        Status written = out.write(text);
        if (written)
            written = out.flush();
        if (!written)
            return fail(written.error());
    }
    return out.finish({});
}

Result<ExitCode> run_peek(const ShowFlags& flags, Terminal& terminal) {
    const std::string& queue = flags.queues.front();
    if (Status right = check_queue(queue); !right)
        return fail(right.error());
    auto format = make_format(flags.output);
    if (!format)
        return fail(format.error());
    auto link = StoreLink::open(flags.store, told_to(terminal));
    if (!link)
        return fail(link.error());
    Output out;
    queue::Peek peek;
    peek.queue = queue;
    peek.delayed = flags.delayed;
    const std::uint64_t wanted = flags.count.value_or(1);
    std::uint64_t shown = 0;
    std::string text;
    do {
        peek.page = static_cast<std::uint32_t>(
            std::min<std::uint64_t>(wanted - shown, queue::limits::page_max));
        auto page = link->ask_for<queue::PeekReply>(peek, queue::Asked::peek);
        if (!page)
            return fail(page.error());
        for (const auto& each : page->messages) {
            text.clear();
            if (Status formatted = append(text, *format, {queue, link->endpoint(), ++shown}, each);
                !formatted)
                return fail(formatted.error());
            if (Status written = out.write(text); !written)
                return fail(written.error());
        }
        peek.after = std::move(page->next);
    } while (!peek.after.empty() && shown < wanted && !out.closed());
    return out.finish({}, shown > 0 ? ExitCode::ok : ExitCode::nothing);
}

} // namespace

Run declare_queue_ls(Parser& parser) {
    const auto flags = std::make_shared<ShowFlags>();
    parser.add_option("PREFIX", flags->prefix, "Only names that begin so [all]");
    parser.add_flag("--json", flags->json, "One JSON object a line");
    add_store(parser, flags->store);
    parser.set_footer("Examples:\n"
                      "  zmq queue ls --store tcp://127.0.0.1:5560\n"
                      "  zmq queue ls orders. --json | jq -r .name");
    return [flags](Terminal& terminal) { return run_ls(*flags, terminal); };
}

Run declare_queue_stat(Parser& parser) {
    const auto flags = std::make_shared<ShowFlags>();
    parser.add_option("QUEUE", flags->queues, "Of these [of the store as a whole]");
    parser.add_flag("--json", flags->json, "One JSON object each");
    add_store(parser, flags->store);
    parser.set_footer("Examples:\n"
                      "  zmq queue stat orders --store tcp://127.0.0.1:5560\n"
                      "  zmq queue stat orders --json | jq .ready");
    return [flags](Terminal& terminal) { return run_stat(*flags, terminal); };
}

Run declare_queue_watch(Parser& parser) {
    const auto flags = std::make_shared<ShowFlags>();
    parser.add_option("QUEUE", flags->queues, "Only these [the first 100]");
    add_duration(parser, "-i,--interval", flags->interval, "How often [1s]");
    add_count(parser, "-n,--count", flags->count, {1}, "End after this many times");
    parser.add_flag("--json", flags->json, "One JSON object a queue and time");
    add_store(parser, flags->store);
    parser.set_footer("Examples:\n"
                      "  zmq queue watch --store tcp://127.0.0.1:5560\n"
                      "  zmq queue watch orders -i 10s --json >> orders.jsonl");
    return [flags](Terminal& terminal) { return run_watch(*flags, terminal); };
}

Run declare_queue_peek(Parser& parser) {
    const auto flags = std::make_shared<ShowFlags>();
    flags->queues.emplace_back();
    parser.add_option("QUEUE", flags->queues.front(), "In which").required();
    add_count(parser, "-n,--count", flags->count, {1}, "So many, oldest first [1]");
    parser.add_flag("--delayed", flags->delayed, "Those that are not due yet");
    add_store(parser, flags->store);
    add_output(parser, flags->output);
    parser.set_footer("They stay where they are. Exit 3: there is none.\n\n"
                      "Examples:\n"
                      "  zmq queue peek orders --store tcp://127.0.0.1:5560\n"
                      "  zmq queue peek orders.dead -n 100 --format json | jq .meta.reason");
    return [flags](Terminal& terminal) { return run_peek(*flags, terminal); };
}

} // namespace flotilla::cli
