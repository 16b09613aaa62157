// SPDX-License-Identifier: Apache-2.0
//
// What `stat` answers with: option text, one name=value line for each property, counter and level.
#pragma once

#include <flotilla/queue/model.hpp>

#include <string>

namespace flotilla::queue {

std::string to_text(const QueueStat& stat);

} // namespace flotilla::queue
