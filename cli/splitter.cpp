// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/base/units.hpp>
#include <flotilla/wire/pack.hpp>

#include <cli/splitter.hpp>

#include <algorithm>

namespace flotilla::cli {

namespace {

constexpr std::size_t prefix_bytes = 4;

std::uint32_t swapped(std::uint32_t value) noexcept {
    return value >> 24 | (value >> 8 & 0xFF00) | (value << 8 & 0xFF0000) | value << 24;
}

} // namespace

Splitter::Splitter(SplitterOptions options) : options_(std::move(options)) {
    FLOTILLA_CHECK(!options_.delimiter.empty(), "a delimiter has at least one byte");
}

void Splitter::feed(ByteView bytes) {
    if (begin_ > 0) { // what was given out is forgotten here, where no record is looked at
        buffer_.erase(0, begin_);
        begin_ = 0;
    }
    buffer_.append(bytes);
}

ByteView Splitter::take(std::size_t bytes, std::size_t skip) noexcept {
    const ByteView record = rest().substr(0, bytes);
    begin_ += bytes + skip;
    searched_ = 0;
    return record;
}

tl::unexpected<Error> Splitter::too_large(std::uint64_t bytes) const {
    return fail(Errc::too_large, "the input has a record of " + std::to_string(bytes) +
                                     " bytes or more; the limit is " +
                                     format_bytes(options_.record_bytes_max) + " (--max-size)");
}

Result<std::optional<ByteView>> Splitter::next() {
    switch (options_.framing) {
    case SplitterOptions::Framing::delimiter:
        return next_delimited();
    case SplitterOptions::Framing::whole:
        return next_whole();
    default:
        return next_prefixed();
    }
}

// How many bytes at the end may be the beginning of a delimiter, and no part of the record.
std::size_t Splitter::begun_delimiter() const noexcept {
    const ByteView delimiter{options_.delimiter};
    std::size_t bytes = std::min(delimiter.size() - 1, rest().size());
    while (!rest().ends_with(delimiter.substr(0, bytes)))
        --bytes;
    return bytes;
}

Result<std::optional<ByteView>> Splitter::next_delimited() {
    const std::size_t size = options_.delimiter.size();
    const std::size_t found = rest().find(options_.delimiter, searched_);
    const std::size_t begun = ended_ ? 0 : begun_delimiter();
    const std::size_t record = found == ByteView::npos ? rest().size() - begun : found;
    if (record > options_.record_bytes_max)
        return too_large(record);
    if (found != ByteView::npos)
        return std::optional{take(found, size)};
    if (ended_ && !rest().empty())
        return std::optional{take(rest().size(), 0)};
    searched_ = rest().size() < size ? 0 : rest().size() - size + 1;
    return std::optional<ByteView>{};
}

Result<std::optional<ByteView>> Splitter::next_prefixed() {
    if (rest().empty())
        return std::optional<ByteView>{};
    std::uint32_t length = 0;
    if (rest().size() >= prefix_bytes) {
        length = wire::load_u32(rest().data());
        if (options_.framing == SplitterOptions::Framing::u32le)
            length = swapped(length);
        if (length > options_.record_bytes_max)
            return too_large(length);
        if (rest().size() - prefix_bytes >= length) {
            begin_ += prefix_bytes;
            return std::optional{take(length, 0)};
        }
    }
    if (ended_)
        return fail(Errc::malformed,
                    "the input ends inside a record: " + std::to_string(rest().size()) +
                        " bytes are left, length included");
    return std::optional<ByteView>{};
}

Result<std::optional<ByteView>> Splitter::next_whole() {
    if (rest().size() > options_.record_bytes_max)
        return too_large(rest().size());
    if (!ended_ || searched_ == std::string::npos)
        return std::optional<ByteView>{};
    const ByteView record = take(rest().size(), 0);
    searched_ = std::string::npos; // given; an empty input is one empty record
    return std::optional{record};
}

} // namespace flotilla::cli
