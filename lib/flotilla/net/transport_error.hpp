// SPDX-License-Identifier: Apache-2.0
// libzmq's errno, turned into Errc in one place. Private to net.
#pragma once

#include <flotilla/base/result.hpp>

#include <string>

namespace flotilla::net::detail {

// The outcome of a failed libzmq call, with `doing` ("bind tcp://...") in its sentence. EFSM,
// ENOTSOCK and EFAULT are mistakes of the caller and abort. On hot paths pass no `doing`: no text
// is made.
tl::unexpected<Error> transport_failure(int number, std::string doing = {});

} // namespace flotilla::net::detail
