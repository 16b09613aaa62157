// SPDX-License-Identifier: Apache-2.0
#include "client_options.hpp"

#include <flotilla/base/option_check.hpp>
#include <flotilla/queue/codec.hpp>

namespace flotilla::queue {

namespace {

template <class Options>
Status check_link(const Options& options) {
    if (!is_within(options.stores.size(), 1, 16))
        return bad_option("name 1 to 16 stores");
    if (!is_within(options.answer_max, 10ms, 1h))
        return bad_option("answer_max must be 10ms to 1h");
    return check_reconnect(options.reconnect_min, options.reconnect_max);
}

} // namespace

Status check(const ProducerOptions& options) {
    const bool on_disk = !options.outbox_directory.empty();
    if (!is_within(options.window_messages, 1, 1'000'000))
        return bad_option("window_messages must be 1 to 1,000,000");
    if (!is_within(options.window_bytes, 64ULL << 10, 1ULL << 30))
        return bad_option("window_bytes must be 64KiB to 1GiB");
    if (!is_within(options.outbox_messages_max, 1, on_disk ? 1'000'000'000 : 10'000'000))
        return bad_option(
            "outbox_messages_max must be 1 to 10,000,000; 1,000,000,000 with a directory");
    if (!is_within(options.acknowledged_waits_max, 1, 100'000))
        return bad_option("acknowledged_waits_max must be 1 to 100,000");
    if (!is_within(options.outbox_bytes_max, 64ULL << 10, 1ULL << 40))
        return bad_option("outbox_bytes_max must be 64KiB to 1TiB");
    if (!wire::is_available(options.compression))
        return fail(Errc::unsupported, "this build lacks the compression algorithm");
    return check_link(options);
}

Status check(const ConsumerOptions& options) {
    if (!is_queue_name(options.queue))
        return bad_option(no_queue_name(options.queue));
    if (options.consumer.size() > leased::limits::name_bytes_max ||
        options.consumer.find('\n') != std::string::npos)
        return bad_option("consumer is at most 255 bytes without line feed");
    if (!is_within(options.credit, 1, leased::limits::credit_max))
        return bad_option("credit must be 1 to 1,000,000");
    if (!is_within(options.ack_wait, 0ns, 1s))
        return bad_option("ack_wait must be 0 to 1s");
    if (!is_within(options.message_bytes_max, 64ULL << 10, 1ULL << 30))
        return bad_option("message_bytes_max must be 64KiB to 1GiB");
    const auto able = leased::Compressions::available();
    if ((options.compress.lz4 && !able.lz4) || (options.compress.zstd && !able.zstd))
        return fail(Errc::unsupported, "this build lacks a compression algorithm");
    return check_link(options);
}

Status check(std::string_view queue, const PutOptions& options) {
    if (!is_queue_name(queue))
        return bad_option(no_queue_name(queue));
    if (options.key.size() > leased::limits::name_bytes_max ||
        options.message_id.size() > limits::message_id_bytes_max)
        return fail(Errc::too_large, "key and message_id are at most 255 bytes");
    if (options.key.find('\n') != options.key.npos ||
        options.message_id.find('\n') != options.message_id.npos)
        return bad_option("key and message_id have no line feeds");
    if (options.priority > 7)
        return bad_option("priority must be 0 to 7");
    if (!is_within(options.delay, 0ns, limits::put_delay_max) ||
        !is_within(options.ttl, 0ns, limits::put_delay_max))
        return bad_option("delay and ttl must be 0 to 10 years");
    if (!is_within(options.acknowledged_max, 0ns, limits::put_delay_max))
        return bad_option("acknowledged_max must be 0 to 10 years");
    return {};
}

} // namespace flotilla::queue
