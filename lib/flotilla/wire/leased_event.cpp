// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/wire/leased.hpp>
#include <flotilla/wire/option_text.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::wire::leased {
namespace {

constexpr Duration any_time = std::chrono::hours{24 * 365};
// Leaves room for the other options of an error.
constexpr std::size_t error_text_bytes_max = 1024;

Result<Event> read_ok(OptionTextReader& options) {
    Ok ok;
    if (options.has("session")) {
        Terms terms;
        terms.session = options.hex("session");
        terms.epoch = options.hex("epoch");
        terms.heartbeat = options.milliseconds("heartbeat_ms", any_time);
        terms.lease = options.milliseconds("lease_ms", any_time);
        terms.message_bytes_max = options.count("message_bytes_max", 0, 0, UINT64_MAX);
        terms.credit_max =
            static_cast<std::uint32_t>(options.count("credit_max", 0, 0, limits::credit_max));
        ok.terms = terms;
    }
    ok.done = options.count("done", 0, 0, UINT64_MAX);
    ok.late = options.count("late", 0, 0, UINT64_MAX);
    return ok;
}

Result<Event> read_error(OptionTextReader& options) {
    ErrorReply error;
    options.require("code");
    error.code = error_code_named(options.text("code", limits::name_bytes_max));
    error.text = options.text("text", limits::options_bytes_max);
    error.done = options.count("done", 0, 0, UINT64_MAX);
    error.late = options.count("late", 0, 0, UINT64_MAX);
    error.lost = options.count("lost", 0, 0, UINT64_MAX);
    return error;
}

Redelivered read_redelivered(OptionTextReader& options) {
    const std::string_view text = options.text("redelivered", limits::name_bytes_max);
    for (const Redelivered each : {Redelivered::no, Redelivered::maybe, Redelivered::yes})
        if (text == name(each))
            return each;
    options.refuse(Errc::bad_option, "option 'redelivered' must be no, maybe or yes");
    return Redelivered::maybe;
}

Result<Event> read_deliver(OptionTextReader& options, Frames& message, std::size_t body_at) {
    const std::size_t frames = message.size() - std::min(body_at, message.size());
    if (frames == 0)
        return fail(Errc::malformed, "deliver has no body");
    if (frames > limits::body_frames_max)
        return fail(Errc::too_many, "deliver has over 1000 body frames");
    if (options.flag("packed")) {
        if (frames != 1)
            return fail(Errc::malformed, "a packed deliver has one body frame");
        return DeliverPacked{options.milliseconds("lease_ms", any_time),
                             std::move(message[body_at])};
    }
    options.require("lease");
    options.require("id");
    const auto token = parse_token(options.text("lease", limits::name_bytes_max));
    if (!token)
        return fail(token.error());
    Deliver deliver;
    deliver.lease = *token;
    deliver.id = options.count("id", 0, 0, UINT64_MAX);
    deliver.attempt = static_cast<std::uint32_t>(options.count("attempt", 1, 1, 0xffffffff));
    deliver.redelivered = read_redelivered(options);
    deliver.lease_time = options.milliseconds("lease_ms", any_time);
    deliver.key = options.text("key", limits::name_bytes_max);
    for (std::size_t i = body_at; i < message.size(); ++i)
        deliver.body.add(std::move(message[i]));
    return deliver;
}

Result<Event> read_body(const Head& head, OptionTextReader& options, Frames& message) {
    if (head.verb == "deliver")
        return read_deliver(options, message, head.options_at + 1);
    if (message.size() > head.options_at + 1)
        return fail(Errc::malformed, head.verb + " has a body that it should not have");
    if (head.verb == "ok")
        return read_ok(options);
    if (head.verb == "empty")
        return Empty{};
    if (head.verb == "error")
        return read_error(options);
    if (head.verb == "ping")
        return Ping{};
    if (head.verb == "pong")
        return Pong{};
    if (head.verb == "bye")
        return Bye{};
    return fail(Errc::unsupported, "unknown verb '" + head.verb +
                                       "'; a source says ok, deliver, empty, error, ping, pong or "
                                       "bye");
}

// ---- writing -----------------------------------------------------------------------------------

void write_event_options(const Ok& ok, OptionTextWriter& out) {
    if (ok.terms) {
        out.hex("session", ok.terms->session)
            .hex("epoch", ok.terms->epoch)
            .milliseconds("heartbeat_ms", ok.terms->heartbeat)
            .milliseconds("lease_ms", ok.terms->lease)
            .count("message_bytes_max", ok.terms->message_bytes_max)
            .count("credit_max", ok.terms->credit_max);
    }
    if (ok.done > 0)
        out.count("done", ok.done);
    if (ok.late > 0)
        out.count("late", ok.late);
}

void write_event_options(const Deliver& deliver, OptionTextWriter& out) {
    out.text("lease", to_text(deliver.lease))
        .count("id", deliver.id)
        .count("attempt", deliver.attempt)
        .text("redelivered", name(deliver.redelivered))
        .milliseconds("lease_ms", deliver.lease_time);
    if (!deliver.key.empty())
        out.text("key", deliver.key);
}

void write_event_options(const DeliverPacked& deliver, OptionTextWriter& out) {
    out.text("packed", "yes").milliseconds("lease_ms", deliver.lease_time);
}

void write_event_options(const ErrorReply& error, OptionTextWriter& out) {
    out.text("code", name(error.code));
    out.text("text", std::string_view{error.text}.substr(0, error_text_bytes_max));
    if (error.done > 0)
        out.count("done", error.done);
    if (error.late > 0)
        out.count("late", error.late);
    if (error.lost > 0)
        out.count("lost", error.lost);
}

template <class Plain>
void write_event_options(const Plain&, OptionTextWriter&) {}

} // namespace

Result<Event> read_event(const Head& head, Frames& message) {
    const bool has_options = head.options_at < message.size();
    OptionTextReader options(has_options ? message[head.options_at].view() : ByteView{});
    if (!options.status())
        return fail(options.status().error());
    Result<Event> event = read_body(head, options, message);
    if (event && !options.status())
        return fail(options.status().error());
    return event;
}

void write(const Envelope& envelope, Event&& event, Frames& message) {
    OptionTextWriter options;
    std::visit([&](const auto& each) { write_event_options(each, options); }, event);
    if (envelope.delimited)
        message.add(ByteView{});
    message.add(magic);
    message.add(verb(event));
    message.add(envelope.correlation);
    message.add(options.view());
    if (auto* deliver = std::get_if<Deliver>(&event)) {
        FLOTILLA_CHECK(!deliver->body.empty() && deliver->body.size() <= limits::body_frames_max,
                       "a delivery has 1 to 1000 frames");
        for (std::size_t i = 0; i < deliver->body.size(); ++i)
            message.add(std::move(deliver->body[i]));
    } else if (auto* packed = std::get_if<DeliverPacked>(&event)) {
        message.add(std::move(packed->packed));
    }
}

} // namespace flotilla::wire::leased
