// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/access.hpp>

#include <cli/keys/allow.hpp>
#include <support/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>

using namespace flotilla;
using namespace flotilla::cli;

namespace {

struct Scratch {
    Scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "flotilla-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        folder = name;
    }
    ~Scratch() { std::filesystem::remove_all(folder); }
    std::string path(const char* name) const { return (folder / name).string(); }
    std::filesystem::path folder;
};

std::string contents(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

} // namespace

TEST_CASE("allow: a list is made, grows a line a key, and knows what it has", "[unit][keys]") {
    const Scratch scratch;
    const auto keys = net::generate_key_pair();
    REQUIRE(keys);
    REQUIRE(net::save_certificate(*keys, scratch.path("client")));
    const auto other = net::generate_key_pair();
    const std::string list = scratch.path("list");
    CHECK(*keys::allow(list, scratch.path("client")) == keys::Added::yes);
    CHECK(*keys::allow(list, keys->public_key.z85()) == keys::Added::was_there);
    CHECK(*keys::allow(list, other->public_key.z85()) == keys::Added::yes);
    CHECK(contents(list) == keys->public_key.z85() + "\n" + other->public_key.z85() + "\n");
    CHECK(net::load_allow_list(list)->size() == 2);
}

TEST_CASE("allow: a list written by hand without its last line end stays readable",
          "[unit][keys]") {
    const Scratch scratch;
    const std::string list = scratch.path("list");
    std::ofstream(list) << "# friends";
    const auto keys = net::generate_key_pair();
    CHECK(*keys::allow(list, keys->public_key.z85()) == keys::Added::yes);
    CHECK(contents(list) == "# friends\n" + keys->public_key.z85() + "\n");
}

TEST_CASE("allow: what is no key, no list or a directory is refused and left alone",
          "[unit][keys]") {
    const Scratch scratch;
    const std::string list = scratch.path("list");
    CHECK(keys::allow(list, "no-such-key").error().code == Errc::bad_key);
    CHECK_FALSE(std::filesystem::exists(list));
    const auto keys = net::generate_key_pair();
    std::ofstream(list) << "this is a letter\n";
    CHECK(keys::allow(list, keys->public_key.z85()).error().code == Errc::bad_key);
    CHECK(contents(list) == "this is a letter\n");
    CHECK(keys::allow(scratch.folder.string(), keys->public_key.z85()).error().code ==
          Errc::bad_option);
    CHECK(keys::allow(scratch.path("no/list"), keys->public_key.z85()).error().code == Errc::io);
}
