// SPDX-License-Identifier: Apache-2.0
#include <cli/signal_watch.hpp>
#include <cli/signals.hpp>
#include <poll.h>

#include <utility>

namespace flotilla::cli {

SignalWatch::SignalWatch(std::function<void()> stop_soon)
    : stop_soon_(std::move(stop_soon)), thread_([this] { watch(); }) {}

SignalWatch::~SignalWatch() {
    over_ = true;
    thread_.join();
}

void SignalWatch::watch() const {
    while (!over_) {
        pollfd signal{signal_descriptor(), POLLIN, 0};
        if (::poll(&signal, 1, 50) > 0 || signal_caught() != 0)
            return stop_soon_();
    }
}

} // namespace flotilla::cli
