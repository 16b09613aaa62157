// SPDX-License-Identifier: Apache-2.0
//
// The tables of a store's settings file: [[queue]], [[auto_create]] and [[door]]. Pure.
#pragma once

#include "store/settings.hpp"

namespace flotilla::store_daemon {

// What is wrong is recorded at its place in the file.
void read_tables(SettingsTable& root, DaemonSettings& settings);

// As TOML that read_tables reads.
std::string format_tables(const DaemonSettings& settings);

} // namespace flotilla::store_daemon
