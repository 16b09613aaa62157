// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/error.hpp>

namespace flotilla {

std::string_view name(Errc code) noexcept {
    switch (code) {
    case Errc::would_block:
        return "would_block";
    case Errc::timeout:
        return "timeout";
    case Errc::stopped:
        return "stopped";
    case Errc::peer_gone:
        return "peer_gone";
    case Errc::no_peer:
        return "no_peer";
    case Errc::refused:
        return "refused";
    case Errc::too_large:
        return "too_large";
    case Errc::too_many:
        return "too_many";
    case Errc::malformed:
        return "malformed";
    case Errc::bad_endpoint:
        return "bad_endpoint";
    case Errc::bad_option:
        return "bad_option";
    case Errc::bad_setting:
        return "bad_setting";
    case Errc::bad_key:
        return "bad_key";
    case Errc::insecure:
        return "insecure";
    case Errc::unsafe_file:
        return "unsafe_file";
    case Errc::unsupported:
        return "unsupported";
    case Errc::address_in_use:
        return "address_in_use";
    case Errc::address_unavailable:
        return "address_unavailable";
    case Errc::not_found:
        return "not_found";
    case Errc::exists:
        return "exists";
    case Errc::lease_lost:
        return "lease_lost";
    case Errc::not_allowed:
        return "not_allowed";
    case Errc::io:
        return "io";
    case Errc::disk_full:
        return "disk_full";
    case Errc::out_of_files:
        return "out_of_files";
    case Errc::damaged:
        return "damaged";
    case Errc::transport:
        return "transport";
    }
    return "unknown";
}

std::string to_string(const Error& error) {
    std::string text{name(error.code)};
    if (!error.detail.empty()) {
        text += ": ";
        text += error.detail;
    }
    return text;
}

} // namespace flotilla
