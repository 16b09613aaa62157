// SPDX-License-Identifier: Apache-2.0
//
// Ends a peer's connection at once, whatever is still to be sent: libzmq has no call for that. For
// peers whose rights were taken away (docs/security.md).
#pragma once

#include <string>

namespace flotilla::net {

// `descriptor` as Part::descriptor() and the Monitor name it; -1 is nobody. The descriptor stays
// libzmq's, which sees the end and closes it. When the connection is gone already and its number
// was given to another, that one is cut, and connects again; listeners are spared. Does not wait.
void cut(int descriptor) noexcept;

// Whom the connection leads to, "10.0.0.7:50123"; empty: not known, or not over TCP.
std::string address_of(int descriptor);

} // namespace flotilla::net
