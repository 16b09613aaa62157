// SPDX-License-Identifier: Apache-2.0
//
// Where received frames lie. libzmq lends the buffer of 8 KiB that they were read into, which is
// fast for who passes them on at once; but each frame that is kept keeps all of it. Whoever keeps
// some copies them (Blob::own_small); what waits inside libzmq, for a peer of a relay that does not
// read, can only be copied when it comes in.
#pragma once

#include <flotilla/net/context.hpp>

namespace flotilla::net {

// Frames that sockets receive which are opened from now on are copied, each into memory of its own
// size.
void copy_received_frames(Context& context) noexcept;

} // namespace flotilla::net
