// SPDX-License-Identifier: Apache-2.0
//
// What to do when the program was started with standard input, output or error closed.
#pragma once

namespace flotilla::command_line {

// Takes their places, so that no socket gets one of these numbers and is taken for a terminal or a
// file: what is written there fails, what is read there has ended. Call it first of all.
void occupy_closed_standard_files() noexcept;

} // namespace flotilla::command_line
