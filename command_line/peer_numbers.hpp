// SPDX-License-Identifier: Apache-2.0
//
// The names that a ROUTER gives to peers without one of their own.
#pragma once

namespace flotilla::command_line {

// libzmq 4.3.4 counts them up from rand(), which nobody seeds, and aborts when the next one is
// taken: by a peer that gave it to itself. So that none can guess it, seeds rand() with what only
// this process knows. Call it before any socket is opened.
void hide_peer_numbers();

} // namespace flotilla::command_line
