// SPDX-License-Identifier: Apache-2.0
//
// What Producer and Consumer refuse: options out of the ranges that their comments state.
#pragma once

#include <flotilla/queue/consumer.hpp>
#include <flotilla/queue/producer.hpp>

namespace flotilla::queue {

// Errors: bad_option, unsupported.
Status check(const ProducerOptions& options);
Status check(const ConsumerOptions& options);
// Of one message. Errors: bad_option, too_large.
Status check(std::string_view queue, const PutOptions& options);

} // namespace flotilla::queue
