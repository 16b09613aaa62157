// SPDX-License-Identifier: Apache-2.0
#include <flotilla/request/message.hpp>

#include <array>
#include <utility>

namespace flotilla::request {
namespace {

constexpr std::array<std::pair<Dialect, std::string_view>, 3> dialects{{
    {Dialect::mdp_01, "mdp-0.1"},
    {Dialect::mdp_02, "mdp-0.2"},
    {Dialect::flotilla, "flotilla"},
}};

constexpr std::array<std::pair<ErrorCode, std::string_view>, 13> codes{{
    {ErrorCode::expired, "expired"},
    {ErrorCode::queue_full, "queue_full"},
    {ErrorCode::worker_gone, "worker_gone"},
    {ErrorCode::worker_failed, "worker_failed"},
    {ErrorCode::retry, "retry"},
    {ErrorCode::cancelled, "cancelled"},
    {ErrorCode::draining, "draining"},
    {ErrorCode::too_large, "too_large"},
    {ErrorCode::malformed, "malformed"},
    {ErrorCode::unsupported, "unsupported"},
    {ErrorCode::not_allowed, "not_allowed"},
    {ErrorCode::wrong_peer, "wrong_peer"},
    {ErrorCode::unknown, "unknown"},
}};

} // namespace

std::string_view name(Dialect dialect) noexcept {
    for (const auto& [each, text] : dialects)
        if (each == dialect)
            return text;
    return {};
}

std::optional<Dialect> dialect_named(std::string_view name) noexcept {
    for (const auto& [each, text] : dialects)
        if (text == name)
            return each;
    return std::nullopt;
}

std::string_view name(Verb verb) noexcept {
    switch (verb) {
    case Verb::request:
        return "request";
    case Verb::partial:
        return "partial";
    case Verb::final:
        return "final";
    case Verb::error:
        return "error";
    case Verb::cancel:
        return "cancel";
    case Verb::ready:
        return "ready";
    case Verb::draining:
        return "draining";
    case Verb::heartbeat:
        return "heartbeat";
    case Verb::disconnect:
        return "disconnect";
    case Verb::ping:
        return "ping";
    case Verb::pong:
        return "pong";
    }
    return {};
}

std::string_view name(ErrorCode code) noexcept {
    for (const auto& [each, text] : codes)
        if (each == code)
            return text;
    return {};
}

ErrorCode error_code_named(std::string_view name) noexcept {
    for (const auto& [each, text] : codes)
        if (text == name)
            return each;
    return ErrorCode::unknown;
}

} // namespace flotilla::request
