// SPDX-License-Identifier: Apache-2.0
#include <cli/output.hpp>
#include <cli/terminal.hpp>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace flotilla::cli {

namespace {
constexpr std::size_t waiting_bytes_max = 64 << 10;
}

Output::Output() : Output(STDOUT_FILENO) {}

Output::Output(int descriptor) : descriptor_(descriptor), terminal_(cli::is_terminal(descriptor)) {}

Status Output::write(ByteView bytes) {
    given_bytes_ += bytes.size();
    if (closed_)
        return {};
    waiting_.append(bytes);
    if (terminal_ || waiting_.size() >= waiting_bytes_max)
        return flush();
    return {};
}

Status Output::flush() {
    std::size_t done = 0;
    while (done < waiting_.size() && !closed_) {
        const ssize_t wrote = ::write(descriptor_, waiting_.data() + done, waiting_.size() - done);
        if (wrote >= 0) {
            done += static_cast<std::size_t>(wrote);
            written_bytes_ += static_cast<std::uint64_t>(wrote);
        } else if (errno == EPIPE) {
            closed_ = true;
        } else if (errno == EAGAIN) {
            pollfd until{descriptor_, POLLOUT, 0};
            (void)poll(&until, 1, -1);
        } else if (errno != EINTR) {
            const int error = errno;
            waiting_.clear();
            return fail(error == ENOSPC ? Errc::disk_full : Errc::io,
                        std::string("writing to stdout failed: ") + std::strerror(error));
        }
    }
    waiting_.clear();
    return {};
}

Result<ExitCode> Output::finish(Status written, ExitCode code) {
    if (written)
        written = flush();
    if (!written)
        return fail(written.error());
    return code;
}

} // namespace flotilla::cli
