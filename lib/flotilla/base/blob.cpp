// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/blob.hpp>

#include <cstring>
#include <memory>
#include <new>
#include <string>

namespace flotilla {
namespace {

// Heap bytes, shared by count.
using Shared = std::shared_ptr<const std::string>;
static_assert(sizeof(Shared) <= Blob::owner_bytes_max);

Shared* shared(void* storage) noexcept {
    return std::launder(reinterpret_cast<Shared*>(storage));
}
const Shared* shared(const void* storage) noexcept {
    return std::launder(reinterpret_cast<const Shared*>(storage));
}

constexpr Blob::Owner heap{
    [](const void* storage) noexcept { return ByteView{**shared(storage)}; },
    [](void* to, void* from) noexcept {
        new (to) Shared{std::move(*shared(from))};
        shared(from)->~Shared();
    },
    [](void* to, const void* from) noexcept { new (to) Shared{*shared(from)}; },
    [](void* storage) noexcept { shared(storage)->~Shared(); },
};

} // namespace

Blob::Blob(Blob&& other) noexcept : owner_(other.owner_), inline_size_(other.inline_size_) {
    if (owner_)
        owner_->move(storage_, other.storage_);
    else
        std::memcpy(storage_, other.storage_, inline_size_);
    other.owner_ = nullptr;
    other.inline_size_ = 0;
}

Blob& Blob::operator=(Blob&& other) noexcept {
    if (this != &other) {
        this->~Blob();
        new (this) Blob{std::move(other)};
    }
    return *this;
}

Blob Blob::copy(ByteView bytes) {
    if (bytes.size() > inline_bytes_max)
        return own(heap, [&](void* storage) {
            new (storage) Shared{std::make_shared<const std::string>(bytes)};
        });
    Blob blob;
    if (!bytes.empty())
        std::memcpy(blob.storage_, bytes.data(), bytes.size());
    blob.inline_size_ = static_cast<std::uint8_t>(bytes.size());
    return blob;
}

Blob Blob::share() const {
    if (!owner_)
        return copy(view());
    Blob blob;
    owner_->share(blob.storage_, storage_);
    blob.owner_ = owner_;
    return blob;
}

void Blob::reset() noexcept {
    if (owner_)
        owner_->destroy(storage_);
    owner_ = nullptr;
    inline_size_ = 0;
}

} // namespace flotilla
