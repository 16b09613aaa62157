// SPDX-License-Identifier: Apache-2.0
//
// Inline source: a relay in this process, tapped. Private to tap.
#pragma once

#include <cli/tap/source.hpp>

namespace flotilla::cli::tap {

Result<std::unique_ptr<Source>> open_inline(const SourceFlags& flags, Terminal& terminal);

// Errors: malformed (not what a relay publishes on its capture).
Result<Seen> captured_message(wire::Frames message);

} // namespace flotilla::cli::tap
