// SPDX-License-Identifier: Apache-2.0
//
// ByteView and Blob: bytes looked at, and bytes owned.
//
// A ByteView is a std::string_view used for bytes: comparison, hashing, searching and literals come
// with it. A Blob is immutable bytes and whoever keeps them alive: a few bytes inside the Blob
// itself (no allocation), a heap copy, or a foreign owner such as a received transport message,
// which lies inside the Blob too. So any layer can hold a message without knowing who allocated it.
//
// A Blob moves and does not copy by accident; share() makes a second handle (large bodies are then
// shared, not copied). Not thread-safe; different Blobs that share one body are independent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace flotilla {

using ByteView = std::string_view;

class Blob {
public:
    static constexpr std::size_t inline_bytes_max = 48;
    static constexpr std::size_t owner_bytes_max = 64;

    // How a foreign owner that lives in a Blob's storage is handled. All but data may be called on
    // storage from a const Blob's thread only; none may throw.
    struct Owner {
        const char* (*data)(const void* storage) noexcept;
        void (*move)(void* to, void* from) noexcept; // leaves `from` destroyed
        void (*share)(void* to, const void* from) noexcept;
        void (*destroy)(void* storage) noexcept;
    };

    Blob() noexcept = default;
    Blob(Blob&& other) noexcept { take(other); }
    Blob& operator=(Blob&& other) noexcept {
        if (this != &other) {
            reset();
            take(other);
        }
        return *this;
    }
    Blob(const Blob&) = delete;
    Blob& operator=(const Blob&) = delete;
    ~Blob() { reset(); }

    static Blob copy(ByteView bytes) {
        if (bytes.size() > inline_bytes_max)
            return copy_to_heap(bytes);
        Blob blob;
        blob.hold_inline(bytes);
        return blob;
    }
    // The same in place of what this one holds, which must not be a part of it.
    void assign(ByteView bytes) {
        if (bytes.size() > inline_bytes_max) {
            *this = copy_to_heap(bytes);
            return;
        }
        reset();
        hold_inline(bytes);
    }

    // Constructs a foreign owner of so many bytes in place: `make(storage)` fills owner_bytes_max
    // bytes, aligned for a pointer. `owner` must outlive every Blob (a static).
    template <class Make>
    static Blob own(const Owner& owner, std::size_t bytes, Make&& make) {
        Blob blob;
        blob.become(owner, bytes, make);
        return blob;
    }
    // The same in place of what this one holds.
    template <class Make>
    void become(const Owner& owner, std::size_t bytes, Make&& make) {
        reset();
        make(static_cast<void*>(storage_));
        owner_ = &owner;
        size_ = bytes;
    }

    // A second handle on the same bytes; copies only what fits inside a Blob.
    Blob share() const;
    // For whoever keeps it: bytes of a foreign owner are copied where there are few of them. libzmq
    // lets received frames lie in the 8 KiB that they were read into, and each keeps all of that.
    void own_small();
    static constexpr std::size_t small_bytes_max = 4096;

    ByteView view() const noexcept {
        return {owner_ ? owner_->data(storage_) : reinterpret_cast<const char*>(storage_), size_};
    }
    operator ByteView() const noexcept { return view(); }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size() == 0; }

    // The foreign owner's storage when this Blob is kept by exactly `owner`, else nullptr.
    void* storage_of(const Owner& owner) noexcept { return owner_ == &owner ? storage_ : nullptr; }

    friend bool operator==(const Blob& a, const Blob& b) noexcept { return a.view() == b.view(); }
    friend bool operator==(const Blob& a, ByteView b) noexcept { return a.view() == b; }

private:
    static Blob copy_to_heap(ByteView bytes);
    void hold_inline(ByteView bytes) noexcept { // this one is empty
        if (!bytes.empty())
            std::memcpy(storage_, bytes.data(), bytes.size());
        size_ = bytes.size();
    }
    // On the hot paths of everything that holds messages: a few bytes move without a call.
    void take(Blob& other) noexcept {
        owner_ = other.owner_;
        size_ = other.size_;
        if (owner_)
            owner_->move(storage_, other.storage_);
        else if (size_ > 0)
            std::memcpy(storage_, other.storage_, inline_bytes_max);
        other.owner_ = nullptr;
        other.size_ = 0;
    }
    void reset() noexcept {
        if (owner_)
            owner_->destroy(storage_);
        owner_ = nullptr;
        size_ = 0;
    }

    alignas(void*) unsigned char storage_[owner_bytes_max];
    const Owner* owner_ = nullptr; // nullptr: the bytes are in storage_
    std::size_t size_ = 0;         // told without asking the owner, which may cost a call or two
};

} // namespace flotilla
