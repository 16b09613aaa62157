// SPDX-License-Identifier: Apache-2.0
#include <cli/program.hpp>
#include <command_line/peer_numbers.hpp>
#include <command_line/standard_files.hpp>

#include <string>
#include <vector>

int main(int count, char** words) {
    flotilla::command_line::occupy_closed_standard_files();
    flotilla::command_line::hide_peer_numbers();
    return flotilla::cli::run_program(std::vector<std::string>(words + 1, words + count));
}
