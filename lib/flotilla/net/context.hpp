// SPDX-License-Identifier: Apache-2.0
//
// Context: the transport of one process or component: its I/O threads, its limits, its ZAP handler.
//
// Sockets keep what they need of it alive, so the order of destruction cannot hang. Move-only
// handle; safe to share between threads by reference.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/net/endpoint.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace flotilla::net {

namespace detail {
class ContextState;
}

struct ContextOptions {
    std::uint32_t io_threads = 1;     // 1 to 16; one carries about a gigabyte a second
    std::uint32_t sockets_max = 4096; // 1 to 65535; libzmq's own default is 1023
    // What glibc's allocator may keep of freed memory at the end of each of its arenas, for the
    // next message, where it would give all beyond 128 KiB back to the system: batches of 64 KiB
    // then arrive a third slower. For the whole process and for good; only ever more than
    // before. Nothing changes where mallopt() or GLIBC_TUNABLES said something, or with another
    // allocator. 0: leave it as it is; otherwise 256 KiB to 64 MiB.
    std::size_t freed_bytes_kept = 2U << 20;
};

class Context {
public:
    // Errors: bad_option; out_of_files.
    static Result<Context> open(ContextOptions options = {});
    // Uses a libzmq context that somebody else owns and terminates, later than this handle and
    // every socket opened through it. Its ZAP handler is the owner's business: CURVE servers do not
    // open here while another handler holds the ZAP endpoint. Errors: bad_option (nullptr).
    static Result<Context> adopt(void* native_context);

    Context(Context&&) noexcept;
    Context& operator=(Context&&) noexcept;
    // Ends the context as shutdown() does and stops its ZAP handler. An owned libzmq context is
    // terminated when its last socket has gone too, which waits as long as that socket's linger.
    ~Context();

    // Every wait in every socket of this context ends with Errc::stopped, now and from now on.
    void shutdown() noexcept;
    void* native_handle() const noexcept;

    // A listening socket of tcp or ipc that whoever started the process made (socket activation):
    // bind() to its address takes it. The context owns the descriptor. Returns where it listens.
    // Errors: bad_option (it does not listen, or not where ZeroMQ could).
    Result<Endpoint> give_listener(int descriptor);
    // Those that nobody has bound to.
    std::vector<Endpoint> listeners_left() const;

    detail::ContextState& state() const noexcept { return *state_; }
    std::shared_ptr<detail::ContextState> shared_state() const noexcept { return state_; }

private:
    friend class detail::ContextState;
    enum class Role : std::uint8_t { owner, guest }; // a guest's end does not end the context
    Context(std::shared_ptr<detail::ContextState> state, Role role) noexcept;

    std::shared_ptr<detail::ContextState> state_;
    Role role_;
};

// What the linked libzmq is and can do.
struct TransportVersion {
    int major;
    int minor;
    int patch;
};
TransportVersion transport_version() noexcept;
// "ipc", "curve", "ws", "draft", ...
bool transport_has(const char* capability) noexcept;

} // namespace flotilla::net
