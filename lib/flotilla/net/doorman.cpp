// SPDX-License-Identifier: Apache-2.0
#include "doorman.hpp"

#include "descriptors.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace flotilla::net::detail {
namespace {

constexpr int turned_away_max = 64; // by one call, of each listener

} // namespace

Doorman::~Doorman() {
    if (kept_back_ >= 0)
        ::close(kept_back_);
}

void Doorman::keep_back() noexcept {
    if (kept_back_ < 0)
        kept_back_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void Doorman::listening(int listener) {
    // Two threads may accept, and neither may be left waiting; libzmq is ready for it.
    ::fcntl(listener, F_SETFL, ::fcntl(listener, F_GETFL) | O_NONBLOCK);
    listeners_.push_back(listener);
    keep_back();
}

void Doorman::closed(int listener) {
    listeners_.erase(std::remove(listeners_.begin(), listeners_.end(), listener), listeners_.end());
}

// The number may be somebody else's by now: then that one connects again.
bool Doorman::accepted(int connection) noexcept {
    const bool is_short = is_short_of_descriptors(connection);
    if (is_short)
        ::shutdown(connection, SHUT_RDWR);
    return is_short;
}

void Doorman::accept_failed() {
    for (const int listener : listeners_)
        for (int i = 0; i < turned_away_max; ++i) {
            keep_back();
            if (kept_back_ < 0)
                return;
            ::close(std::exchange(kept_back_, -1));
            const int connection =
                ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (connection < 0)
                break; // nobody waits, or libzmq was faster
            ::close(connection);
        }
    keep_back();
}

} // namespace flotilla::net::detail
