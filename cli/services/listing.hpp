// SPDX-License-Identifier: Apache-2.0
//
// Listing: what a broker said about its services, read and shown. Pure.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flotilla::cli {

struct ServiceRow {
    struct Counts {
        std::uint64_t workers = 0;
        std::uint64_t waiting = 0; // of these, with nothing to do
        std::uint64_t queued = 0;
        std::uint64_t running = 0;
        friend bool operator==(const Counts&, const Counts&) = default;
    };
    std::string name{};
    bool has_workers = false;
    std::optional<Counts> counts{}; // brokers of others do not tell

    friend bool operator==(const ServiceRow&, const ServiceRow&) = default;
};

// The answer to mmi.services, of flotilla-broker: a status, then a frame a service.
// Errors: refused (another status than 200), malformed.
Result<std::vector<ServiceRow>> read_services(const wire::Frames& answer);
// The answer to mmi.service with `name` as its body (8/MMI). Errors: refused (neither 200 nor 404),
// malformed.
Result<ServiceRow> read_service(const std::string& name, const wire::Frames& answer);

// Columns under a heading; "no services" when there is none.
std::string services_table(const std::vector<ServiceRow>& rows);
// One JSON object a line.
std::string services_json(const std::vector<ServiceRow>& rows);

} // namespace flotilla::cli
