// SPDX-License-Identifier: Apache-2.0
#include <command_line/standard_files.hpp>
#include <fcntl.h>
#include <unistd.h>

namespace flotilla::command_line {

void occupy_closed_standard_files() noexcept {
    // open() gives the lowest number that is free. Not for writing: a lost answer is an error.
    for (int each = STDIN_FILENO; each <= STDERR_FILENO; ++each)
        if (::fcntl(each, F_GETFD) < 0)
            (void)::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

} // namespace flotilla::command_line
