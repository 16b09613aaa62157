// SPDX-License-Identifier: Apache-2.0
#include "client_options.hpp"

#include <flotilla/queue/codec.hpp>

namespace flotilla::queue {

namespace {

bool in(std::uint64_t value, std::uint64_t min, std::uint64_t max) {
    return value >= min && value <= max;
}
bool in(Duration value, Duration min, Duration max) {
    return value >= min && value <= max;
}

auto wrong(const char* what) {
    return fail(Errc::bad_option, what);
}

template <class Options>
Status check_link(const Options& options) {
    if (!in(options.stores.size(), 1, 16))
        return wrong("name 1 to 16 stores");
    if (!in(options.answer_max, 10ms, 1h))
        return wrong("answer_max must be 10ms to 1h");
    if (!in(options.reconnect_min, 1ms, 1h) ||
        !in(options.reconnect_max, options.reconnect_min, 1h))
        return wrong("reconnect_min and reconnect_max must be 1ms to 1h, in this order");
    return {};
}

} // namespace

Status check(const ProducerOptions& options) {
    const bool on_disk = !options.outbox_directory.empty();
    if (!in(options.window_messages, 1, 1'000'000))
        return wrong("window_messages must be 1 to 1,000,000");
    if (!in(options.window_bytes, 64ULL << 10, 1ULL << 30))
        return wrong("window_bytes must be 64KiB to 1GiB");
    if (!in(options.outbox_messages_max, 1, on_disk ? 1'000'000'000 : 10'000'000))
        return wrong("outbox_messages_max must be 1 to 10,000,000; 1,000,000,000 with a directory");
    if (!in(options.acknowledged_waits_max, 1, 100'000))
        return wrong("acknowledged_waits_max must be 1 to 100,000");
    if (!in(options.outbox_bytes_max, 64ULL << 10, 1ULL << 40))
        return wrong("outbox_bytes_max must be 64KiB to 1TiB");
    if (!wire::is_available(options.compression))
        return fail(Errc::unsupported, "this build lacks the compression algorithm");
    return check_link(options);
}

Status check(const ConsumerOptions& options) {
    if (!is_queue_name(options.queue))
        return wrong("the queue's name must be 1 to 200 printable characters without blanks");
    if (options.consumer.size() > leased::limits::name_bytes_max ||
        options.consumer.find('\n') != std::string::npos)
        return wrong("consumer is at most 255 bytes without line feed");
    if (!in(options.credit, 1, leased::limits::credit_max))
        return wrong("credit must be 1 to 1,000,000");
    if (!in(options.ack_wait, 0ns, 1s))
        return wrong("ack_wait must be 0 to 1s");
    if (!in(options.message_bytes_max, 64ULL << 10, 1ULL << 30))
        return wrong("message_bytes_max must be 64KiB to 1GiB");
    const auto able = leased::Compressions::available();
    if ((options.compress.lz4 && !able.lz4) || (options.compress.zstd && !able.zstd))
        return fail(Errc::unsupported, "this build lacks a compression algorithm");
    return check_link(options);
}

Status check(std::string_view queue, const PutOptions& options) {
    if (!is_queue_name(queue))
        return wrong("the queue's name must be 1 to 200 printable characters without blanks");
    if (options.key.size() > leased::limits::name_bytes_max ||
        options.message_id.size() > limits::message_id_bytes_max)
        return fail(Errc::too_large, "key and message_id are at most 255 bytes");
    if (options.priority > 7)
        return wrong("priority must be 0 to 7");
    if (!in(options.delay, 0ns, limits::put_delay_max) ||
        !in(options.ttl, 0ns, limits::put_delay_max))
        return wrong("delay and ttl must be 0 to 10 years");
    if (!in(options.acknowledged_max, 0ns, limits::put_delay_max))
        return wrong("acknowledged_max must be 0 to 10 years");
    return {};
}

} // namespace flotilla::queue
