// SPDX-License-Identifier: Apache-2.0
//
// A QueueServer in memory, on a thread of its own.
#pragma once

#include <flotilla/net/context.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/queue/engine/memory_store.hpp>
#include <flotilla/queue/server.hpp>

#include <support/catch.hpp>
#include <support/scratch.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace flotilla::queue::test {

class LiveStore {
public:
    explicit LiveStore(const QueueProperties& properties = {}, const std::string& queue = "orders",
                       const StoreLimits& limits = {})
        : context(*net::Context::open()), server_(open(context, limits)),
          endpoint(*server_.bind(flotilla::test::any_tcp())) {
        REQUIRE(server_.declare(queue, properties));
        thread_ = std::thread([this] {
            while (!stopping_) {
                (void)server_.process(1ms);
                const std::lock_guard lock(mutex_);
                for (QueueStat& stat : server_.queues())
                    if (stat.name != "")
                        stat_ = std::move(stat);
            }
        });
    }
    LiveStore(const LiveStore&) = delete;
    LiveStore& operator=(const LiveStore&) = delete;
    ~LiveStore() {
        stopping_ = true;
        thread_.join();
    }

    // Of the queue that it has.
    QueueStat stat() const {
        const std::lock_guard lock(mutex_);
        return stat_;
    }
    bool until(const std::function<bool(const QueueStat&)>& done) const {
        const Instant deadline = deadline_after(net::now(), 30s);
        while (!done(stat()) && net::now() < deadline)
            std::this_thread::yield();
        return done(stat());
    }

private:
    static QueueServer open(net::Context& context, const StoreLimits& limits) {
        QueueServerOptions options;
        options.limits = limits;
        auto server = QueueServer::open(context, std::make_unique<MemoryStore>(), options);
        if (!server)
            FAIL(to_string(server.error()));
        return std::move(*server);
    }

public:
    net::Context context;

private:
    QueueServer server_;

public:
    net::Endpoint endpoint;

private:
    mutable std::mutex mutex_;
    QueueStat stat_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

} // namespace flotilla::queue::test
