// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/exit_code.hpp>

#include <support/catch.hpp>

using namespace flotilla;

TEST_CASE("every error has its exit code") {
    using Codes = std::vector<Errc>;
    for (const Errc code : Codes{Errc::would_block, Errc::timeout, Errc::no_peer})
        CHECK(exit_code(code) == ExitCode::nothing);
    for (const Errc code :
         Codes{Errc::bad_endpoint, Errc::bad_option, Errc::bad_setting, Errc::bad_key,
               Errc::insecure, Errc::unsafe_file, Errc::unsupported})
        CHECK(exit_code(code) == ExitCode::usage);
    for (const Errc code : Codes{Errc::refused, Errc::lease_lost})
        CHECK(exit_code(code) == ExitCode::refused);
    for (const Errc code : Codes{Errc::address_in_use, Errc::not_found, Errc::io, Errc::malformed,
                                 Errc::too_large, Errc::disk_full, Errc::peer_gone})
        CHECK(exit_code(code) == ExitCode::runtime_error);
}

TEST_CASE("exit codes are the documented numbers") {
    CHECK(static_cast<int>(ExitCode::ok) == 0);
    CHECK(static_cast<int>(ExitCode::runtime_error) == 1);
    CHECK(static_cast<int>(ExitCode::usage) == 2);
    CHECK(static_cast<int>(ExitCode::nothing) == 3);
    CHECK(static_cast<int>(ExitCode::refused) == 4);
    CHECK(static_cast<int>(ExitCode::not_flushed) == 5);
}
