// SPDX-License-Identifier: Apache-2.0
//
// Whether an ipc endpoint may be bound. libzmq deletes whatever has its path first: an ordinary
// file, or the socket of a program that lives, whose peers then talk to nobody new. So a path must
// be free, or the socket of a program of this user that is gone. A bind of our own that ends a
// moment earlier is waited for. Private to net.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/net/endpoint.hpp>

namespace flotilla::net::detail {

// The place, from the look to the end of the bind: the folder is locked meanwhile, so that of two
// programs that start at once only one finds it free. A lock that others do not give up within a
// second is not waited for any longer: it protects from accidents only.
class IpcPlace {
public:
    explicit IpcPlace(const Endpoint& endpoint);
    IpcPlace(const IpcPlace&) = delete;
    IpcPlace& operator=(const IpcPlace&) = delete;
    ~IpcPlace();

    // Errors: address_in_use, address_unavailable, out_of_files.
    Status check() const;

private:
    const Endpoint& endpoint_;
    int lock_ = -1;
};

} // namespace flotilla::net::detail
