// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/received_frames.hpp>

#include <zmq.h>

namespace flotilla::net {

void copy_received_frames(Context& context) noexcept {
    // libzmq has the option since 4.3, in its header only for drafts.
    constexpr int zero_copy_receive = 10; // ZMQ_ZERO_COPY_RECV
    zmq_ctx_set(context.native_handle(), zero_copy_receive, 0);
}

} // namespace flotilla::net
