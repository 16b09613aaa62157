// SPDX-License-Identifier: Apache-2.0
//
// Wake: one descriptor for a foreign event loop, readable when any of several things happened: the
// socket's state may have changed, a lent frame came back, a time has come. Private to the
// component.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>

#include <initializer_list>

namespace flotilla::pipeline {

class Wake {
public:
    // Errors: out_of_files.
    static Result<Wake> open(std::initializer_list<int> descriptors);
    Wake(Wake&& other) noexcept;
    Wake& operator=(Wake&& other) noexcept;
    ~Wake();

    int fd() const noexcept { return epoll_; }
    // Readable in `wait`, once; replaces an earlier time.
    void after(Duration wait) noexcept;
    void clear_time() noexcept;

private:
    Wake(int epoll, int timer) noexcept : epoll_(epoll), timer_(timer) {}
    int epoll_;
    int timer_;
};

// Waits until one of two descriptors is readable, at most `wait`.
void wait_for_either(int first, int second, Duration wait) noexcept;

} // namespace flotilla::pipeline
