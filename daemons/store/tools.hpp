// SPDX-License-Identifier: Apache-2.0
//
// What flotilla-store does besides serving: verify, backup, restore, export, import,
// give-up-journal.
#pragma once

#include <flotilla/base/exit_code.hpp>
#include <flotilla/queue/engine/lmdb_store.hpp>

#include <cstdint>
#include <string>

namespace flotilla::store_daemon {

enum class Tool : std::uint8_t {
    verify,
    backup,
    restore,
    export_lines,
    import_lines,
    give_up_journal,
};

struct ToolCommand {
    Tool tool{};
    std::string data{};          // the store's directory
    std::string other{};         // of a backup; or a file of lines, empty: standard input or output
    std::uint64_t from_line = 1; // import
    queue::LmdbOptions store{};
};

// Says on standard error what it does and did. ok; refused: verify found damage; runtime_error.
ExitCode run_tool(const ToolCommand& command);

} // namespace flotilla::store_daemon
