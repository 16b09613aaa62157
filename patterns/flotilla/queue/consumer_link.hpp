// SPDX-License-Identifier: Apache-2.0
//
// How a Consumer reaches its store: on the caller's own thread, or on one of its own. Private to
// the component.
#pragma once

#include <flotilla/queue/codec.hpp>
#include <flotilla/queue/consumer.hpp>
#include <flotilla/taker/taker.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace flotilla::queue {

class ConsumerLink {
public:
    virtual ~ConsumerLink() = default;
    // As those of Consumer.
    virtual Result<Message> take(Duration wait) = 0;
    virtual Status ack(leased::LeaseToken lease) = 0;
    virtual Status nack(leased::LeaseToken lease, Duration delay, std::string_view reason) = 0;
    virtual Status touch(leased::LeaseToken lease) = 0;
    virtual Status process(Duration wait) = 0;
    virtual void stop() = 0;
    virtual bool is_ready() const = 0;
    virtual std::string state_text() const = 0;
    virtual std::uint64_t held() const = 0;
    virtual ConsumerCounters counters() const = 0;
    virtual int fd() const = 0;
    virtual bool has_input() const = 0;
    virtual Duration wait_max() const = 0;
};

taker::TakerOptions taker_options(const ConsumerOptions& options);
Message to_message(taker::Taken&& taken);
ConsumerCounters to_counters(const taker::TakerCounters& counters);
Error to_error(const leased::ErrorReply& refusal);

Result<std::unique_ptr<ConsumerLink>> open_direct(net::Context& context,
                                                  const ConsumerOptions& options);
Result<std::unique_ptr<ConsumerLink>> open_thread(net::Context& context,
                                                  const ConsumerOptions& options);

} // namespace flotilla::queue
