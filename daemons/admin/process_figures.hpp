// SPDX-License-Identifier: Apache-2.0
// What the system says of this process, read from /proc by the calling thread; what cannot be read
// is 0.
#pragma once

namespace flotilla::admin {

struct ProcessFigures {
    double cpu_seconds = 0;
    double resident_bytes = 0;
    double open_files = 0;
    double open_files_max = 0;
};
ProcessFigures process_figures();

} // namespace flotilla::admin
