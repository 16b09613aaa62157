// SPDX-License-Identifier: Apache-2.0
// `zmq queue export` and `import`: queues and their messages as JSON lines, the same that
// flotilla-store exports from a directory.
#include <flotilla/base/units.hpp>
#include <flotilla/net/poller.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/queue/properties.hpp>

#include <cli/json_lines.hpp>
#include <cli/output.hpp>
#include <cli/queue/listing.hpp>
#include <cli/queue/message_shown.hpp>
#include <cli/queue/store_link.hpp>
#include <cli/queue/verbs.hpp>
#include <cli/signals.hpp>
#include <cli/splitter.hpp>
#include <cli/words.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <set>
#include <utility>

namespace flotilla::cli {

namespace {

struct TransferFlags {
    std::vector<std::string> queues;
    std::string file;
    StoreFlags store;
};

// ---- export ------------------------------------------------------------------------------------

class Exporter {
public:
    Exporter(StoreLink& link, Terminal& terminal) : link_(link), terminal_(terminal) {}

    Status write_queue(const std::string& name) {
        auto stat = link_.ask_for<queue::StatReply>(queue::Stat{name}, queue::Asked::stat);
        if (!stat)
            return fail(stat.error());
        MessageLine line;
        line.type = "queue";
        line.endpoint = name;
        line.frames.add(ByteView{});
        const auto& known = queue::property_names();
        for (auto& each : option_pairs(stat->text))
            if (std::find(known.begin(), known.end(), each.first) != known.end())
                line.meta.push_back(std::move(each));
        if (Status written = write(line); !written)
            return written;
        for (const bool delayed : {false, true})
            if (Status written = write_messages(name, delayed); !written)
                return written;
        return {};
    }
    Output& out() { return out_; }
    std::uint64_t messages() const noexcept { return messages_; }

private:
    Status write(const MessageLine& line) {
        text_.clear();
        append_json_line(text_, line);
        return out_.write(text_);
    }
    Status write_messages(const std::string& name, bool delayed) {
        queue::Peek peek;
        peek.queue = name;
        peek.delayed = delayed;
        peek.page = queue::limits::page_max;
        do {
            auto page = link_.ask_for<queue::PeekReply>(peek, queue::Asked::peek);
            if (!page)
                return fail(page.error());
            for (auto& each : page->messages) {
                MessageLine line;
                line.type = "message";
                line.endpoint = name;
                line.frames = std::move(each.body);
                line.meta = option_pairs(each.info);
                ++messages_;
                if (Status written = write(line); !written)
                    return written;
            }
            peek.after = std::move(page->next);
            terminal_.progress(net::now(), std::to_string(messages_) + " messages");
        } while (!peek.after.empty() && !out_.closed());
        return {};
    }

    StoreLink& link_;
    Terminal& terminal_;
    Output out_{};
    std::string text_{};
    std::uint64_t messages_ = 0;
};

Result<ExitCode> run_export(const TransferFlags& flags, Terminal& terminal) {
    for (const std::string& each : flags.queues)
        if (Status right = check_queue(each); !right)
            return fail(right.error());
    auto link = StoreLink::open(flags.store, told_to(terminal));
    if (!link)
        return fail(link.error());
    std::vector<std::string> queues = flags.queues;
    queue::List list;
    list.page = queue::limits::page_max;
    while (flags.queues.empty()) {
        auto page = link->ask_for<queue::ListReply>(list, queue::Asked::list);
        if (!page)
            return fail(page.error());
        for (const std::string& row : page->rows)
            queues.emplace_back(value_of(option_pairs(row), "name"));
        list.after = std::move(page->next);
        if (list.after.empty())
            break;
    }
    Exporter exporter(*link, terminal);
    for (const std::string& each : queues)
        if (Status written = exporter.write_queue(each); !written)
            return exporter.out().finish(written);
    terminal.note(counted(queues.size(), "queue") + ", " + counted(exporter.messages(), "message"));
    return exporter.out().finish({});
}

// ---- import ------------------------------------------------------------------------------------

// Lines of a file or of standard input, waited for.
class Lines {
public:
    Lines() : splitter_(options()) {}
    ~Lines() {
        if (owned_ >= 0)
            ::close(owned_);
    }
    Lines(const Lines&) = delete;
    Lines& operator=(const Lines&) = delete;

    Status open(const std::string& file) {
        if (file.empty() || file == "-")
            return {};
        owned_ = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
        descriptor_ = owned_;
        return owned_ >= 0 ? Status{} : fail(Errc::io, file + ": " + std::strerror(errno));
    }
    // Nothing at the end.
    Result<std::optional<std::string>> next() {
        for (;;) {
            auto line = splitter_.next();
            if (!line)
                return fail(line.error());
            if (*line)
                return std::optional{std::string(**line)};
            if (splitter_.ended() || signal_caught() != 0)
                return std::optional<std::string>{};
            std::array<char, 64 << 10> bytes;
            const ssize_t got = ::read(descriptor_, bytes.data(), bytes.size());
            if (got < 0 && errno != EINTR)
                return fail(Errc::io, std::string("reading failed: ") + std::strerror(errno));
            if (got == 0)
                splitter_.end();
            else if (got > 0)
                splitter_.feed(ByteView{bytes.data(), static_cast<std::size_t>(got)});
        }
    }

private:
    static SplitterOptions options() {
        SplitterOptions options;
        options.record_bytes_max = 2ULL << 30;
        return options;
    }
    Splitter splitter_;
    int descriptor_ = STDIN_FILENO;
    int owned_ = -1;
};

Status import_queue(StoreLink& link, const MessageLine& line) {
    queue::Create create;
    create.queue = line.endpoint;
    for (const auto& [name, value] : line.meta)
        if (Status set = set_property(create.properties, name, value); !set)
            return set;
    auto made = link.ask(create, queue::Asked::other);
    if (!made && made.error().detail.rfind("exists", 0) != 0)
        return fail(made.error());
    return {};
}

Status import_message(StoreLink& link, MessageLine&& line) {
    queue::Put put;
    put.queue = line.endpoint;
    put.key = value_of(line.meta, "key");
    if (const auto level = parse_count(value_of(line.meta, "priority"), 0, 7))
        put.priority = static_cast<std::uint8_t>(*level);
    put.delay = until(value_of(line.meta, "due_ms"));
    put.ttl = until(value_of(line.meta, "expiry_ms"));
    put.body = std::move(line.frames);
    auto done = link.ask(std::move(put), queue::Asked::put);
    return done ? Status{} : fail(done.error());
}

Result<ExitCode> run_import(const TransferFlags& flags, Terminal& terminal) {
    Lines lines;
    if (Status opened = lines.open(flags.file); !opened)
        return fail(opened.error());
    auto link = StoreLink::open(flags.store, told_to(terminal));
    if (!link)
        return fail(link.error());
    std::uint64_t messages = 0;
    for (std::uint64_t number = 1;; ++number) {
        auto text = lines.next();
        if (!text)
            return fail(text.error());
        if (!*text)
            break;
        if ((*text)->find_first_not_of(" \t\r") == std::string::npos)
            continue;
        auto line = parse_json_line(**text);
        Status done = line ? check_queue(line->endpoint) : fail(line.error());
        if (done)
            done = line->type == "queue" ? import_queue(*link, *line)
                                         : import_message(*link, std::move(*line));
        if (!done)
            return fail(done.error().code,
                        "line " + std::to_string(number) + ": " + done.error().detail);
        messages += line->type == "queue" ? 0 : 1;
        terminal.progress(net::now(), std::to_string(messages) + " messages");
    }
    terminal.note(counted(messages, "message"));
    return ExitCode::ok;
}

} // namespace

Run declare_queue_export(Parser& parser) {
    const auto flags = std::make_shared<TransferFlags>();
    parser.add_option("QUEUE", flags->queues, "Only these [all]");
    add_store(parser, flags->store);
    parser.set_footer(
        "What is ready and what is delayed; what consumers hold is left out. A line of type "
        "queue has\nthe properties. flotilla-store export does the same from a directory."
        "\n\nExample:\n  zmq queue export orders --store tcp://127.0.0.1:5560 > "
        "orders.jsonl");
    return [flags](Terminal& terminal) { return run_export(*flags, terminal); };
}

Run declare_queue_import(Parser& parser) {
    const auto flags = std::make_shared<TransferFlags>();
    parser.add_option("FILE", flags->file, "Where from [standard input]");
    add_store(parser, flags->store);
    parser.set_footer(
        "Queues that are missing are made; messages get new ids, and keep when they are due "
        "and expire.\n\nExample:\n  zmq queue import orders.jsonl --store "
        "tcp://127.0.0.1:5560");
    return [flags](Terminal& terminal) { return run_import(*flags, terminal); };
}

} // namespace flotilla::cli
