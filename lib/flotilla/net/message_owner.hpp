// SPDX-License-Identifier: Apache-2.0
// The Blob owner whose storage is a zmq_msg_t. Private to net.
#pragma once

#include <flotilla/base/blob.hpp>

namespace flotilla::net::detail {
extern const Blob::Owner message_owner;
}
