// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/outflow.hpp>
#include <flotilla/net/part.hpp>

#include <utility>

namespace flotilla::net {
namespace {

// A frame on its way, for as long as the transport has it.
struct Watched {
    Blob frame;
    std::shared_ptr<std::atomic<std::uint64_t>> total;
    std::uint64_t bytes; // of the whole message

    static void left(void*, void* hint) {
        const std::unique_ptr<Watched> watched(static_cast<Watched*>(hint));
        watched->total->fetch_sub(watched->bytes, std::memory_order_relaxed);
    }
};

// Frame 0 is the peer, which a ROUTER lets go of at once.
std::size_t largest(const wire::Frames& message) {
    std::size_t found = message.size() - 1;
    for (std::size_t i = 1; i < message.size(); ++i)
        if (message[i].size() >= message[found].size())
            found = i;
    return found;
}

} // namespace

void Outflow::watch(wire::Frames& message) {
    const std::uint64_t bytes = message.held_bytes();
    Blob& frame = message[largest(message)];
    auto* const watched = new Watched{std::move(frame), bytes_, bytes};
    bytes_->fetch_add(bytes, std::memory_order_relaxed);
    const ByteView view = watched->frame.view();
    frame =
        Part::adopt(const_cast<char*>(view.data()), view.size(), &Watched::left, watched).to_blob();
}

} // namespace flotilla::net
