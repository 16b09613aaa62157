// SPDX-License-Identifier: Apache-2.0
#include "store/transfer.hpp"

#include "store/message_line.hpp"

#include <flotilla/base/units.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/queue/codec.hpp>
#include <flotilla/queue/engine/engine.hpp>
#include <flotilla/queue/properties.hpp>
#include <flotilla/queue/put_pack.hpp>
#include <flotilla/wire/option_text.hpp>

#include <algorithm>
#include <set>
#include <utility>
#include <variant>

namespace flotilla::store_daemon {
namespace {

using queue::Command;
using queue::Event;
using queue::leased::ErrorReply;

queue::Times times_now() {
    return {net::now(), net::wall_now()};
}

constexpr std::size_t pack_bytes_max = std::size_t{60} << 10; // of a put of many

// An engine on its own, asked one command after the other, or many in one turn.
class Asker {
public:
    static Result<Asker> open(const std::filesystem::path& directory,
                              const queue::LmdbOptions& options) {
        auto store = queue::LmdbStore::open(directory, options);
        if (!store)
            return fail(store.error());
        queue::StoreLimits limits;
        limits.message_bytes_max = 1ULL << 30; // whatever is there was let in before
        auto engine =
            queue::QueueEngine::open(std::move(*store), limits, net::system_seed(), times_now());
        if (!engine)
            return fail(engine.error());
        return Asker{std::move(*engine)};
    }

    void say(Command&& command) {
        engine_.apply(queue::Peer{"transfer", {}, -1}, {false, "t"}, std::move(command),
                      times_now());
        ++said_;
    }
    bool is_turn_full() const noexcept { return engine_.is_turn_full(); }
    // What was said is done. Errors: the first refusal; io (a turn that could not be written has
    // no answers).
    Status settle() {
        out_.clear();
        const std::size_t said = std::exchange(said_, 0);
        if (Status finished = engine_.finish_turn(times_now(), out_); !finished)
            return finished;
        if (out_.sends.size() < said)
            return fail(Errc::io, "the store could not do it");
        for (const auto& each : out_.sends)
            if (Status right = check(each.event); !right)
                return right;
        return {};
    }
    Result<Event> ask(Command&& command) {
        say(std::move(command));
        said_ = 0;
        out_.clear();
        if (Status finished = engine_.finish_turn(times_now(), out_); !finished)
            return fail(finished.error());
        if (out_.sends.empty())
            return fail(Errc::io, "the store could not do it");
        if (Status right = check(out_.sends.front().event); !right)
            return fail(right.error());
        return std::move(out_.sends.front().event);
    }
    Status stop() {
        out_.clear();
        return engine_.stop(times_now(), out_);
    }

private:
    explicit Asker(queue::QueueEngine engine) : engine_(std::move(engine)) {}

    static Status refused(queue::leased::ErrorCode code, const std::string& text) {
        using Code = queue::leased::ErrorCode;
        const Errc errc = code == Code::full     ? Errc::disk_full
                          : code == Code::exists ? Errc::exists
                                                 : Errc::refused;
        return fail(errc, std::string(name(code)) + ": " + text);
    }
    static Status check(const Event& event) {
        if (const auto* put = std::get_if<queue::PutRefused>(&event))
            return refused(put->code, put->text);
        if (const auto* put = std::get_if<queue::PutOk>(&event);
            put && !put->exceptions.refused.empty())
            return refused(put->exceptions.refused.front().code, "a message is refused");
        if (const auto* reply = std::get_if<queue::leased::Event>(&event))
            if (const auto* error = std::get_if<ErrorReply>(reply))
                return refused(error->code, error->text);
        return {};
    }

    queue::QueueEngine engine_;
    std::size_t said_ = 0; // in this turn
    queue::EngineOutputs out_{};
};

// ---- export ------------------------------------------------------------------------------------

class Exporter {
public:
    Exporter(Asker& asker, const LineWriter& write, const TransferProgress& progress)
        : asker_(asker), write_(write), progress_(progress) {}

    Status run() {
        queue::List list;
        list.page = queue::limits::page_max;
        do {
            auto answer = asker_.ask(list);
            if (!answer)
                return fail(answer.error());
            auto& page = std::get<queue::ListReply>(*answer);
            for (const std::string& row : page.rows) {
                wire::OptionTextReader options{row};
                if (Status written = write_queue(std::string(options.text("name", 255))); !written)
                    return written;
            }
            list.after = std::move(page.next);
        } while (!list.after.empty());
        return {};
    }
    const TransferCount& count() const noexcept { return count_; }

private:
    Status write_queue(const std::string& name) {
        auto answer = asker_.ask(queue::Stat{name});
        if (!answer)
            return fail(answer.error());
        MessageLine line;
        line.type = "queue";
        line.queue = name;
        line.frames.add(ByteView{});
        line.meta = properties_in(std::get<queue::StatReply>(*answer).text);
        ++count_.queues;
        if (Status written = write_(to_text(line)); !written)
            return written;
        for (const bool delayed : {false, true})
            if (Status written = write_messages(name, delayed); !written)
                return written;
        return {};
    }

    static std::vector<std::pair<std::string, std::string>> properties_in(std::string_view text) {
        const auto& names = queue::property_names();
        std::vector<std::pair<std::string, std::string>> all;
        while (!text.empty()) {
            const std::string_view line = text.substr(0, text.find('\n'));
            text.remove_prefix(std::min(line.size() + 1, text.size()));
            const std::size_t equals = line.find('=');
            const std::string_view name = line.substr(0, equals);
            if (equals != line.npos && std::find(names.begin(), names.end(), name) != names.end())
                all.emplace_back(name, line.substr(equals + 1));
        }
        return all;
    }

    Status write_messages(const std::string& name, bool delayed) {
        queue::Peek peek;
        peek.queue = name;
        peek.delayed = delayed;
        peek.page = queue::limits::page_max;
        do {
            auto answer = asker_.ask(peek);
            if (!answer)
                return fail(answer.error());
            auto& page = std::get<queue::PeekReply>(*answer);
            for (auto& each : page.messages)
                if (Status written = write_message(name, each); !written)
                    return written;
            peek.after = std::move(page.next);
            progress_(count_);
        } while (!peek.after.empty());
        return {};
    }

    Status write_message(const std::string& name, queue::PeekReply::Message& message) {
        MessageLine line;
        line.type = "message";
        line.queue = name;
        line.frames = std::move(message.body);
        std::string_view info = message.info;
        while (!info.empty()) {
            const std::string_view each = info.substr(0, info.find('\n'));
            info.remove_prefix(std::min(each.size() + 1, info.size()));
            if (const std::size_t equals = each.find('='); equals != each.npos)
                line.meta.emplace_back(each.substr(0, equals), each.substr(equals + 1));
        }
        ++count_.messages;
        return write_(to_text(line));
    }

    Asker& asker_;
    const LineWriter& write_;
    const TransferProgress& progress_;
    TransferCount count_{};
};

// ---- import ------------------------------------------------------------------------------------

class Importer {
public:
    Importer(Asker& asker, const TransferProgress& progress) : asker_(asker), progress_(progress) {}

    void pass_over(std::uint64_t number) { taken_ = number; }
    Status take(std::string_view text, std::uint64_t number) {
        number_ = number;
        if (Status taken = take(text); !taken)
            return taken;
        taken_ = number;
        return {};
    }
    Status settle() {
        say_pack();
        Status done = asker_.settle();
        if (!done && count_.doubtful == 0)
            count_.doubtful = taken_;
        if (count_.doubtful == 0) {
            count_.messages += unsettled_;
            count_.lines = taken_;
        }
        unsettled_ = 0;
        progress_(count_);
        return done;
    }
    const TransferCount& count() const noexcept { return count_; }

private:
    Status take(std::string_view text) {
        auto line = parse_line(text);
        if (!line)
            return fail(line.error());
        if (!queue::is_queue_name(line->queue))
            return fail(Errc::malformed, R"("endpoint" is no name of a queue)");
        if (line->type == "queue")
            return make_queue(*line);
        if (known_.insert(line->queue).second)
            if (Status made = create(line->queue, {}); !made)
                return made;
        return put(std::move(*line));
    }
    Status make_queue(const MessageLine& line) {
        queue::QueueProperties properties;
        for (const auto& [name, value] : line.meta)
            if (Status set = set_property(properties, name, value); !set)
                return set;
        known_.insert(line.queue);
        return create(line.queue, properties);
    }
    Status create(const std::string& name, const queue::QueueProperties& properties) {
        if (Status settled = settle(); !settled)
            return settled;
        auto made = asker_.ask(queue::Create{name, properties, false});
        if (made)
            ++count_.queues;
        else if (made.error().code == Errc::exists)
            ++count_.repeats;
        return made || made.error().code == Errc::exists ? Status{} : fail(made.error());
    }

    // Gathers messages of one queue, as a producer does: one command for many.
    Status put(MessageLine&& line) {
        queue::PutRecord head;
        head.key = line.value("key");
        if (const auto level = parse_count(line.value("priority"), 0, 7))
            head.priority = static_cast<std::uint8_t>(*level);
        head.delay = until(line.value("due_ms"));
        head.ttl = until(line.value("expiry_ms"));
        const bool expired = head.ttl == Duration::zero() && !line.value("expiry_ms").empty() &&
                             line.value("expiry_ms") != "0";
        if (expired)
            return {};
        head.is_plain =
            head.priority == 0 && head.delay == Duration::zero() && head.ttl == Duration::zero();
        const std::size_t size =
            queue::PutWriter::record_bytes(head, line.frames.size(), line.frames.bytes());
        if (line.queue != packed_queue_ || pack_.bytes() + size > pack_bytes_max)
            say_pack();
        packed_queue_ = std::move(line.queue);
        if (size > pack_bytes_max)
            return say(put_of(head, std::move(line.frames)));
        pack_.begin(head, line.frames.size());
        for (std::size_t i = 0; i < line.frames.size(); ++i)
            pack_.add_frame(line.frames[i].view());
        return count_in();
    }
    queue::Put put_of(const queue::PutRecord& head, wire::Frames&& body) const {
        queue::Put put;
        put.queue = packed_queue_;
        put.key = head.key;
        put.priority = head.priority;
        put.delay = head.delay;
        put.ttl = head.ttl;
        put.body = std::move(body);
        return put;
    }
    Status say(queue::Put&& put) {
        asker_.say(std::move(put));
        return count_in();
    }
    Status count_in() {
        ++unsettled_;
        taken_ = number_;
        return asker_.is_turn_full() ? settle() : Status{};
    }
    void say_pack() {
        if (pack_.records() == 0)
            return;
        asker_.say(queue::PutPacked{packed_queue_, {}, Blob::copy(pack_.finish(plain_))});
        pack_.clear();
    }
    // From now on; zero when it is over, or not said.
    static Duration until(std::string_view wall_ms) {
        const auto at = parse_count(wall_ms, 0, 1ULL << 50);
        if (!at)
            return Duration::zero();
        const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
            net::wall_now().time_since_epoch());
        const std::chrono::milliseconds left{static_cast<std::int64_t>(*at) - now.count()};
        return std::max<Duration>(left, Duration::zero());
    }

    Asker& asker_;
    const TransferProgress& progress_;
    std::set<std::string> known_{};
    TransferCount count_{};
    queue::PutWriter pack_{};
    std::string packed_queue_{};
    wire::Compressor plain_{wire::Compression::none};
    std::uint64_t unsettled_ = 0; // messages of this turn
    std::uint64_t number_ = 0;    // of the line that is being taken
    std::uint64_t taken_ = 0;     // all lines up to this one were
};

} // namespace

Result<TransferCount> export_store(const std::filesystem::path& directory,
                                   const queue::LmdbOptions& options, const LineWriter& write,
                                   const TransferProgress& progress) {
    auto asker = Asker::open(directory, options);
    if (!asker)
        return fail(asker.error());
    Exporter exporter(*asker, write, progress);
    if (Status done = exporter.run(); !done)
        return fail(done.error());
    if (Status stopped = asker->stop(); !stopped)
        return fail(stopped.error());
    return exporter.count();
}

Result<TransferCount> import_store(const std::filesystem::path& directory,
                                   const queue::LmdbOptions& options, std::uint64_t from_line,
                                   const LineReader& read, const TransferProgress& progress) {
    auto asker = Asker::open(directory, options);
    if (!asker)
        return fail(asker.error());
    Importer importer(*asker, progress);
    const auto take_all = [&]() -> Status {
        for (std::uint64_t number = 1;; ++number) {
            auto line = read();
            if (!line)
                return fail(line.error());
            if (!*line)
                return {};
            if (number < from_line || (*line)->find_first_not_of(" \t\r") == std::string::npos)
                importer.pass_over(number);
            else if (Status taken = importer.take(**line, number); !taken)
                return fail(taken.error().code,
                            "line " + std::to_string(number) + ": " + taken.error().detail);
        }
    };
    Status done = take_all();
    // What was taken before a line that is wrong is put all the same.
    if (const Status settled = importer.settle(); !settled && done)
        done = settled;
    if (const Status stopped = asker->stop(); !stopped && done)
        done = stopped;
    if (!done)
        return fail(done.error());
    return importer.count();
}

} // namespace flotilla::store_daemon
