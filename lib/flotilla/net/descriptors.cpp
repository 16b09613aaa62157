// SPDX-License-Identifier: Apache-2.0
#include "descriptors.hpp"

#include <flotilla/net/open_files.hpp>

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

namespace flotilla::net::detail {
namespace {

// A context's first socket takes eight or so, its monitor two more.
constexpr std::size_t spare = 24;
// With the lowest free number so far from the limit, nobody has to count.
constexpr rlim_t plenty = 512;
constexpr rlim_t kept_min = 32;
// With room for fewer a server is of no use: what is served takes descriptors as well.
constexpr int connections_min = 16;

// How many newcomers must leave free.
rlim_t kept_of(rlim_t limit) noexcept {
    return std::clamp<rlim_t>(limit / 8, kept_min, 1024);
}

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
    return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
           static_cast<rlim_t>(newest) + kept_of(limit.rlim_cur) >= limit.rlim_cur;
}

} // namespace flotilla::net::detail

namespace flotilla::net {

Status check_room_for_connections() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return {};
    const int next = ::eventfd(0, EFD_CLOEXEC);
    if (next < 0 && errno != EMFILE)
        return {}; // whatever that is, no limit of ours
    if (next >= 0)
        ::close(next);
    const int last = next + detail::connections_min - 1;
    if (next >= 0 && !detail::is_short_of_descriptors(last))
        return {};
    const rlim_t taken =
        next >= 0 ? static_cast<rlim_t>(last) : limit.rlim_cur + detail::connections_min;
    rlim_t needed = taken + detail::kept_min + 1;
    while (taken + detail::kept_of(needed) >= needed)
        ++needed;
    return fail(Errc::out_of_files, "the limit of open files, " + std::to_string(limit.rlim_cur) +
                                        ", leaves no room for connections; it takes at least " +
                                        std::to_string(needed) + " for " +
                                        std::to_string(detail::connections_min) +
                                        " of them (ulimit -n, LimitNOFILE=)");
}

} // namespace flotilla::net
