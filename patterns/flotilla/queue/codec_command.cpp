// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/codec.hpp>
#include <flotilla/queue/properties.hpp>
#include <flotilla/wire/option_text.hpp>

#include <algorithm>
#include <array>

namespace flotilla::queue {
namespace {

using wire::Frames;
using wire::OptionTextReader;
using wire::OptionTextWriter;

constexpr std::array<std::string_view, 13> verbs{"",      "put",    "put",    "take", "create",
                                                 "alter", "delete", "purge",  "stat", "ls",
                                                 "peek",  "kick",   "redrive"};
static_assert(verbs.size() == std::variant_size_v<Command>);

constexpr std::array<std::string_view, 8> leased_verbs{"hello", "credit", "ack",  "nack",
                                                       "touch", "ping",   "pong", "bye"};

// The frames after the head.
struct Rest {
    OptionTextReader options;
    Frames& message;
    std::size_t body_at;

    std::size_t body_frames() const { return message.size() - std::min(body_at, message.size()); }
};

std::string read_queue(OptionTextReader& options) {
    options.require("queue");
    return std::string(options.text("queue", queue_name_bytes_max));
}

std::uint32_t read_page(OptionTextReader& options, std::uint32_t fallback) {
    return static_cast<std::uint32_t>(options.count("page", fallback, 1, limits::page_max));
}

// "option=value" where there is one value to choose.
bool read_choice(OptionTextReader& options, std::string_view name, std::string_view value) {
    const std::string_view text = options.text(name, leased::limits::name_bytes_max);
    if (!text.empty() && text != value)
        options.refuse(Errc::bad_option,
                       "option '" + std::string(name) + "' can be '" + std::string(value) + "'");
    return text == value;
}

// ---- puts --------------------------------------------------------------------------------------

// How long to watch for an acknowledgement.
Duration read_watch(OptionTextReader& options, bool is_watched) {
    if (options.has("acked_ms") && !is_watched)
        options.refuse(Errc::bad_option, "acked_ms goes with wait=acked or tell=acked");
    return options.milliseconds("acked_ms", limits::put_delay_max);
}

ProducerSequence read_sequence(OptionTextReader& options) {
    ProducerSequence from;
    from.producer = options.text("producer", limits::producer_bytes_max);
    from.sequence = options.count("sequence", 0, 1, limits::sequence_max);
    from.maybe_duplicate = options.flag("maybe_duplicate");
    if (from.producer.empty() != (from.sequence == 0))
        options.refuse(Errc::bad_option, "producer and sequence go together; name both or neither");
    return from;
}

Result<Command> read_packed_put(Rest& rest) {
    for (const char* name : {"key", "priority", "delay_ms", "ttl_ms", "message_id", "wait"})
        if (rest.options.has(name))
            return fail(Errc::bad_option, "option '" + std::string(name) +
                                              "' is of one message; in a packed put each record "
                                              "has its own, and none can wait");
    if (rest.body_frames() != 1)
        return fail(Errc::malformed, "a packed put has one body frame");
    PutPacked put;
    put.queue = read_queue(rest.options);
    put.from = read_sequence(rest.options);
    put.tell_acked = read_choice(rest.options, "tell", "acked");
    put.acked_max = read_watch(rest.options, put.tell_acked);
    put.packed = std::move(rest.message[rest.body_at++]);
    return put;
}

Result<Command> read_put(Rest& rest) {
    if (rest.options.flag("packed"))
        return read_packed_put(rest);
    if (rest.body_frames() == 0)
        return fail(Errc::malformed, "put has no body; an empty message is one empty frame");
    if (rest.body_frames() > leased::limits::body_frames_max)
        return fail(Errc::too_many, "put has over 1000 body frames");
    Put put;
    put.queue = read_queue(rest.options);
    put.from = read_sequence(rest.options);
    put.key = rest.options.text("key", leased::limits::name_bytes_max);
    put.priority = static_cast<std::uint8_t>(rest.options.count("priority", 0, 0, 255));
    put.delay = rest.options.milliseconds("delay_ms", limits::put_delay_max);
    put.ttl = rest.options.milliseconds("ttl_ms", limits::put_delay_max);
    put.message_id = rest.options.text("message_id", limits::message_id_bytes_max);
    put.wait_acked = read_choice(rest.options, "wait", "acked");
    put.tell_acked = read_choice(rest.options, "tell", "acked");
    if (put.wait_acked && put.tell_acked)
        return fail(Errc::bad_option, "a put waits for its acknowledgement or is told of it");
    put.acked_max = read_watch(rest.options, put.wait_acked || put.tell_acked);
    for (; rest.body_at < rest.message.size(); ++rest.body_at)
        put.body.add(std::move(rest.message[rest.body_at]));
    return put;
}

// ---- operators ---------------------------------------------------------------------------------

Result<Command> read_create(Rest& rest) {
    Create create;
    create.queue = read_queue(rest.options);
    create.or_same = read_choice(rest.options, "if_exists", "same");
    for (const auto& [name, value] : rest.options.all()) {
        if (name == "queue" || name == "if_exists")
            continue;
        if (const Status set = set_property(create.properties, name, value); !set)
            return fail(set.error());
    }
    return create;
}

// Judged when the queue's own properties are known.
Result<Command> read_alter(Rest& rest) {
    Alter alter;
    alter.queue = read_queue(rest.options);
    for (const auto& [name, value] : rest.options.all())
        if (name != "queue")
            alter.changes.emplace_back(name, value);
    return alter;
}

Result<Command> read_kick(OptionTextReader& options) {
    options.require("id");
    return Kick{read_queue(options), options.count("id", 0, 1, UINT64_MAX)};
}

Result<Command> read_peek(OptionTextReader& options) {
    return Peek{read_queue(options), options.flag("delayed"),
                std::string(options.text("after", leased::limits::name_bytes_max)),
                read_page(options, 1)};
}

Result<Command> read_list(OptionTextReader& options) {
    return List{std::string(options.text("prefix", queue_name_bytes_max)),
                std::string(options.text("after", queue_name_bytes_max)), read_page(options, 100)};
}

Result<Command> read_body(std::string_view verb, Rest& rest) {
    OptionTextReader& options = rest.options;
    if (verb == "put")
        return read_put(rest);
    if (verb == "take")
        return Take{std::string(options.text("queue", queue_name_bytes_max)),
                    options.milliseconds("wait_ms", leased::limits::wait_max)};
    if (verb == "create")
        return read_create(rest);
    if (verb == "alter")
        return read_alter(rest);
    if (verb == "delete")
        return Delete{read_queue(options), read_choice(options, "if", "empty")};
    if (verb == "purge")
        return Purge{read_queue(options)};
    if (verb == "stat")
        return Stat{std::string(options.text("queue", queue_name_bytes_max))};
    if (verb == "ls")
        return read_list(options);
    if (verb == "peek")
        return read_peek(options);
    if (verb == "kick")
        return read_kick(options);
    if (verb == "redrive")
        return Redrive{read_queue(options), options.count("messages", 0, 0, UINT64_MAX)};
    return fail(Errc::unsupported,
                "unknown verb '" + std::string(verb) +
                    "'; a store knows put, take, hello, credit, ack, nack, touch, ping, bye, "
                    "create, alter, delete, purge, stat, ls, peek, kick and redrive");
}

// ---- writing -----------------------------------------------------------------------------------

void write_sequence(const ProducerSequence& from, OptionTextWriter& out) {
    if (from.producer.empty())
        return;
    out.text("producer", from.producer).count("sequence", from.sequence);
    if (from.maybe_duplicate)
        out.text("maybe_duplicate", "yes");
}

void write_text(std::string_view name, std::string_view value, OptionTextWriter& out) {
    if (!value.empty())
        out.text(name, value);
}

void write_watch(Duration acked_max, OptionTextWriter& out) {
    if (acked_max > Duration::zero())
        out.milliseconds("acked_ms", acked_max);
}

void write_options(const Put& put, OptionTextWriter& out) {
    out.text("queue", put.queue);
    write_sequence(put.from, out);
    write_text("key", put.key, out);
    if (put.priority > 0)
        out.count("priority", put.priority);
    if (put.delay > Duration::zero())
        out.milliseconds("delay_ms", put.delay);
    if (put.ttl > Duration::zero())
        out.milliseconds("ttl_ms", put.ttl);
    write_text("message_id", put.message_id, out);
    if (put.wait_acked)
        out.text("wait", "acked");
    if (put.tell_acked)
        out.text("tell", "acked");
    write_watch(put.acked_max, out);
}

void write_options(const PutPacked& put, OptionTextWriter& out) {
    out.text("queue", put.queue);
    write_sequence(put.from, out);
    out.text("packed", "yes");
    if (put.tell_acked)
        out.text("tell", "acked");
    write_watch(put.acked_max, out);
}

void write_options(const Take& take, OptionTextWriter& out) {
    write_text("queue", take.queue, out);
    if (take.wait > Duration::zero())
        out.milliseconds("wait_ms", take.wait);
}

void write_options(const Create& create, OptionTextWriter& out) {
    out.text("queue", create.queue);
    if (create.or_same)
        out.text("if_exists", "same");
    for (const auto& [name, value] : property_texts(create.properties))
        out.text(name, value);
}

void write_options(const Alter& alter, OptionTextWriter& out) {
    out.text("queue", alter.queue);
    for (const auto& [name, value] : alter.changes)
        out.text(name, value);
}

void write_options(const Delete& each, OptionTextWriter& out) {
    out.text("queue", each.queue);
    if (each.if_empty)
        out.text("if", "empty");
}

void write_options(const Purge& purge, OptionTextWriter& out) {
    out.text("queue", purge.queue);
}

void write_options(const Stat& stat, OptionTextWriter& out) {
    write_text("queue", stat.queue, out);
}

void write_options(const List& list, OptionTextWriter& out) {
    write_text("prefix", list.prefix, out);
    write_text("after", list.after, out);
    out.count("page", list.page);
}

void write_options(const Peek& peek, OptionTextWriter& out) {
    out.text("queue", peek.queue);
    if (peek.delayed)
        out.text("delayed", "yes");
    write_text("after", peek.after, out);
    out.count("page", peek.page);
}

void write_options(const Kick& kick, OptionTextWriter& out) {
    out.text("queue", kick.queue).count("id", kick.id);
}

void write_options(const Redrive& redrive, OptionTextWriter& out) {
    out.text("queue", redrive.queue);
    if (redrive.messages > 0)
        out.count("messages", redrive.messages);
}

void write_options(const leased::Command&, OptionTextWriter&) {}

} // namespace

std::string_view verb(const Command& command) noexcept {
    const auto* plain = std::get_if<leased::Command>(&command);
    return plain ? leased::verb(*plain) : verbs[command.index()];
}

Result<Command> read_command(const leased::Head& head, Frames& message) {
    if (std::find(leased_verbs.begin(), leased_verbs.end(), head.verb) != leased_verbs.end()) {
        Result<leased::Command> plain = leased::read_command(head, message);
        if (!plain)
            return fail(std::move(plain.error()));
        return std::move(*plain);
    }
    const bool has_options = head.options_at < message.size();
    Rest rest{OptionTextReader(has_options ? message[head.options_at].view() : ByteView{}), message,
              head.options_at + 1};
    if (!rest.options.status())
        return fail(rest.options.status().error());
    Result<Command> command = read_body(head.verb, rest);
    if (!command)
        return command;
    if (!rest.options.status())
        return fail(rest.options.status().error());
    if (rest.body_frames() > 0)
        return fail(Errc::malformed, head.verb + " has a body that it should not have");
    return command;
}

void write(const leased::Envelope& envelope, const Command& command, Frames& message) {
    if (const auto* plain = std::get_if<leased::Command>(&command))
        return leased::write(envelope, *plain, message);
    OptionTextWriter options;
    std::visit([&](const auto& each) { write_options(each, options); }, command);
    if (envelope.delimited)
        message.add(ByteView{});
    message.add(leased::magic);
    message.add(verb(command));
    message.add(envelope.correlation);
    message.add(options.view());
    if (const auto* put = std::get_if<Put>(&command)) {
        for (std::size_t i = 0; i < put->body.size(); ++i)
            message.add(put->body[i].share());
    } else if (const auto* packed = std::get_if<PutPacked>(&command)) {
        message.add(packed->packed.share());
    }
}

} // namespace flotilla::queue
