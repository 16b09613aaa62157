// SPDX-License-Identifier: Apache-2.0
//
// LogOutput: a descriptor that lines are written to without ever waiting. A pipe or terminal that
// nobody reads fills up, and must not stop a daemon: what does not fit is not written.
//
// A line that fitted in part is finished first. One thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace flotilla::host {

class LogOutput {
public:
    // The descriptor stays the caller's, who shares it with other programs: its flags are left
    // alone.
    explicit LogOutput(int descriptor);
    LogOutput(const LogOutput&) = delete;
    LogOutput& operator=(const LogOutput&) = delete;
    ~LogOutput();

    // False: there is no room for it now.
    bool write(std::string_view line);

private:
    std::size_t put(std::string_view bytes) const;
    bool finish();

    enum class How : std::uint8_t { own_description, socket, poll };
    int descriptor_;
    How how_ = How::poll;
    std::string rest_{}; // of a line that fitted in part
};

} // namespace flotilla::host
