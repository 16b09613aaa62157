// SPDX-License-Identifier: Apache-2.0
#include <cli/program.hpp>

#include <string>
#include <vector>

int main(int count, char** words) {
    return flotilla::cli::run_program(std::vector<std::string>(words + 1, words + count));
}
