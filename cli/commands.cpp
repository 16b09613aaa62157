// SPDX-License-Identifier: Apache-2.0
#include <cli/commands.hpp>

namespace flotilla::cli {

namespace {
constexpr const char* setup = "Setup";
} // namespace

const std::vector<Command>& commands() {
    static const std::vector<Command> table{
        {"version", setup, "What this program and the libzmq under it are and can do",
         declare_version},
    };
    return table;
}

} // namespace flotilla::cli
