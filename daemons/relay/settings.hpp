// SPDX-License-Identifier: Apache-2.0
//
// The settings of flotilla-relay: what a file or the flags said about each relay, one laid over the
// other, and made into relay options. Reads no file but the keys that the settings name.
#pragma once

#include "host/common_settings.hpp"

#include <flotilla/base/result.hpp>
#include <flotilla/base/settings.hpp>
#include <flotilla/relay/plan.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::relay_daemon {

inline constexpr const char* program_name = "flotilla-relay";

// One relay as it was given; what is absent takes the default of RelayOptions.
struct RelaySettings {
    std::string where{}; // FILE:LINE:COLUMN of its table; empty: not from a file
    std::optional<relay::Kind> kind{};
    std::optional<std::string> name{};
    std::optional<std::vector<net::Attachment>> frontend{};
    std::optional<std::vector<net::Attachment>> backend{};
    std::optional<std::vector<net::Attachment>> capture{};

    std::optional<relay::Overflow> overflow{};
    std::optional<bool> last_value{};
    std::optional<std::uint64_t> last_value_topics{};
    std::optional<std::uint64_t> last_value_bytes{};

    std::optional<std::uint64_t> hwm{};
    std::optional<std::uint64_t> capture_hwm{};
    std::optional<std::uint64_t> frame_bytes_max{};
    std::optional<std::uint64_t> message_bytes_max{};
    std::optional<std::uint64_t> frames_max{};
    std::optional<std::uint64_t> subscriptions_bytes_max{};

    // Instead of what CommonSettings say for all relays.
    std::optional<std::string> curve_key{};         // path of our secret certificate
    std::optional<std::string> allow_client_keys{}; // path of an allow-list
    std::optional<bool> allow_any_client_key{};
    // Keys or certificate files: one for every connecting side, or frontend's and backend's.
    std::optional<std::vector<std::string>> server_key{};
    std::optional<std::vector<std::string>> curve_sides{}; // absent: all
    std::optional<bool> allow_plaintext{};

    // Whether anything at all was given.
    bool empty() const;
    // last_value_topics, or its default: 100,000, and no more than hwm.
    std::uint64_t topics_max() const;
};

struct DaemonSettings : host::CommonSettings {
    std::vector<RelaySettings> relays{};
};

inline constexpr std::size_t relays_max = 64;

// "tcp://..." texts as attachments; a relay binds unless a mark says otherwise.
// Errors: bad_endpoint.
Result<std::vector<net::Attachment>> parse_attachments(const std::vector<std::string>& texts);

// A settings file. Relative paths in it are taken from the folder of `file`.
// Errors: bad_setting, a line an error, each with FILE:LINE:COLUMN.
Result<DaemonSettings> parse_settings(std::string_view text, const std::string& file);

// With every default of CommonSettings filled in, and what they say for all relays in each relay
// that says nothing else.
DaemonSettings in_effect(DaemonSettings settings);

// Flags over file; what a table says of itself wins over what is said for all relays. Flags about a
// relay need a file with at most one relay to lie over. Errors: bad_option.
Result<DaemonSettings> lay_over(DaemonSettings flags, DaemonSettings file);

// What the relays run with; reads keys. Errors: bad_option (nothing to relay, a missing endpoint, a
// name used twice, keys that do not belong together), insecure, and those of net/curve.
Result<std::vector<relay::RelayOptions>> make_options(const DaemonSettings& settings);
Result<relay::RelayOptions> make_options(const RelaySettings& settings);

// What differs in the [[relay]] tables, by name: "prices.hwm"; "prices" where one of them has no
// such relay.
std::vector<std::string> differing_relay_settings(const DaemonSettings& a, const DaemonSettings& b);
// The settings in effect as a file that parse_settings reads, defaults written out.
std::string format_settings(const DaemonSettings& settings);

} // namespace flotilla::relay_daemon
