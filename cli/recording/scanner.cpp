// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/pack.hpp>

#include <cli/recording/scanner.hpp>

#include <algorithm>

namespace flotilla::cli::recording {
namespace {

// What one recording may cost in false records before the search is given up.
constexpr std::uint64_t tried_bytes_max = 4 * std::uint64_t{body_bytes_max};

// What a false record at the head of `bytes` cost to see through.
std::uint64_t hashed_bytes(ByteView bytes) {
    if (bytes.size() < record_overhead_bytes)
        return record_overhead_bytes;
    const std::uint64_t length = wire::load_u32(bytes.data() + marker.size());
    return length <= bytes.size() ? length + record_overhead_bytes : record_overhead_bytes;
}

} // namespace

void Scanner::feed(ByteView bytes) {
    if (at_ > 0 && at_ >= buffer_.size() / 2) {
        buffer_.erase(0, at_);
        dropped_ += at_;
        at_ = 0;
    }
    buffer_.append(bytes);
}

Scanner::Step Scanner::next() {
    if (!header_)
        if (auto step = read_header())
            return std::move(*step);
    while (true) {
        if (gap_)
            return search();
        if (rest().empty())
            return input_ended_ ? Step{Finished{}} : Step{Hungry{1}};
        if (end_)
            return begin_gap("bytes follow the end marker");
        RecordOutcome outcome = decode_record(rest());
        if (const auto* incomplete = std::get_if<Incomplete>(&outcome)) {
            if (!input_ended_)
                return Hungry{incomplete->bytes_needed - rest().size()};
            return begin_gap("the recording ends within a record");
        }
        if (auto* damaged = std::get_if<Damaged>(&outcome))
            return begin_gap(std::move(damaged->what));
        auto& decoded = std::get<Decoded<Record>>(outcome);
        if (auto step = take(decoded.value, decoded.bytes))
            return std::move(*step);
    }
}

std::optional<Scanner::Step> Scanner::read_header() {
    HeaderOutcome outcome = decode_header(rest());
    if (const auto* incomplete = std::get_if<Incomplete>(&outcome)) {
        if (!input_ended_)
            return Hungry{incomplete->bytes_needed - rest().size()};
        return Error{rest().empty() ? Errc::malformed : Errc::damaged,
                     rest().empty() ? "the file is empty" : "the recording ends within its header"};
    }
    if (auto* damaged = std::get_if<Damaged>(&outcome))
        return Error{damaged->code, std::move(damaged->what)};
    auto& decoded = std::get<Decoded<Header>>(outcome);
    header_ = std::move(decoded.value);
    at_ += decoded.bytes;
    records_end_ = offset();
    return std::nullopt;
}

// What the caller is to see of a good record; nothing when scanning just goes on.
std::optional<Scanner::Step> Scanner::take(Record& record, std::size_t bytes) {
    if (const auto* end = std::get_if<End>(&record)) {
        if (end->messages_total != messages_ && damaged_bytes_ == 0)
            return begin_gap("the end marker counts " + std::to_string(end->messages_total) +
                             " messages, not " + std::to_string(messages_));
        end_ = *end;
        at_ += bytes;
        return std::nullopt;
    }
    at_ += bytes;
    records_end_ = offset();
    if (std::holds_alternative<Resumed>(record))
        ++sessions_;
    auto* message = std::get_if<Message>(&record);
    if (!message)
        return std::nullopt;
    ++messages_;
    last_offset_ = std::max(last_offset_, message->offset);
    return std::move(*message);
}

Scanner::Step Scanner::begin_gap(std::string what) {
    gap_ = OpenGap{std::move(what), offset(), false};
    return search();
}

// Looks for a place where a whole good record begins; what lies before it is let go at once.
Scanner::Step Scanner::search() {
    while (true) {
        const bool given_up = end_.has_value() || tried_bytes_ > tried_bytes_max;
        const std::size_t found =
            given_up ? ByteView::npos : rest().find(marker, gap_->at_candidate ? 0 : 1);
        if (found == ByteView::npos) {
            // A marker may lie across the end of what is here.
            const std::size_t kept = input_ended_ || given_up ? 0 : marker.size() - 1;
            at_ += rest().size() - std::min(rest().size(), kept);
            gap_->at_candidate = true;
            return input_ended_ ? close_gap(Tail::yes) : Step{Hungry{65'536}};
        }
        at_ += found;
        const RecordOutcome outcome = decode_record(rest());
        const auto* incomplete = std::get_if<Incomplete>(&outcome);
        gap_->at_candidate = incomplete && !input_ended_;
        if (gap_->at_candidate)
            return Hungry{incomplete->bytes_needed - rest().size()};
        if (std::holds_alternative<Decoded<Record>>(outcome))
            return close_gap(Tail::no);
        tried_bytes_ += hashed_bytes(rest());
    }
}

Scanner::Step Scanner::close_gap(Tail tail) {
    Gap gap{gap_->offset, offset() - gap_->offset, std::move(gap_->what), messages_,
            tail == Tail::yes};
    gap_.reset();
    damaged_bytes_ += gap.bytes;
    return gap;
}

std::string describe(const Scanner::Gap& gap) {
    const auto bytes = std::to_string(gap.bytes) + (gap.bytes == 1 ? " byte" : " bytes");
    return (gap.is_tail ? "cut or damaged from byte " : "damaged at byte ") +
           std::to_string(gap.offset) + ": " + gap.what + "; " + bytes + " lost, " +
           std::to_string(gap.messages_before) +
           (gap.messages_before == 1 ? " message before is good" : " messages before are good");
}

} // namespace flotilla::cli::recording
