// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/refused_entry.hpp>

#include <string_view>
#include <utility>

namespace flotilla::net {
namespace {

// No name of a user, of a domain or of an operation has one; an object, the last, may.
constexpr char separator = '\n';

std::string_view first_of(std::string_view& rest) {
    const std::string_view first = rest.substr(0, rest.find(separator));
    rest.remove_prefix(first.size() < rest.size() ? first.size() + 1 : rest.size());
    return first;
}

} // namespace

std::string text_of(const RefusedEntry& entry) {
    return entry.user + separator + entry.listener + separator +
           std::string(name(entry.operation)) + separator + entry.object;
}

std::optional<RefusedEntry> refused_entry(const FailedHandshake& failure) {
    if (failure.reason != HandshakeFailure::not_allowed)
        return std::nullopt;
    std::string_view rest = failure.who;
    RefusedEntry entry;
    entry.user = first_of(rest);
    entry.listener = first_of(rest);
    const auto operation = operation_named(first_of(rest));
    if (!operation)
        return std::nullopt;
    entry.operation = *operation;
    entry.object = rest;
    return entry;
}

} // namespace flotilla::net
