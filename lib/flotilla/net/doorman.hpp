// SPDX-License-Identifier: Apache-2.0
// Turns connections away when the process runs short of descriptors. Without any libzmq's listener
// fails to accept as fast as it can, for as long as somebody wants in, and over ipc it aborts the
// process. Closing the listener would end its peers too, so it stays, and whoever comes while few
// descriptors are left is hung up on at once. Private to net; the thread that reads the monitor.
#pragma once

#include <vector>

namespace flotilla::net::detail {

class Doorman {
public:
    Doorman() = default;
    Doorman(const Doorman&) = delete;
    Doorman& operator=(const Doorman&) = delete;
    ~Doorman();

    // What the monitor tells, with its descriptors.
    void listening(int listener);
    void closed(int listener);
    // True: it was hung up on.
    [[nodiscard]] bool accepted(int connection) noexcept;
    // For want of a descriptor: those who wait to be accepted are, with the one that was kept back
    // for this, and hung up on.
    void accept_failed();

private:
    void keep_back() noexcept;

    std::vector<int> listeners_{};
    int kept_back_ = -1;
};

} // namespace flotilla::net::detail
