// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/leased.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <utility>

namespace flotilla::wire::leased {
namespace {

constexpr std::array<std::pair<ErrorCode, std::string_view>, 18> error_names{{
    {ErrorCode::malformed, "malformed"},
    {ErrorCode::unsupported, "unsupported"},
    {ErrorCode::bad_option, "bad_option"},
    {ErrorCode::too_large, "too_large"},
    {ErrorCode::too_many, "too_many"},
    {ErrorCode::no_session, "no_session"},
    {ErrorCode::lease_lost, "lease_lost"},
    {ErrorCode::busy, "busy"},
    {ErrorCode::draining, "draining"},
    {ErrorCode::not_allowed, "not_allowed"},
    {ErrorCode::wrong_peer, "wrong_peer"},
    {ErrorCode::full, "full"},
    {ErrorCode::out_of_order, "out_of_order"},
    {ErrorCode::unknown_producer, "unknown_producer"},
    {ErrorCode::no_queue, "no_queue"},
    {ErrorCode::exists, "exists"},
    {ErrorCode::not_empty, "not_empty"},
    {ErrorCode::not_found, "not_found"},
}};

constexpr std::array<std::string_view, 9> command_verbs{"hello", "credit", "take", "ack", "nack",
                                                        "touch", "ping",   "pong", "bye"};
constexpr std::array<std::string_view, 8> event_verbs{"ok",    "deliver", "deliver", "empty",
                                                      "error", "ping",    "pong",    "bye"};
static_assert(command_verbs.size() == std::variant_size_v<Command>);
static_assert(event_verbs.size() == std::variant_size_v<Event>);

constexpr std::size_t verb_bytes_max = 16;

std::string epoch_text(std::uint64_t epoch) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out(16, '0');
    for (std::size_t i = 0; i < 16; ++i)
        out[i] = digits[epoch >> (60 - 4 * i) & 15];
    return out;
}

// Takes a number off the front of `text`.
std::optional<std::uint64_t> cut_number(std::string_view& text, int base) {
    std::uint64_t value = 0;
    const auto [end, failure] =
        std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (failure != std::errc{})
        return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

// ",NUMBER" or ",FIRST-LAST" off the front of `list`.
std::optional<Held::Range> cut_range(std::string_view& list) {
    if (!list.starts_with(','))
        return std::nullopt;
    list.remove_prefix(1);
    const auto first = cut_number(list, 10);
    if (!first || !list.starts_with('-'))
        return first ? std::optional<Held::Range>{{*first, *first}} : std::nullopt;
    list.remove_prefix(1);
    const auto last = cut_number(list, 10);
    return last && *last > *first ? std::optional<Held::Range>{{*first, *last}} : std::nullopt;
}

} // namespace

std::string to_text(LeaseToken token) {
    return epoch_text(token.epoch) + '-' + std::to_string(token.number);
}

Result<LeaseToken> parse_token(std::string_view text) {
    LeaseToken token;
    const char* end = text.data() + text.size();
    const bool shaped = text.size() > 17 && text[16] == '-';
    if (shaped) {
        const auto epoch = std::from_chars(text.data(), text.data() + 16, token.epoch, 16);
        const auto number = std::from_chars(text.data() + 17, end, token.number, 10);
        if (epoch.ec == std::errc{} && epoch.ptr == text.data() + 16 && number.ec == std::errc{} &&
            number.ptr == end)
            return token;
    }
    return fail(Errc::malformed, "a lease token is not 16 hexadecimal digits, '-', a number; send "
                                 "back what deliver said");
}

void Leases::add(std::uint64_t number) {
    if (!ranges.empty() && ranges.back().count < ~std::uint32_t{0} &&
        ranges.back().first + ranges.back().count == number)
        ++ranges.back().count;
    else
        ranges.push_back({number, 1});
}

Held held_of(std::uint64_t epoch, std::vector<std::uint64_t> numbers) {
    std::sort(numbers.begin(), numbers.end());
    Held held{epoch, {}};
    for (const std::uint64_t number : numbers) {
        const bool follows = !held.ranges.empty() && number - held.ranges.back().last <= 1;
        if (follows || held.ranges.size() == limits::held_ranges_max)
            held.ranges.back().last = number;
        else
            held.ranges.push_back({number, number});
    }
    return held;
}

std::string to_text(const Held& held) {
    std::string text = epoch_text(held.epoch);
    for (const Held::Range& range : held.ranges) {
        text.append(",").append(std::to_string(range.first));
        if (range.last > range.first)
            text.append("-").append(std::to_string(range.last));
    }
    return text;
}

Result<Held> parse_held(std::string_view text) {
    constexpr auto wrong = [] {
        return fail(Errc::bad_option, "option 'held' is an epoch and at most 64 rising lease "
                                      "numbers or ranges: 5c00000000000011,7,9-12");
    };
    Held held;
    const auto epoch = cut_number(text, 16);
    if (!epoch)
        return wrong();
    held.epoch = *epoch;
    while (!text.empty()) {
        const auto range = cut_range(text);
        if (!range || held.ranges.size() == limits::held_ranges_max ||
            (!held.ranges.empty() && range->first <= held.ranges.back().last))
            return wrong();
        held.ranges.push_back(*range);
    }
    return held;
}

bool Held::has(std::uint64_t number) const noexcept {
    const auto after =
        std::upper_bound(ranges.begin(), ranges.end(), number,
                         [](std::uint64_t each, const Range& range) { return each < range.first; });
    return after != ranges.begin() && number <= std::prev(after)->last;
}

std::uint64_t Leases::count() const noexcept {
    std::uint64_t sum = 0;
    for (const LeaseRange& range : ranges)
        sum += range.count;
    return sum;
}

bool Compressions::has(Compression algorithm) const noexcept {
    return algorithm == Compression::none || (algorithm == Compression::lz4 && lz4) ||
           (algorithm == Compression::zstd && zstd);
}

Compressions Compressions::available() noexcept {
    return {is_available(Compression::lz4), is_available(Compression::zstd)};
}

std::string_view name(Redelivered redelivered) noexcept {
    constexpr std::string_view names[] = {"no", "maybe", "yes"};
    return names[static_cast<std::size_t>(redelivered)];
}

std::string_view name(ErrorCode code) noexcept {
    for (const auto& [each, text] : error_names)
        if (each == code)
            return text;
    return "unknown";
}

ErrorCode error_code_named(std::string_view text) noexcept {
    for (const auto& [code, each] : error_names)
        if (each == text)
            return code;
    return ErrorCode::unknown_code;
}

ErrorCode error_code(Errc code) noexcept {
    switch (code) {
    case Errc::unsupported:
        return ErrorCode::unsupported;
    case Errc::bad_option:
        return ErrorCode::bad_option;
    case Errc::too_large:
        return ErrorCode::too_large;
    case Errc::too_many:
        return ErrorCode::too_many;
    case Errc::lease_lost:
        return ErrorCode::lease_lost;
    case Errc::exists:
        return ErrorCode::exists;
    case Errc::not_found:
        return ErrorCode::not_found;
    case Errc::not_allowed:
        return ErrorCode::not_allowed;
    default:
        return ErrorCode::malformed;
    }
}

std::string_view verb(const Command& command) noexcept {
    return command_verbs[command.index()];
}

std::string_view verb(const Event& event) noexcept {
    return event_verbs[event.index()];
}

Result<Head> read_head(const Frames& message, std::size_t first) {
    Head head;
    std::size_t at = first;
    if (at + 1 < message.size() && message[at].empty()) {
        head.envelope.delimited = true;
        ++at;
    }
    const ByteView greeting = at < message.size() ? message[at].view() : ByteView{};
    if (greeting != magic) {
        if (greeting.size() == magic.size() && greeting.substr(0, 3) == magic.substr(0, 3))
            return fail(Errc::unsupported, "this peer speaks FLQ1 only");
        return fail(Errc::malformed, "the first frame is not FLQ1");
    }
    if (++at == message.size())
        return fail(Errc::malformed, "there is no verb after FLQ1");
    if (message[at].size() > verb_bytes_max)
        return fail(Errc::unsupported, "the verb is longer than any");
    head.verb = message[at].view();
    if (++at < message.size()) {
        if (message[at].size() > limits::correlation_bytes_max)
            return fail(Errc::too_large, "the correlation is over 64 bytes");
        head.envelope.correlation = message[at].view();
        ++at;
    }
    head.options_at = at;
    return head;
}

} // namespace flotilla::wire::leased
