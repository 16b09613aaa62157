// SPDX-License-Identifier: Apache-2.0
#include "descriptors.hpp"

#include <flotilla/net/open_files.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

namespace flotilla::net::detail {
namespace {

// A context's first socket takes eight or so, its monitor two more.
constexpr std::size_t spare = 24;
// With the lowest free number so far from the limit, nobody has to count.
constexpr rlim_t plenty = 512;
constexpr rlim_t kept_min = 32;

} // namespace

Status check_spare_descriptors(const char* doing) {
    std::array<int, 2> ends{-1, -1};
    std::array<int, spare> taken{};
    std::size_t got = 0;
    rlimit limit{};
    bool enough = false;
    if (::pipe(ends.data()) == 0) {
        enough = ::getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
                 static_cast<rlim_t>(ends[1]) + plenty < limit.rlim_cur;
        for (; !enough && got < spare - 2; ++got)
            if (taken[got] = ::dup(ends[0]); taken[got] < 0)
                break;
        enough = enough || got == spare - 2;
    }
    while (got > 0)
        ::close(taken[--got]);
    for (const int end : ends)
        if (end >= 0)
            ::close(end);
    if (enough)
        return {};
    return fail(Errc::out_of_files, std::string("cannot ") + doing +
                                        ": too few descriptors are left of the process's limit of "
                                        "open files; raise it");
}

// The lowest free number is given out, so a high one says that few are left.
bool is_short_of_descriptors(int newest) noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return false;
    const rlim_t kept = std::clamp<rlim_t>(limit.rlim_cur / 8, kept_min, 1024);
    return static_cast<rlim_t>(newest) + kept >= limit.rlim_cur;
}

} // namespace flotilla::net::detail

namespace flotilla::net {

Status check_room_for_connections() {
    const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (next >= 0)
        ::close(next);
    if (next >= 0 && !detail::is_short_of_descriptors(next))
        return {};
    rlimit limit{};
    (void)::getrlimit(RLIMIT_NOFILE, &limit);
    const auto needed = static_cast<rlim_t>(std::max(next, 0)) + detail::kept_min + 2;
    return fail(Errc::out_of_files, "the limit of open files, " + std::to_string(limit.rlim_cur) +
                                        ", leaves no room for a connection; it takes at least " +
                                        std::to_string(std::max(needed, limit.rlim_cur + 1)) +
                                        ", and one for each peer (ulimit -n, LimitNOFILE=)");
}

} // namespace flotilla::net
