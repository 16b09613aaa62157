// SPDX-License-Identifier: Apache-2.0
#include "admin/console/files.hpp"

#include "admin/console/embedded.hpp"

namespace flotilla::admin {

const ConsoleFile* console_file(std::string_view path) noexcept {
    for (const ConsoleFile& file : embedded_console_files())
        if (file.path == path)
            return &file;
    return nullptr;
}

} // namespace flotilla::admin
