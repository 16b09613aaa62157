// SPDX-License-Identifier: Apache-2.0
#include "message_owner.hpp"
#include "thread_sanitizer.hpp"

#include <flotilla/base/check.hpp>
#include <flotilla/net/part.hpp>

#include <zmq.h>

#include <cstring>
#include <new>
#include <utility>

namespace flotilla::net {
namespace {

static_assert(sizeof(zmq_msg_t) == Blob::owner_bytes_max, "libzmq changed its ABI");

zmq_msg_t* message(void* storage) noexcept {
    return std::launder(reinterpret_cast<zmq_msg_t*>(storage));
}
zmq_msg_t* message(const void* storage) noexcept {
    // libzmq's readers take a plain pointer but do not write.
    return message(const_cast<void*>(storage));
}

// Below this many bytes a copy is cheaper than keeping somebody else's bytes alive.
constexpr std::size_t lend_bytes_min = 1024;

} // namespace

namespace detail {

const Blob::Owner message_owner{
    [](const void* storage) noexcept {
        return static_cast<const char*>(zmq_msg_data(message(storage)));
    },
    [](void* to, void* from) noexcept {
        // Moving leaves an empty message behind, which holds nothing that closing would free.
        zmq_msg_init(message(to));
        zmq_msg_move(message(to), message(from));
    },
    [](void* to, const void* from) noexcept {
        zmq_msg_init(message(to));
        zmq_msg_copy(message(to), message(from));
    },
    [](void* storage) noexcept { zmq_msg_close(message(storage)); },
};

} // namespace detail

Part::Part() noexcept {
    zmq_msg_init(message(storage_));
}

Part::Part(Part&& other) noexcept {
    zmq_msg_init(message(storage_));
    zmq_msg_move(message(storage_), message(other.storage_));
}

Part& Part::operator=(Part&& other) noexcept {
    if (this != &other)
        zmq_msg_move(message(storage_), message(other.storage_));
    return *this;
}

Part::~Part() {
    zmq_msg_close(message(storage_));
}

Part Part::allocate(std::size_t bytes) {
    Part part;
    if (zmq_msg_init_size(message(part.storage_), bytes) != 0)
        throw std::bad_alloc();
    return part;
}

Part Part::copy(ByteView bytes) {
    Part part = allocate(bytes.size());
    if (!bytes.empty())
        std::memcpy(part.data(), bytes.data(), bytes.size());
    detail::lent_to_transport(part.data()); // over inproc the same bytes are received
    return part;
}

Part Part::adopt(void* data, std::size_t bytes, Free free, void* hint) {
    Part part;
    detail::lent_to_transport(data);
    if (zmq_msg_init_data(message(part.storage_), data, bytes, free, hint) != 0)
        throw std::bad_alloc();
    return part;
}

Part Part::from(Blob&& blob) {
    Part part;
    if (void* const held = blob.storage_of(detail::message_owner)) {
        zmq_msg_move(message(part.storage_), message(held));
        blob = Blob{};
        return part;
    }
    if (blob.size() < lend_bytes_min) {
        part = copy(blob);
        blob = Blob{};
        return part;
    }
    auto* const keeper = new Blob(std::move(blob));
    return adopt(
        const_cast<char*>(keeper->view().data()), keeper->size(),
        [](void*, void* hint) { delete static_cast<Blob*>(hint); }, keeper);
}

Blob Part::to_blob() && {
    Blob blob;
    move_to(blob);
    return blob;
}

void Part::move_to(Blob& blob) {
    blob.become(detail::message_owner, size(), [this](void* storage) {
        zmq_msg_init(message(storage));
        zmq_msg_move(message(storage), message(storage_));
    });
}

char* Part::data() noexcept {
    return static_cast<char*>(zmq_msg_data(message(storage_)));
}

std::size_t Part::size() const noexcept {
    return zmq_msg_size(message(storage_));
}

ByteView Part::view() const noexcept {
    return {static_cast<const char*>(zmq_msg_data(message(const_cast<unsigned char*>(storage_)))),
            zmq_msg_size(message(storage_))};
}

Part Part::share() const {
    Part part;
    zmq_msg_copy(message(part.storage_), message(storage_));
    return part;
}

bool Part::more() const noexcept {
    return zmq_msg_more(message(storage_)) != 0;
}

int Part::descriptor() const noexcept {
    return zmq_msg_get(message(storage_), ZMQ_SRCFD);
}

std::optional<std::string_view> Part::property(const char* name) const noexcept {
    const char* const value = zmq_msg_gets(message(storage_), name);
    if (!value)
        return std::nullopt;
    return std::string_view{value};
}

} // namespace flotilla::net
