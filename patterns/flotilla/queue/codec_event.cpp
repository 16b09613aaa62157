// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/queue/codec.hpp>
#include <flotilla/wire/option_text.hpp>
#include <flotilla/wire/pack.hpp>

#include <algorithm>
#include <array>

namespace flotilla::queue {
namespace {

using wire::Frames;
using wire::OptionTextReader;
using wire::OptionTextWriter;

constexpr std::size_t error_text_bytes_max = 1024;
constexpr std::uint8_t kind_repeat = 1;
constexpr std::uint8_t kind_refused = 2;

std::size_t body_frames(const leased::Head& head, const Frames& message) {
    return message.size() - std::min(head.options_at + 1, message.size());
}

// ---- puts --------------------------------------------------------------------------------------

Result<PutExceptions> read_exceptions(ByteView body) {
    PutExceptions out;
    wire::Reader reader(body);
    for (std::size_t n = 0; reader.left() > 0; ++n) {
        if (n == limits::packed_messages_max)
            return fail(Errc::too_many, "over 65,536 exceptions of one put");
        const std::uint8_t kind = reader.u8();
        const std::uint32_t index = reader.u32();
        if (kind == kind_repeat)
            out.repeats.push_back({index, reader.u64()});
        else if (kind == kind_refused)
            out.refused.push_back({index, leased::error_code_named(reader.short_bytes())});
        else
            return fail(Errc::malformed, "an exception is neither repeat nor refused");
        if (!reader.ok())
            return fail(Errc::malformed, "the exceptions of a put end too early");
    }
    return out;
}

void write_exceptions(const PutExceptions& exceptions, Frames& message) {
    if (exceptions == PutExceptions{})
        return;
    wire::Writer out;
    for (const auto& each : exceptions.repeats)
        out.u8(kind_repeat).u32(each.index).u64(each.id);
    for (const auto& each : exceptions.refused)
        out.u8(kind_refused).u32(each.index).short_bytes(leased::name(each.code));
    message.add(out.view());
}

Result<PutOutcome> read_outcome(const leased::Head& head, OptionTextReader& options,
                                Frames& message) {
    PutOutcome outcome;
    outcome.first_id = options.count("first_id", 0, 0, UINT64_MAX);
    outcome.accepted = options.count("accepted", 0, 0, UINT64_MAX);
    outcome.duplicates = options.count("duplicates", 0, 0, UINT64_MAX);
    outcome.sequence = options.count("sequence", 0, 0, UINT64_MAX);
    if (options.has("told"))
        outcome.told = options.count("told", 0, 0, UINT64_MAX);
    if (body_frames(head, message) > 1)
        return fail(Errc::malformed, "the answer to a put has one body frame at most");
    if (body_frames(head, message) == 1) {
        Result<PutExceptions> exceptions = read_exceptions(message[head.options_at + 1].view());
        if (!exceptions)
            return fail(std::move(exceptions.error()));
        outcome.exceptions = std::move(*exceptions);
    }
    return outcome;
}

Acked read_acked(OptionTextReader& options) {
    if (options.text("acked", leased::limits::name_bytes_max) == "unknown")
        return Acked::unknown;
    const bool is_said = options.has("acked");
    const bool is_acked = options.flag("acked");
    return is_acked ? Acked::yes : is_said ? Acked::no : Acked::unsaid;
}

Result<Event> read_put(const leased::Head& head, OptionTextReader& options, Frames& message) {
    Result<PutOutcome> outcome = read_outcome(head, options, message);
    if (!outcome)
        return fail(std::move(outcome.error()));
    if (head.verb == "ok")
        return PutOk{std::move(*outcome), read_acked(options)};
    options.require("code");
    return PutRefused{
        std::move(*outcome),
        leased::error_code_named(options.text("code", leased::limits::name_bytes_max)),
        std::string(options.text("text", OptionTextReader::bytes_max))};
}

void write_options(const PutOutcome& outcome, OptionTextWriter& out) {
    out.count("sequence", outcome.sequence);
    if (outcome.accepted > 0)
        out.count("accepted", outcome.accepted);
    if (outcome.first_id > 0)
        out.count("first_id", outcome.first_id);
    if (outcome.duplicates > 0)
        out.count("duplicates", outcome.duplicates);
    if (outcome.told)
        out.count("told", *outcome.told);
}

void write_options(const PutOk& ok, OptionTextWriter& out) {
    const bool is_told_later = ok.acked != Acked::unsaid && ok.accepted + ok.duplicates == 0;
    if (is_told_later)
        out.count("first_id", ok.first_id);
    else
        write_options(static_cast<const PutOutcome&>(ok), out);
    if (ok.acked != Acked::unsaid)
        out.text("acked", ok.acked == Acked::yes  ? "yes"
                          : ok.acked == Acked::no ? "no"
                                                  : "unknown");
}

void write_options(const PutRefused& refused, OptionTextWriter& out) {
    out.text("code", leased::name(refused.code));
    out.text("text", std::string_view{refused.text}.substr(0, error_text_bytes_max));
    write_options(static_cast<const PutOutcome&>(refused), out);
}

// ---- operators ---------------------------------------------------------------------------------

Result<Event> read_stat(const leased::Head& head, Frames& message) {
    if (body_frames(head, message) != 1)
        return fail(Errc::malformed, "the answer to stat has one body frame");
    const ByteView text = message[head.options_at + 1].view();
    if (text.size() > limits::stat_bytes_max)
        return fail(Errc::too_large, "the answer to stat is over 64 KiB");
    return StatReply{std::string(text)};
}

Result<Event> read_list(const leased::Head& head, OptionTextReader& options, Frames& message) {
    if (body_frames(head, message) > limits::page_max)
        return fail(Errc::too_many, "the answer to ls has over 1000 rows");
    ListReply reply;
    reply.next = options.text("next", leased::limits::name_bytes_max);
    for (std::size_t i = head.options_at + 1; i < message.size(); ++i)
        reply.rows.emplace_back(message[i].view());
    return reply;
}

Result<PeekReply::Message> read_peeked(ByteView frame) {
    wire::Reader reader(frame);
    PeekReply::Message out;
    out.id = reader.u64();
    out.info = reader.medium_bytes();
    const std::size_t frames = reader.u16();
    if (frames > leased::limits::body_frames_max)
        return fail(Errc::too_many, "a message has over 1000 frames");
    for (std::size_t i = 0; i < frames && reader.ok(); ++i)
        out.body.add(reader.long_bytes());
    if (!reader.ok_at_end() || frames == 0)
        return fail(Errc::malformed, "a message of peek does not follow its format");
    return out;
}

Result<Event> read_peek(const leased::Head& head, OptionTextReader& options, Frames& message) {
    if (body_frames(head, message) > limits::page_max)
        return fail(Errc::too_many, "the answer to peek has over 1000 messages");
    PeekReply reply;
    reply.next = options.text("next", leased::limits::name_bytes_max);
    for (std::size_t i = head.options_at + 1; i < message.size(); ++i) {
        Result<PeekReply::Message> each = read_peeked(message[i].view());
        if (!each)
            return fail(std::move(each.error()));
        reply.messages.push_back(std::move(*each));
    }
    return reply;
}

void write_options(const ListReply& list, OptionTextWriter& out) {
    if (!list.next.empty())
        out.text("next", list.next);
}

void write_options(const PeekReply& peek, OptionTextWriter& out) {
    if (!peek.next.empty())
        out.text("next", peek.next);
}

void write_options(const Done& done, OptionTextWriter& out) {
    out.count("done", done.done);
}

template <class Plain>
void write_options(const Plain&, OptionTextWriter&) {}

void write_body(const Event& event, Frames& message) {
    if (const auto* ok = std::get_if<PutOk>(&event))
        write_exceptions(ok->exceptions, message);
    else if (const auto* refused = std::get_if<PutRefused>(&event))
        write_exceptions(refused->exceptions, message);
    else if (const auto* stat = std::get_if<StatReply>(&event))
        message.add(ByteView{stat->text});
    else if (const auto* list = std::get_if<ListReply>(&event))
        for (const std::string& row : list->rows)
            message.add(ByteView{row});
    else if (const auto* peek = std::get_if<PeekReply>(&event))
        for (const PeekReply::Message& each : peek->messages) {
            wire::Writer out;
            out.u64(each.id).medium_bytes(each.info);
            out.u16(static_cast<std::uint16_t>(each.body.size()));
            for (std::size_t i = 0; i < each.body.size(); ++i)
                out.long_bytes(each.body[i]);
            message.add(out.view());
        }
}

} // namespace

bool is_passing(leased::ErrorCode code) noexcept {
    using Code = leased::ErrorCode;
    return code == Code::full || code == Code::draining || code == Code::out_of_order ||
           code == Code::unknown_producer || code == Code::busy;
}

std::string_view verb(const Event& event) noexcept {
    if (const auto* plain = std::get_if<leased::Event>(&event))
        return leased::verb(*plain);
    return std::holds_alternative<PutRefused>(event) ? "error" : "ok";
}

Result<Event> read_event(const leased::Head& head, Asked asked, Frames& message) {
    const bool has_options = head.options_at < message.size();
    OptionTextReader options(has_options ? message[head.options_at].view() : ByteView{});
    if (!options.status())
        return fail(options.status().error());
    const bool ok = head.verb == "ok" && asked != Asked::leased;
    const bool of_put = asked == Asked::put && (ok || (head.verb == "error" && //
                                                       options.has("sequence")));
    if (!ok && !of_put) {
        Result<leased::Event> plain = leased::read_event(head, message);
        if (!plain)
            return fail(std::move(plain.error()));
        return std::move(*plain);
    }
    Result<Event> event = of_put                 ? read_put(head, options, message)
                          : asked == Asked::stat ? read_stat(head, message)
                          : asked == Asked::list ? read_list(head, options, message)
                          : asked == Asked::peek
                              ? read_peek(head, options, message)
                              : Result<Event>(Done{options.count("done", 0, 0, UINT64_MAX)});
    if (event && !options.status())
        return fail(options.status().error());
    return event;
}

void write(const leased::Envelope& envelope, Event&& event, Frames& message) {
    if (auto* plain = std::get_if<leased::Event>(&event))
        return leased::write(envelope, std::move(*plain), message);
    OptionTextWriter options;
    std::visit([&](const auto& each) { write_options(each, options); }, event);
    if (envelope.delimited)
        message.add(ByteView{});
    message.add(leased::magic);
    message.add(verb(event));
    message.add(envelope.correlation);
    message.add(options.view());
    write_body(event, message);
}

} // namespace flotilla::queue
