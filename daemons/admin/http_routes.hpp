// SPDX-License-Identifier: Apache-2.0
//
// Which path is which verb, which object, and the console's files: docs/protocol/admin.md.
#pragma once

#include "admin/http_server.hpp"
#include "admin/office.hpp"

namespace flotilla::admin {

// Waits as the office does.
HttpAnswer answer(Office& office, const HttpRequest& request);

// A path below /api as a request of the office; absent: no such path. Pure.
std::optional<Result<Request>> api_request(const HttpRequest& request);

} // namespace flotilla::admin
