// SPDX-License-Identifier: Apache-2.0
//
// PlainConnection: a bare stream socket to an endpoint, beneath ZeroMQ, with a deadline on every
// wait.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/endpoint.hpp>

#include <cli/doctor/facts.hpp>

#include <optional>
#include <string>
#include <vector>

namespace flotilla::cli::doctor {

class PlainConnection {
public:
    explicit PlainConnection(int descriptor) noexcept : descriptor_(descriptor) {}
    PlainConnection(PlainConnection&& other) noexcept;
    PlainConnection& operator=(PlainConnection&& other) noexcept;
    ~PlainConnection();

    // False when the peer is gone or the deadline passed.
    bool send(ByteView bytes, Instant deadline);
    enum class Got { bytes, end, nothing };
    // Appends what arrives next to received(). `nothing`: the deadline passed.
    Got receive(Instant deadline);
    const std::string& received() const noexcept { return received_; }
    int descriptor() const noexcept { return descriptor_; }

private:
    int descriptor_;
    std::string received_;
};

struct Connecting {
    std::vector<Attempt> attempts;             // one an address, in the order of the resolver
    std::optional<PlainConnection> connection; // of the first that worked
};
// tcp and ipc. Tries every address of the host (at most 8), each with what is left until the
// deadline.
Connecting connect_plainly(const net::Endpoint& endpoint, Instant deadline);

} // namespace flotilla::cli::doctor
