// SPDX-License-Identifier: Apache-2.0
//
// A daemon's settings with their files, for an AccessKeeper, and a log to look into.
#pragma once

#include <fcntl.h>
#include <host/access_keeper.hpp>
#include <support/catch.hpp>
#include <support/scratch.hpp>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>

namespace flotilla::host {

inline void write(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::trunc) << text;
}

struct Keeping {
    Keeping() {
        REQUIRE(net::save_certificate(server, folder.file("server")));
        write(folder.file("list"), alice.public_key.z85() + " alice @billing\n");
        settings.curve_key = folder.file("server_secret");
        settings.allow_client_keys = folder.file("list");
    }
    ~Keeping() { ::close(descriptor); }
    std::string logged() const {
        std::ifstream file(folder.file("log"));
        return {std::istreambuf_iterator<char>(file), {}};
    }
    std::size_t lines(const std::string& event) const {
        std::size_t found = 0;
        const std::string text = logged();
        for (std::size_t at = text.find(event); at != std::string::npos;
             at = text.find(event, at + 1))
            ++found;
        return found;
    }

    // A look when it is time for one; and another, when what changed has rested.
    bool look(AccessKeeper& keeper) {
        now += AccessKeeper::look_every;
        return keeper.look(now, log);
    }
    bool look_twice(AccessKeeper& keeper) {
        const bool first = look(keeper);
        now += AccessKeeper::look_again;
        return keeper.look(now, log) || first;
    }

    // Puts bob on the list, whose key is known by its bytes.
    void list_bob() {
        write(folder.file("list"), net::CurveKey::from_bytes(bob)->z85() + " bob\n");
    }

    test::ScratchFolder folder{};
    int descriptor = ::open(folder.file("log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    Log log{LogLevel::debug, LogFormat::text, descriptor};
    net::CurveKeyPair server = *net::generate_key_pair();
    net::CurveKeyPair alice = *net::generate_key_pair();
    std::string bob = std::string(32, 'b');
    CommonSettings settings{};
    Instant now{1h};
};

} // namespace flotilla::host
