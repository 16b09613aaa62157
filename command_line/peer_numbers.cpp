// SPDX-License-Identifier: Apache-2.0
#include <command_line/peer_numbers.hpp>

#include <cstdlib>
#include <random>

namespace flotilla::command_line {

void hide_peer_numbers() {
    std::srand(std::random_device{}());
}

} // namespace flotilla::command_line
