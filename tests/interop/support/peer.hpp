// SPDX-License-Identifier: Apache-2.0
//
// Peer: one conversation with a foreign ZeroMQ library, held by a program of tests/interop/peers.
//
//     Peer puller = Peer::start(Language::java, "pull bind tcp://127.0.0.1:* --receive 24");
//     ... connect to puller.endpoint() and send ...
//     CHECK(puller.finish().received == tally_of(24));
//
// The programs stay alive between conversations, because a JVM takes its time to start. A library
// that is not on this machine fails the test, with the name of the package to install. One thread.
#pragma once

#include <flotilla/net/endpoint.hpp>

#include <interop/support/corpus.hpp>
#include <support/process.hpp>

#include <array>
#include <memory>
#include <optional>
#include <string>

namespace flotilla::interop {

enum class Language { python, javascript, java };
inline constexpr std::array<Language, 3> languages{Language::python, Language::javascript,
                                                   Language::java};
const char* name(Language language); // "pyzmq"

struct PeerProgram; // one running program of tests/interop/peers

class Peer {
public:
    // Fails the test unless the peer says that it is ready.
    static Peer start(Language language, const std::string& words);
    Peer(Peer&&) noexcept;
    Peer& operator=(Peer&&) noexcept;
    ~Peer(); // a program whose conversation did not finish is killed

    // Where it listens; for conversations that bind.
    const net::Endpoint& endpoint() const { return *endpoint_; }
    // What it said of itself when it started: "pyzmq 24.0.1, libzmq 4.3.4".
    const std::string& version() const { return version_; }

    // A pub: enough probes have been sent.
    void go();
    // A sub: waits that long for it to have seen a probe.
    bool probed(test::Process::Wait wait);
    // The next line that starts with `word`, without it; fails the test when none comes.
    std::string said(const std::string& word);

    struct Outcome {
        Tally sent{};
        Tally received{};
    };
    Outcome finish();

private:
    Peer(Language language, std::unique_ptr<PeerProgram> program);
    Tally tally(const std::string& word);
    [[noreturn]] void fail(const std::string& what);

    Language language_;
    std::string words_{};
    std::string version_{};
    std::unique_ptr<PeerProgram> program_; // none: the conversation is over
    std::optional<net::Endpoint> endpoint_{};
};

} // namespace flotilla::interop
