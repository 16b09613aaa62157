// SPDX-License-Identifier: Apache-2.0
#include <host/socket_files.hpp>
#include <support/catch.hpp>
#include <support/scratch.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::host;

using Texts = std::vector<std::string>;

TEST_CASE("socket files: one that is deleted or replaced is gone, and said once", "[unit][host]") {
    const test::ScratchFolder folder;
    const net::Endpoint first = folder.ipc("first");
    const net::Endpoint second = folder.ipc("second");
    std::ofstream(folder.file("first"));
    std::ofstream(folder.file("second"));
    const std::vector<net::Endpoint> bound{first, second, test::any_tcp(), folder.ipc("free")};
    SocketFiles files(bound);
    Instant now{};
    CHECK(files.gone().empty());
    CHECK(files.look(now).empty());

    std::filesystem::remove(folder.file("first"));
    CHECK(files.gone() == Texts{first.text()});
    CHECK(files.look(now).empty()); // not yet
    now += SocketFiles::look_every;
    CHECK(files.look(now) == Texts{first.text()});
    now += SocketFiles::look_every;
    CHECK(files.look(now).empty());

    std::ofstream(folder.file("other"));
    std::filesystem::rename(folder.file("other"), folder.file("second"));
    now += SocketFiles::look_every;
    CHECK(files.look(now) == Texts{second.text()});
    CHECK(files.gone() == Texts{first.text(), second.text()});
}
