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

namespace {

// "-" before the endpoint of one that is gone, "+" before one that is back.
std::vector<std::string> look(SocketFiles& files, Instant now) {
    std::vector<std::string> all;
    for (const SocketFiles::Change& each : files.look(now))
        all.push_back((each.is_gone ? "-" : "+") + each.endpoint);
    return all;
}

} // namespace

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
    CHECK(look(files, now).empty());

    std::filesystem::remove(folder.file("first"));
    CHECK(files.gone() == std::vector<std::string>{first.text()});
    CHECK(look(files, now).empty()); // not yet
    now += SocketFiles::look_every;
    CHECK(look(files, now) == std::vector<std::string>{"-" + first.text()});
    now += SocketFiles::look_every;
    CHECK(look(files, now).empty());

    std::ofstream(folder.file("other"));
    std::filesystem::rename(folder.file("other"), folder.file("second"));
    now += SocketFiles::look_every;
    CHECK(look(files, now) == std::vector<std::string>{"-" + second.text()});
    CHECK(files.gone() == std::vector<std::string>{first.text(), second.text()});
}

TEST_CASE("socket files: one that was moved away and is back is said to be", "[unit][host]") {
    const test::ScratchFolder folder;
    std::ofstream(folder.file("a"));
    const std::vector<net::Endpoint> bound{folder.ipc("a")};
    SocketFiles files(bound);
    Instant now{};
    std::filesystem::rename(folder.file("a"), folder.file("b"));
    CHECK(look(files, now) == std::vector<std::string>{"-" + bound[0].text()});
    std::filesystem::rename(folder.file("b"), folder.file("a"));
    now += SocketFiles::look_every;
    CHECK(look(files, now) == std::vector<std::string>{"+" + bound[0].text()});
    CHECK(files.gone().empty());
}
