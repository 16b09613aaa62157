// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/net/runner.hpp>
#include <flotilla/net/socket.hpp>

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <future>
#include <system_error>
#include <thread>

namespace flotilla::net {

struct Runner::Rest {
    Socket control; // our end of the pair
    std::thread thread;
    std::future<Status> ended;
};

namespace {

Result<std::pair<Socket, Socket>> control_pair(Context& context) {
    static std::atomic<std::uint64_t> serial{0};
    SocketOptions options;
    auto ours = Socket::open(context, SocketType::pair, options);
    if (!ours)
        return fail(ours.error());
    auto theirs = Socket::open(context, SocketType::pair, options);
    if (!theirs)
        return fail(theirs.error());
    const auto endpoint = Endpoint::parse("inproc://flotilla-runner-" + std::to_string(++serial));
    if (const auto bound = ours->bind(*endpoint); !bound)
        return fail(bound.error());
    if (const Status connected = theirs->connect(*endpoint); !connected)
        return fail(connected.error());
    return std::pair{std::move(*ours), std::move(*theirs)};
}

// An empty command, which post() refuses, is the order to stop.
void take_commands(Socket& control, Runner::Inside& inside) {
    Part command;
    while (control.receive(command, Duration::zero())) {
        if (command.size() == 0)
            return inside.poller.stop();
        if (inside.on_command)
            inside.on_command(command.view());
    }
}

// The life of the thread: set up, tell, loop.
Status live(Context& context, Socket control, const Runner::Setup& setup,
            std::promise<Status>& started) {
    Poller poller;
    Runner::Inside inside{context, poller};
    if (const Status ready = setup(inside); !ready) {
        started.set_value(ready);
        return ready;
    }
    poller.on_readable(control, [&] { take_commands(control, inside); });
    started.set_value({});
    return poller.run();
}

} // namespace

Result<Runner> Runner::start(Context& context, std::string name, Setup setup) {
    auto pair = control_pair(context);
    if (!pair)
        return fail(pair.error());
    std::promise<Status> started;
    auto start = started.get_future();
    std::promise<Status> ended;
    auto rest =
        std::make_unique<Rest>(Rest{std::move(pair->first), std::thread{}, ended.get_future()});
    try {
        rest->thread =
            std::thread([&context, control = std::move(pair->second), work = std::move(setup),
                         begin = std::move(started), end = std::move(ended)]() mutable {
                end.set_value(live(context, std::move(control), work, begin));
            });
    } catch (const std::system_error& error) {
        return fail(Errc::out_of_files, std::string("cannot start a thread: ") + error.what());
    }
    pthread_setname_np(rest->thread.native_handle(), name.substr(0, 15).c_str());
    if (const Status ready = start.get(); !ready) {
        rest->thread.join();
        return fail(ready.error());
    }
    return Runner{std::move(rest)};
}

Runner::Runner(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
Runner::Runner(Runner&&) noexcept = default;

Runner& Runner::operator=(Runner&& other) noexcept {
    std::swap(rest_, other.rest_);
    return *this;
}

Runner::~Runner() {
    if (rest_ && rest_->thread.joinable())
        (void)stop();
}

Status Runner::post(ByteView command) {
    FLOTILLA_CHECK(!command.empty(), "an empty command was posted to a runner");
    const Status sent = rest_->control.send(command, Duration::zero());
    if (!sent && sent.error().code == Errc::would_block)
        return fail(Errc::too_many, "the runner has not taken its last 2000 commands");
    return sent;
}

Status Runner::stop() {
    FLOTILLA_CHECK(rest_->thread.joinable(), "a runner was stopped twice");
    // The pair may be full of commands that the thread still works off, or the loop may have ended
    // by itself and read no more.
    using namespace std::chrono_literals;
    while (rest_->ended.wait_for(0ms) != std::future_status::ready) {
        const Status told = rest_->control.send(ByteView{}, 10ms);
        if (told || told.error().code != Errc::timeout)
            break;
    }
    rest_->thread.join();
    return rest_->ended.get();
}

} // namespace flotilla::net
