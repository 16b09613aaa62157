// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/leased.hpp>
#include <flotilla/wire/leased_pack.hpp>
#include <flotilla/wire/option_text.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::wire::leased {
namespace {

// The frames after the head.
struct Rest {
    OptionTextReader options;
    Frames& message;
    std::size_t body_at;

    std::size_t body_frames() const { return message.size() - std::min(body_at, message.size()); }
};

Compressions read_compressions(OptionTextReader& options) {
    Compressions found;
    std::string_view list = options.text("compress", limits::name_bytes_max);
    while (!list.empty()) {
        const std::size_t end = std::min(list.find(','), list.size());
        const auto algorithm = compression_named(list.substr(0, end));
        list.remove_prefix(std::min(end + 1, list.size()));
        // An algorithm that this build never heard of is one it will not use.
        found.lz4 = found.lz4 || algorithm == Compression::lz4;
        found.zstd = found.zstd || algorithm == Compression::zstd;
    }
    return found;
}

std::string write_compressions(const Compressions& compress) {
    std::string list;
    for (const Compression each : {Compression::lz4, Compression::zstd})
        if (compress.has(each))
            list.append(list.empty() ? "" : ",").append(name(each));
    return list;
}

std::optional<std::uint32_t> read_credit(OptionTextReader& options) {
    if (!options.has("credit"))
        return std::nullopt;
    return static_cast<std::uint32_t>(options.count("credit", 0, 0, limits::credit_max));
}

std::optional<Held> read_held(OptionTextReader& options) {
    if (!options.has("held"))
        return std::nullopt;
    auto held = parse_held(options.text("held", limits::options_bytes_max));
    if (!held) {
        options.refuse(held.error().code, held.error().detail);
        return std::nullopt;
    }
    return std::move(*held);
}

Result<Leases> read_lease_texts(std::string_view list) {
    Leases leases;
    for (std::size_t n = 0; n == 0 || !list.empty(); ++n) {
        if (n == limits::lease_texts_max)
            return fail(Errc::too_many, "over 64 leases in one option; send them packed");
        const std::size_t end = std::min(list.find(','), list.size());
        const auto token = parse_token(list.substr(0, end));
        list.remove_prefix(std::min(end + 1, list.size()));
        if (!token)
            return fail(token.error());
        if (n > 0 && token->epoch != leases.epoch)
            return fail(Errc::malformed, "leases of two epochs in one message; send two");
        leases.epoch = token->epoch;
        leases.add(token->number);
    }
    return leases;
}

// From lease=TOKEN,... or from a packed body frame.
Result<Leases> read_command_leases(Rest& rest) {
    if (rest.options.has("lease")) {
        if (rest.body_frames() > 0)
            return fail(Errc::malformed, "leases are given as an option and as a body");
        return read_lease_texts(rest.options.text("lease", limits::options_bytes_max));
    }
    if (rest.body_frames() == 0)
        return fail(Errc::bad_option, "option 'lease' is missing");
    Result<Leases> leases = read_leases(rest.message[rest.body_at].view());
    ++rest.body_at;
    return leases;
}

Result<Command> read_hello(Rest& rest) {
    Hello hello;
    hello.worker = rest.options.text("worker", limits::name_bytes_max);
    hello.queue = rest.options.text("queue", limits::name_bytes_max);
    hello.weight =
        static_cast<std::uint32_t>(rest.options.count("weight", 1, 1, limits::weight_max));
    hello.packed = rest.options.flag("packed");
    hello.compress = read_compressions(rest.options);
    hello.resume = rest.options.hex("resume");
    hello.credit = read_credit(rest.options);
    hello.held = read_held(rest.options);
    return hello;
}

Result<Command> read_body(std::string_view verb, Rest& rest) {
    if (verb == "hello")
        return read_hello(rest);
    if (verb == "credit") {
        rest.options.require("credit");
        return Credit{read_credit(rest.options).value_or(0)};
    }
    if (verb == "take")
        return Take{rest.options.milliseconds("wait_ms", limits::wait_max),
                    std::string(rest.options.text("queue", limits::name_bytes_max))};
    if (verb == "ping")
        return Ping{read_credit(rest.options)};
    if (verb == "pong")
        return Pong{};
    if (verb == "bye")
        return Bye{};
    if (verb != "ack" && verb != "nack" && verb != "touch")
        return fail(Errc::unsupported, "unknown verb '" + std::string(verb) +
                                           "'; a worker says hello, credit, take, ack, nack, "
                                           "touch, ping, pong or bye");
    Result<Leases> leases = read_command_leases(rest);
    if (!leases)
        return fail(std::move(leases.error()));
    if (verb == "ack")
        return Ack{std::move(*leases)};
    if (verb == "touch")
        return Touch{std::move(*leases)};
    return Nack{std::move(*leases), rest.options.milliseconds("delay_ms", limits::delay_max),
                std::string(rest.options.text("reason", limits::name_bytes_max))};
}

// ---- writing -----------------------------------------------------------------------------------

void write_options(const Hello& hello, OptionTextWriter& out) {
    if (!hello.worker.empty())
        out.text("worker", hello.worker);
    if (!hello.queue.empty())
        out.text("queue", hello.queue);
    out.count("weight", hello.weight);
    if (hello.packed)
        out.text("packed", "yes");
    if (hello.compress != Compressions{})
        out.text("compress", write_compressions(hello.compress));
    if (hello.resume != 0)
        out.hex("resume", hello.resume);
    if (hello.credit)
        out.count("credit", *hello.credit);
    if (hello.held)
        out.text("held", to_text(*hello.held));
}

void write_options(const Credit& credit, OptionTextWriter& out) {
    out.count("credit", credit.messages);
}

void write_options(const Take& take, OptionTextWriter& out) {
    if (take.wait > Duration::zero())
        out.milliseconds("wait_ms", take.wait);
    if (!take.queue.empty())
        out.text("queue", take.queue);
}

void write_options(const Nack& nack, OptionTextWriter& out) {
    if (nack.delay > Duration::zero())
        out.milliseconds("delay_ms", nack.delay);
    if (!nack.reason.empty())
        out.text("reason", nack.reason);
}

void write_options(const Ping& ping, OptionTextWriter& out) {
    if (ping.credit)
        out.count("credit", *ping.credit);
}

template <class Plain>
void write_options(const Plain&, OptionTextWriter&) {}

const Leases* leases_of(const Command& command) {
    if (const auto* ack = std::get_if<Ack>(&command))
        return &ack->leases;
    if (const auto* nack = std::get_if<Nack>(&command))
        return &nack->leases;
    if (const auto* touch = std::get_if<Touch>(&command))
        return &touch->leases;
    return nullptr;
}

} // namespace

Result<Command> read_command(const Head& head, Frames& message) {
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

void write(const Envelope& envelope, const Command& command, Frames& message) {
    OptionTextWriter options;
    std::visit([&](const auto& each) { write_options(each, options); }, command);
    const Leases* leases = leases_of(command);
    const bool one = leases && leases->count() == 1;
    if (one)
        options.text("lease", to_text({leases->epoch, leases->ranges.front().first}));
    if (envelope.delimited)
        message.add(ByteView{});
    message.add(magic);
    message.add(verb(command));
    message.add(envelope.correlation);
    message.add(options.view());
    if (leases && !one)
        message.add(pack_leases(*leases));
}

} // namespace flotilla::wire::leased
