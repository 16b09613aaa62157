// SPDX-License-Identifier: Apache-2.0
//
// MMI: what a broker says about itself, as the services mmi.*: 8/MMI and Flotilla's additions.
//
//     mmi.service    name           200: it has a worker; 404
//     mmi.flotilla                  200: the flotilla dialect is spoken here
//     mmi.services   [after]        200, then option text a service, by name; those behind `after`
//     mmi.workers    name           200, workers, waiting ones; 404
//     mmi.*                         501
//
// Pure; reads a const view.
#pragma once

#include <flotilla/request/service_table.hpp>
#include <flotilla/wire/frames.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace flotilla::request {

// "mmi." and whatever follows: never a worker's.
bool is_mmi(std::string_view service) noexcept;

// The body of the reply. What whoever asks may not see is not there for him.
using MaySee = std::function<bool(std::string_view service)>;
wire::Frames answer_mmi(std::string_view service, const wire::Frames& body,
                        const ServiceTable& services, const MaySee& may_see);

// What mmi.services says of one: a service name that holds other than printable ASCII is
// percent-encoded.
std::string printable(std::string_view name);

} // namespace flotilla::request
