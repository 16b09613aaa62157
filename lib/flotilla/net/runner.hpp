// SPDX-License-Identifier: Apache-2.0
//
// Runner: one thread, one Poller, one control pair. start() returns when the thread has set itself
// up, or says why it could not; so whoever starts it never waits and hopes.
//
// Only bytes cross the control pair. Safe to post to from one thread at a time (the owner's).
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/poller.hpp>

#include <functional>
#include <memory>
#include <string>

namespace flotilla::net {

class Runner {
public:
    // What the thread is given while it sets up and runs.
    struct Inside {
        Context& context;
        Poller& poller;
        // Called on the thread with each command posted.
        std::function<void(ByteView)> on_command{};
    };
    // Runs on the new thread: opens sockets, registers handlers. What it returns is what start()
    // returns. Objects that must live as long as the loop are captured by the handlers.
    using Setup = std::function<Status(Inside&)>;

    // `name` is seen in debuggers (15 characters). Waits for `setup` without limit: setup itself
    // must be bounded. Errors: what setup returned; out_of_files.
    static Result<Runner> start(Context& context, std::string name, Setup setup);
    Runner(Runner&&) noexcept;
    Runner& operator=(Runner&&) noexcept;
    ~Runner(); // stop()

    // `command` is not empty. Never waits. Errors: too_many (2000 commands are waiting), stopped.
    Status post(ByteView command);
    // Ends the loop after its current turn and joins the thread. What the loop ended with.
    Status stop();

private:
    struct Rest;
    explicit Runner(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::net
