// SPDX-License-Identifier: Apache-2.0
// The words of a verb, told which broker is meant.
#pragma once

#include <process/broker/broker_program.hpp>

#include <string>
#include <vector>

namespace flotilla::test {

// Before "--", behind which everything is the command's.
inline std::vector<std::string> with_broker(std::vector<std::string> words, const Daemon& broker) {
    words.insert(words.begin() + 2, {"--broker", broker.endpoints[0].text()});
    return words;
}

} // namespace flotilla::test
