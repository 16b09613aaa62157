// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/outbox.hpp>

#include <cstring>
#include <utility>

namespace flotilla::queue {

namespace {

constexpr std::uint64_t outbox_read_ahead_bytes = 1ULL << 20;

} // namespace

Result<Outbox> Outbox::open(Options options) {
    Outbox outbox;
    outbox.options_ = std::move(options);
    if (outbox.options_.directory.empty())
        return outbox;
    auto log = OutboxLog::open({outbox.options_.directory, outbox.options_.bytes_max, 0});
    if (!log)
        return fail(log.error());
    outbox.log_.emplace(std::move(*log));
    outbox.restored_ = outbox.log_->lanes();
    for (std::uint32_t lane = 0; lane < outbox.restored_.size(); ++lane) {
        const OutboxLaneState& state = outbox.restored_[lane];
        Near& near = outbox.near_.emplace_back();
        near.records.start_at(state.settled + 1);
        near.appended = state.appended;
        outbox.messages_ += state.appended - state.settled;
    }
    return outbox;
}

std::uint64_t Outbox::bytes() const noexcept {
    return log_ ? log_->bytes() : near_bytes_;
}

Result<std::uint32_t> Outbox::add_lane(std::string_view queue) {
    if (near_.size() >= lanes_max)
        return fail(Errc::too_many, "one producer puts into 10,000 queues at most");
    if (log_)
        if (const auto lane = log_->add_lane(queue); !lane)
            return lane;
    near_.emplace_back();
    return static_cast<std::uint32_t>(near_.size() - 1);
}

Status Outbox::set_epoch(std::uint32_t lane, std::string producer, std::uint64_t base,
                         std::string store) {
    return log_ ? log_->set_epoch(lane, std::move(producer), base, std::move(store)) : Status{};
}

Result<std::size_t> Outbox::append(std::uint32_t lane, const PutRecord& head,
                                   std::span<const ByteView> frames) {
    std::uint64_t body = 0;
    for (const ByteView frame : frames)
        body += frame.size();
    const std::size_t bytes = PutWriter::record_bytes(head, frames.size(), body);
    if (messages_ >= options_.messages_max || (!log_ && near_bytes_ + bytes > options_.bytes_max))
        return fail(bytes > options_.bytes_max ? Errc::too_large : Errc::would_block);
    Near& near = near_[lane];
    ByteView on_disk;
    if (log_) {
        const Result<char*> at = log_->append(lane, bytes);
        if (!at)
            return fail(at.error());
        write_put_record(head, frames, *at);
        log_->commit();
        on_disk = {*at, bytes};
    }
    if (!log_ || (!near.is_behind() && near_bytes_ + bytes <= options_.memory_bytes_max)) {
        near_bytes_ -= near.records.bytes();
        char* const at = near.records.append(bytes);
        near_bytes_ += near.records.bytes();
        if (log_)
            std::memcpy(at, on_disk.data(), bytes);
        else
            write_put_record(head, frames, at);
    }
    ++near.appended;
    ++messages_;
    return bytes;
}

Result<OutboxLane::Cut> Outbox::measure(std::uint32_t lane, std::uint64_t number,
                                        std::uint64_t messages_max, std::size_t bytes_max) {
    Near& near = near_[lane];
    if (near.is_behind() &&
        (number >= near.records.next() || number + messages_max > near.records.next()))
        if (const Status read = read_ahead(lane); !read)
            return fail(read.error());
    return near.records.measure(number, messages_max, bytes_max);
}

// The next of a lane that are on disk alone: some, or all that there are.
Status Outbox::read_ahead(std::uint32_t lane) {
    Near& near = near_[lane];
    std::uint64_t read = 0;
    near_bytes_ -= near.records.bytes();
    Status done;
    while (near.is_behind() && read < outbox_read_ahead_bytes) {
        const auto record = log_->read(lane, near.cursor);
        if (!record || !*record) {
            done = record ? fail(Errc::damaged, "the outbox '" + options_.directory.string() +
                                                    "' has lost messages")
                          : fail(record.error());
            break;
        }
        if (near.cursor.number < near.records.next())
            continue; // in memory as well
        std::memcpy(near.records.append((*record)->size()), (*record)->data(), (*record)->size());
        read += (*record)->size();
    }
    near_bytes_ += near.records.bytes();
    return done;
}

Status Outbox::settle(std::uint32_t lane, std::uint64_t number) {
    Near& near = near_[lane];
    if (number >= near.records.next())
        return fail(Errc::damaged, "the outbox has settled what it did not send");
    const std::uint64_t before = near.records.first();
    near_bytes_ -= near.records.bytes();
    near.records.drop(number);
    near_bytes_ += near.records.bytes();
    messages_ -= near.records.first() - before;
    return log_ ? log_->settle(lane, number) : Status{};
}

} // namespace flotilla::queue
