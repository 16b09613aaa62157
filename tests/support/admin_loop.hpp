// SPDX-License-Identifier: Apache-2.0
//
// AdminLoop: a played store and the loop of its daemon, on a thread of its own.
#pragma once

#include <admin/audit.hpp>
#include <admin/desk.hpp>
#include <poll.h>
#include <support/fake_administered.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace flotilla::admin::test {

class AdminLoop {
public:
    explicit AdminLoop(std::size_t queues)
        : log_(host::LogLevel::error, host::LogFormat::text), store_(queues), desk_(*Desk::open()),
          audit_(std::make_shared<Audit>(log_)) {
        desk_->begin();
        thread_ = std::thread([this] {
            while (!ended_) {
                pollfd item{desk_->fd(), POLLIN, 0};
                if (::poll(&item, 1, 10) != 1)
                    continue;
                const std::lock_guard lock(mutex_);
                desk_->work(store_);
            }
        });
    }
    AdminLoop(const AdminLoop&) = delete;
    AdminLoop& operator=(const AdminLoop&) = delete;
    ~AdminLoop() {
        ended_ = true;
        thread_.join();
    }

    const std::shared_ptr<Desk>& desk() const { return desk_; }
    const std::shared_ptr<Audit>& audit() const { return audit_; }
    std::vector<Order> orders() const {
        const std::lock_guard lock(mutex_);
        return store_.orders;
    }
    // The loop hangs for as long as this lives.
    std::unique_lock<std::mutex> hang() { return std::unique_lock(mutex_); }
    void set_state(State state, std::vector<std::string> not_ready) {
        const std::lock_guard lock(mutex_);
        store_.state = state;
        store_.not_ready = std::move(not_ready);
    }

private:
    host::Log log_;
    mutable std::mutex mutex_{};
    FakeAdministered store_;
    std::shared_ptr<Desk> desk_;
    std::shared_ptr<Audit> audit_;
    std::atomic<bool> ended_{false};
    std::thread thread_{};
};

} // namespace flotilla::admin::test
