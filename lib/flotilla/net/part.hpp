// SPDX-License-Identifier: Apache-2.0
//
// Part: one frame as the transport holds it. The hot paths move Parts; everything else uses Frames.
//
// Move-only, no allocation of its own; up to 33 bytes lie inside. One thread at a time.
#pragma once

#include <flotilla/base/blob.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

namespace flotilla::net {

class Part {
public:
    // Called once when the transport is done with adopted bytes, from its I/O thread or the
    // sender's.
    using Free = void (*)(void* data, void* hint);

    Part() noexcept;
    Part(Part&& other) noexcept;
    Part& operator=(Part&& other) noexcept;
    ~Part();

    static Part copy(ByteView bytes);
    // Uninitialised bytes to be filled through data().
    static Part allocate(std::size_t bytes);
    // Lends `bytes` bytes at `data` until `free(data, hint)`. Nothing is copied.
    static Part adopt(void* data, std::size_t bytes, Free free, void* hint);
    // Takes the bytes of a Blob; received and large ones are not copied.
    static Part from(Blob&& blob);
    // Gives them to a Blob, in place of what one holds; this Part is then empty.
    Blob to_blob() &&;
    void move_to(Blob& blob);

    char* data() noexcept;
    std::size_t size() const noexcept;
    ByteView view() const noexcept;
    operator ByteView() const noexcept { return view(); }
    // A second handle; bytes beyond 33 are shared, not copied.
    Part share() const;

    // Received: another frame of the same message follows.
    bool more() const noexcept;
    // Received over tcp or ipc: the descriptor of its connection, as the Monitor names it; else -1.
    int descriptor() const noexcept;
    // Received: a ZMTP property of the peer ("User-Id", "Socket-Type", "Peer-Address"); may be
    // absent.
    std::optional<std::string_view> property(const char* name) const noexcept;

    void* native_handle() noexcept { return storage_; }

private:
    friend class Socket;
    alignas(void*) unsigned char storage_[Blob::owner_bytes_max];
};

} // namespace flotilla::net
