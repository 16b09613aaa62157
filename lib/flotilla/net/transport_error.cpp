// SPDX-License-Identifier: Apache-2.0
#include "transport_error.hpp"

#include <flotilla/base/check.hpp>

#include <zmq.h>

#include <cerrno>

namespace flotilla::net::detail {
namespace {

Errc code_of(int number) {
    switch (number) {
    case EAGAIN:
        return Errc::would_block;
    case ETERM:
        return Errc::stopped;
    case EHOSTUNREACH:
        return Errc::peer_gone;
    case EADDRINUSE:
        return Errc::address_in_use;
    case EADDRNOTAVAIL:
    case ENODEV:
    case EACCES:
    case EPERM:
        return Errc::address_unavailable;
    case EPROTONOSUPPORT:
    case ENOCOMPATPROTO:
    case ENOTSUP:
        return Errc::unsupported;
    case EINVAL:
    case ENAMETOOLONG:
        return Errc::bad_endpoint;
    case ENOENT:
        return Errc::not_found;
    case EMFILE:
    case ENFILE:
        return Errc::out_of_files;
    case ENOSPC:
        return Errc::disk_full;
    default:
        return Errc::transport;
    }
}

} // namespace

tl::unexpected<Error> transport_failure(int number, std::string doing) {
    FLOTILLA_CHECK(number != EFSM, "a REQ or REP socket was used out of turn");
    FLOTILLA_CHECK(number != ENOTSOCK, "a closed socket was used");
    FLOTILLA_CHECK(number != EFAULT, "libzmq was given a bad address");
    if (doing.empty())
        return fail(code_of(number));
    return fail(code_of(number), "cannot " + std::move(doing) + ": " + zmq_strerror(number));
}

} // namespace flotilla::net::detail
