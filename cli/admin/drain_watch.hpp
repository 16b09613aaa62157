// SPDX-License-Identifier: Apache-2.0
//
// DrainWatch: whether a daemon that was told to drain has gone. Pure: it is told what its status
// said and whether the connection stands.
//
//     drains ──connection ends──► gone        (it may flush a little longer; it takes nothing more)
//        │ └──another process answers──► gone, and another took its place
//        └──deadline──► overdue
#pragma once

#include <flotilla/base/time.hpp>

#include <cli/admin/view.hpp>

#include <string>

namespace flotilla::cli {

class DrainWatch {
public:
    DrainWatch(DaemonView before, Instant now, Instant deadline)
        : last_(std::move(before)), began_(now), deadline_(deadline) {}

    void saw(const DaemonView& view);
    void disconnected() noexcept { is_gone_ = true; }

    enum class End : std::uint8_t { none, gone, overdue };
    End end(Instant now) const noexcept;
    // "orders drains for 3s: leased 12, sessions 2"
    std::string progress(Instant now) const;
    // How it ended, and what it still held, as far as its last status knew.
    std::string summary() const;

private:
    std::string held() const;
    std::string work() const;

    DaemonView last_;
    Instant began_;
    Instant deadline_;
    bool is_gone_ = false;
    bool is_replaced_ = false;
};

} // namespace flotilla::cli
