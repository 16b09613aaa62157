// SPDX-License-Identifier: Apache-2.0
#include "context_state.hpp"
#include "transport_error.hpp"

#include <flotilla/base/option_check.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/runner.hpp>

#include <zmq.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

namespace flotilla::net {

namespace detail {

ContextState::ContextState(void* native, Native ownership) noexcept
    : native_(native), ownership_(ownership) {}

ContextState::~ContextState() {
    stop_access_handler();
    if (ownership_ == Native::owned)
        while (zmq_ctx_term(native_) != 0 && zmq_errno() == EINTR) {
        }
}

void ContextState::shutdown() noexcept {
    if (ownership_ == Native::owned)
        zmq_ctx_shutdown(native_);
}

void ContextState::stop_access_handler() noexcept {
    std::unique_ptr<Runner> handler;
    {
        const std::lock_guard lock(mutex_);
        handler = std::move(access_handler_);
    }
    // Joined outside the lock: the handler's thread takes it for every answer.
}

} // namespace detail

namespace {

// glibc takes a large block that was freed for the size of blocks that come and go, and keeps twice
// as much from then on (mallopt(3), M_MMAP_THRESHOLD). Unlike mallopt() this takes nothing back
// that the program or another library wished for.
void keep_freed(std::size_t bytes) noexcept {
    void* const block = std::malloc(bytes / 2);
    if (block)
        *static_cast<volatile char*>(block) = 0; // or a compiler leaves both calls out
    std::free(block);
}

} // namespace

Result<Context> Context::open(ContextOptions options) {
    for (const Status& range : {check_within("io_threads", options.io_threads, 1, 16),
                                check_within("sockets_max", options.sockets_max, 1, 65'535)})
        if (!range)
            return fail(range.error());
    if (options.freed_bytes_kept != 0 &&
        (options.freed_bytes_kept < 256U << 10 || options.freed_bytes_kept > 64U << 20))
        return fail(Errc::bad_option, "freed_bytes_kept is " +
                                          std::to_string(options.freed_bytes_kept) +
                                          "; it must be 0, or from 262144 to 67108864");
    void* const native = zmq_ctx_new();
    if (!native)
        return detail::transport_failure(zmq_errno(), "make a ZeroMQ context");
    if (options.freed_bytes_kept != 0)
        keep_freed(options.freed_bytes_kept);
    auto state =
        std::make_shared<detail::ContextState>(native, detail::ContextState::Native::owned);
    zmq_ctx_set(native, ZMQ_IO_THREADS, static_cast<int>(options.io_threads));
    zmq_ctx_set(native, ZMQ_MAX_SOCKETS, static_cast<int>(options.sockets_max));
    zmq_ctx_set(native, ZMQ_BLOCKY, 0); // sockets made by others do not wait for ever either
    return Context{std::move(state), Role::owner};
}

Result<Context> Context::adopt(void* native_context) {
    if (!native_context)
        return fail(Errc::bad_option, "there is no context to adopt");
    return Context{std::make_shared<detail::ContextState>(native_context,
                                                          detail::ContextState::Native::adopted),
                   Role::owner};
}

Context::Context(std::shared_ptr<detail::ContextState> state, Role role) noexcept
    : state_(std::move(state)), role_(role) {}

Result<Endpoint> Context::give_listener(int descriptor) {
    return state_->given_listeners().give(descriptor);
}

std::vector<Endpoint> Context::listeners_left() const {
    return state_->given_listeners().left();
}

Context::Context(Context&&) noexcept = default;

Context& Context::operator=(Context&& other) noexcept {
    std::swap(state_, other.state_);
    std::swap(role_, other.role_);
    return *this;
}

Context::~Context() {
    if (!state_ || role_ == Role::guest)
        return;
    state_->shutdown();
    state_->stop_access_handler();
}

void Context::shutdown() noexcept {
    state_->shutdown();
}

void* Context::native_handle() const noexcept {
    return state_->native();
}

TransportVersion transport_version() noexcept {
    TransportVersion version{};
    zmq_version(&version.major, &version.minor, &version.patch);
    return version;
}

bool transport_has(const char* capability) noexcept {
    return zmq_has(capability) == 1;
}

} // namespace flotilla::net
