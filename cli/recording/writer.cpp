// SPDX-License-Identifier: Apache-2.0
#include <cli/recording/writer.hpp>
#include <cli/words.hpp>

#include <algorithm>

namespace flotilla::cli::recording {

Result<Writer> Writer::begin(std::unique_ptr<Sink> sink, Header header) {
    auto bytes = encode(header);
    if (!bytes)
        return fail(bytes.error());
    Writer writer(std::move(sink));
    // The header goes out alone: who cannot write at all learns it before the first message.
    if (auto gathered = writer.gather(std::move(*bytes)); !gathered)
        return fail(gathered.error());
    if (auto flushed = writer.flush(); !flushed)
        return fail(flushed.error());
    return writer;
}

Result<Writer> Writer::resume(std::unique_ptr<Sink> sink, Resume from) {
    Writer writer(std::move(sink));
    writer.written_ = from.bytes;
    writer.messages_ = writer.messages_kept_ = from.messages;
    writer.base_ = writer.last_ = from.offset;
    if (auto gathered = writer.gather(encode(Resumed{from.time})); !gathered)
        return fail(gathered.error());
    if (auto flushed = writer.flush(); !flushed)
        return fail(flushed.error());
    return writer;
}

Status Writer::gather(std::string record) {
    gathered_ += record;
    marks_.push_back({gathered_.size(), messages_});
    return gathered_.size() < gathered_bytes_max ? Status{} : flush();
}

Status Writer::add(const Message& message) {
    if (broken_)
        return fail(*broken_);
    Message placed{message.time, base_ + message.offset, message.direction, message.frames.share()};
    auto record = encode(placed);
    if (!record)
        return fail(record.error());
    last_ = std::max(last_, placed.offset);
    ++messages_;
    return gather(std::move(*record));
}

Status Writer::flush() {
    if (broken_)
        return fail(*broken_);
    std::size_t done = 0;
    while (done < gathered_.size()) {
        auto wrote = sink_->write(ByteView(gathered_).substr(done));
        if (!wrote)
            return give_up(wrote.error(), done);
        done += *wrote;
    }
    written_ += done;
    if (!marks_.empty())
        messages_kept_ = marks_.back().messages;
    gathered_.clear();
    marks_.clear();
    return {};
}

// Leaves whole records only; what a cut frees may be enough for the end marker.
tl::unexpected<Error> Writer::give_up(Error error, std::size_t done) {
    std::size_t whole = 0;
    for (const Mark& mark : marks_) {
        if (mark.end > done)
            break;
        whole = mark.end;
        messages_kept_ = mark.messages;
    }
    written_ += whole;
    if (written_ > 0 && sink_->truncate(written_)) {
        const std::string end = encode(End{messages_kept_, last_});
        const auto wrote = sink_->write(end);
        const bool fits = wrote && *wrote == end.size();
        if (!fits && !sink_->truncate(written_))
            error.detail += "; the file may end in a part of a record";
    }
    broken_ = error;
    return fail(std::move(error));
}

Status Writer::finish() {
    if (broken_)
        return fail(*broken_);
    if (auto gathered = gather(encode(End{messages_, last_})); !gathered)
        return gathered;
    if (auto flushed = flush(); !flushed)
        return flushed;
    return sink_->sync();
}

Error with_what_is_kept(Error error, const Writer& writer) {
    error.detail +=
        "; the recording holds the " + counted(writer.messages_kept(), "message") + " before it";
    return error;
}

} // namespace flotilla::cli::recording
