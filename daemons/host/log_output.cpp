// SPDX-License-Identifier: Apache-2.0
#include "host/log_output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace flotilla::host {

LogOutput::LogOutput(int descriptor) : descriptor_(descriptor) {
    struct stat about {};
    if (::fstat(descriptor, &about) != 0)
        return;
    if (S_ISSOCK(about.st_mode)) {
        how_ = How::socket;
        return;
    }
    if (S_ISREG(about.st_mode))
        return; // it takes everything, and a second description would have its own position
    // O_NONBLOCK belongs to the open description, which others share: so we take one of our own.
    const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
    const int own = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own < 0)
        return;
    descriptor_ = own;
    how_ = How::own_description;
}

LogOutput::~LogOutput() {
    if (how_ == How::own_description)
        ::close(descriptor_);
}

// How much of it went; 0 when it would have to wait, and for any failure.
std::size_t LogOutput::put(std::string_view bytes) const {
    for (;;) {
        ssize_t went = -1;
        if (how_ == How::socket) {
            went = ::send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        } else {
            // As much as a pipe that says it can be written is sure to take.
            pollfd ready{descriptor_, POLLOUT, 0};
            if (how_ == How::poll && ::poll(&ready, 1, 0) != 1)
                return 0;
            const std::size_t most =
                how_ == How::poll ? std::min<std::size_t>(bytes.size(), PIPE_BUF) : bytes.size();
            went = ::write(descriptor_, bytes.data(), most);
        }
        if (went >= 0)
            return static_cast<std::size_t>(went);
        if (errno != EINTR)
            return 0;
    }
}

bool LogOutput::finish() {
    while (!rest_.empty()) {
        const std::size_t went = put(rest_);
        if (went == 0)
            return false;
        rest_.erase(0, went);
    }
    return true;
}

bool LogOutput::write(std::string_view line) {
    const std::size_t went = finish() ? put(line) : 0;
    if (went == 0)
        return false;
    rest_ = line.substr(went);
    (void)finish();
    return true;
}

} // namespace flotilla::host
