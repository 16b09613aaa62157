// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/blob.hpp>

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
    [](const void* storage) noexcept { return (*shared(storage))->data(); },
    [](void* to, void* from) noexcept {
        new (to) Shared{std::move(*shared(from))};
        shared(from)->~Shared();
    },
    [](void* to, const void* from) noexcept { new (to) Shared{*shared(from)}; },
    [](void* storage) noexcept { shared(storage)->~Shared(); },
};

} // namespace

Blob Blob::copy_to_heap(ByteView bytes) {
    return own(heap, bytes.size(), [&](void* storage) {
        new (storage) Shared{std::make_shared<const std::string>(bytes)};
    });
}

Blob Blob::share() const {
    if (!owner_)
        return copy(view());
    Blob blob;
    owner_->share(blob.storage_, storage_);
    blob.owner_ = owner_;
    blob.size_ = size_;
    return blob;
}

void Blob::own_small() {
    if (owner_ != nullptr && owner_ != &heap && size() <= small_bytes_max)
        *this = copy(view());
}

} // namespace flotilla
