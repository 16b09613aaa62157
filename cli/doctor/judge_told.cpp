// SPDX-License-Identifier: Apache-2.0
#include <cli/doctor/judge_told.hpp>

#include <array>

namespace flotilla::cli::doctor {

namespace {

// Which counter of the daemon says what; the first that grew while we were there.
struct Refusal {
    const char* counter;
    Finding finding;
    const char* summary;
    const char* next;
};
constexpr std::array refusals{
    Refusal{"refused_revoked_key", Finding::key_revoked,
            "our key was revoked: the daemon knew it and took it off its list",
            "ask for a new key (zmq keys new, zmq keys allow), or have this one allowed again"},
    Refusal{"refused_penalty", Finding::address_waits,
            "the daemon makes this address wait, after failed handshakes from it",
            "mend what fails there first, then wait as long as its address_penalty says"},
    Refusal{"refused_address", Finding::address_denied, "the daemon's rules deny this address",
            "see the [[address]] rules of its access file, or come from another address"},
    Refusal{"refused_unknown_key", Finding::key_not_allowed, "the daemon does not know our key",
            "add our public key to its allow-list (zmq keys allow)"},
    Refusal{"refused_not_allowed", Finding::key_not_allowed,
            "the daemon knows our key, but no rule lets it use this endpoint",
            "ask for a [[rule]] in its access file that allows it"},
    Refusal{"refused_plaintext", Finding::plaintext_refused,
            "the daemon refuses plaintext from this address",
            "come with its public key: --server-key KEY|FILE"},
    Refusal{"refused_connections", Finding::too_many_connections,
            "the daemon has as many connections as it may have",
            "end some, or raise connections_max"},
    Refusal{"refused_address_connections", Finding::too_many_connections,
            "the daemon has as many connections of this address as it may have",
            "end some, or raise address_connections_max"},
    Refusal{"refused_out_of_files", Finding::too_many_connections,
            "the daemon has few descriptors left", "raise its limit of open files (LimitNOFILE=)"},
    Refusal{"refused_timeout", Finding::handshake_stalls,
            "the daemon gave up on our handshake, which took too long",
            "the network is slow, or the daemon is too busy to shake hands: see its CPU and its "
            "connections"}};

} // namespace

std::optional<Verdict> judge_told(const Told& told) {
    for (const Refusal& each : refusals)
        if (told.counted(each.counter))
            return Verdict{each.finding, each.summary, each.next, {}};
    return std::nullopt;
}

} // namespace flotilla::cli::doctor
