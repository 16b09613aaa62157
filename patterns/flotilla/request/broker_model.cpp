// SPDX-License-Identifier: Apache-2.0
#include <flotilla/request/broker_model.hpp>

namespace flotilla::request {

std::string_view name(BrokerNotice::Kind kind) noexcept {
    using Kind = BrokerNotice::Kind;
    switch (kind) {
    case Kind::worker_registered:
        return "worker_registered";
    case Kind::worker_gone:
        return "worker_gone";
    case Kind::worker_expired:
        return "worker_expired";
    case Kind::worker_refused:
        return "worker_refused";
    case Kind::worker_revoked:
        return "worker_revoked";
    case Kind::request_refused:
        return "request_refused";
    case Kind::peer_too_slow:
        return "peer_too_slow";
    case Kind::malformed:
        return "malformed";
    case Kind::unexpected:
        return "unexpected";
    }
    return {};
}

} // namespace flotilla::request
