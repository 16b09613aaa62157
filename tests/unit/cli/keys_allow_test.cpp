// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/access.hpp>

#include <cli/keys/allow.hpp>
#include <cli/keys/list_file.hpp>
#include <support/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace flotilla;
using namespace flotilla::cli;

namespace {

struct KeysFolder {
    KeysFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "flotilla-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        folder = name;
    }
    ~KeysFolder() { std::filesystem::remove_all(folder); }
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
    const KeysFolder scratch;
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
    const KeysFolder scratch;
    const std::string list = scratch.path("list");
    std::ofstream(list) << "# friends";
    const auto keys = net::generate_key_pair();
    CHECK(*keys::allow(list, keys->public_key.z85()) == keys::Added::yes);
    CHECK(contents(list) == "# friends\n" + keys->public_key.z85() + "\n");
}

TEST_CASE("allow: what is no key and no list is refused and left alone", "[unit][keys]") {
    const KeysFolder scratch;
    const std::string list = scratch.path("list");
    CHECK(keys::allow(list, "no-such-key").error().code == Errc::bad_key);
    CHECK_FALSE(std::filesystem::exists(list));
    const auto keys = net::generate_key_pair();
    std::ofstream(list) << "this is a letter\n";
    CHECK(keys::allow(list, keys->public_key.z85()).error().code == Errc::bad_key);
    CHECK(contents(list) == "this is a letter\n");
    CHECK(keys::allow(scratch.folder.string(), keys->public_key.z85()).error().code ==
          Errc::bad_key); // the letter
    CHECK(keys::allow(list, keys->public_key.z85(), {"@alice", {}}).error().code ==
          Errc::bad_option);
    CHECK(keys::allow(scratch.path("no/list"), keys->public_key.z85()).error().code == Errc::io);
}

TEST_CASE("allow: a key stands for whom it is said to, or for whom its certificate says",
          "[unit][keys]") {
    const KeysFolder scratch;
    const std::string list = scratch.path("list");
    const auto alice = net::generate_key_pair();
    const auto bob = net::generate_key_pair();
    REQUIRE(net::save_certificate(*alice, scratch.path("alice"), {"alice", {"ops"}}));
    CHECK(*keys::allow(list, scratch.path("alice")) == keys::Added::yes);
    CHECK(*keys::allow(list, bob->public_key.z85(), {"bob", {"night", "ops"}}) == keys::Added::yes);
    CHECK(contents(list) ==
          alice->public_key.z85() + " alice @ops\n" + bob->public_key.z85() + " bob @night @ops\n");
    CHECK(*keys::allow(list, bob->public_key.z85()) == keys::Added::was_there);
    CHECK(keys::allow(list, bob->public_key.z85(), {"bobby", {}}).error().code == Errc::exists);
}

TEST_CASE("allow: other groups of the same user take the place of those before", "[unit][keys]") {
    const KeysFolder scratch;
    const std::string list = scratch.path("list");
    const auto alice = net::generate_key_pair();
    const auto bob = net::generate_key_pair();
    REQUIRE(net::save_certificate(*bob, scratch.path("bob.cert"), {"bob", {}}));
    std::ofstream(list) << "# friends\n" << alice->public_key.z85() << " alice @ops\nbob.cert\n";
    CHECK(*keys::allow(list, alice->public_key.z85(), {"alice", {"night"}}) ==
          keys::Added::changed);
    CHECK(*keys::allow(list, bob->public_key.z85(), {"", {"ops"}}) == keys::Added::changed);
    CHECK(contents(list) == "# friends\n" + alice->public_key.z85() + " alice @night\n" +
                                bob->public_key.z85() + " bob @ops\n");
    CHECK(net::load_allow_list(list)->size() == 2);
    const KeysFolder folder;
    REQUIRE(keys::allow(folder.folder.string(), alice->public_key.z85(), {"alice", {}}));
    const auto refused =
        keys::allow(folder.folder.string(), alice->public_key.z85(), {"alice", {"ops"}});
    CHECK(refused.error().code == Errc::exists);
    CHECK(refused.error().detail.find("take its certificate out of there") != std::string::npos);
}

TEST_CASE("revoked keys keep the names of their users", "[unit][keys]") {
    const KeysFolder scratch;
    const KeysFolder folder;
    const auto alice = net::generate_key_pair();
    const auto bob = net::generate_key_pair();
    for (const std::string& list : {scratch.path("list"), folder.folder.string()}) {
        REQUIRE(keys::allow(list, alice->public_key.z85(), {"alice", {"ops"}}));
        REQUIRE(keys::allow(list, bob->public_key.z85()));
        REQUIRE(keys::revoke(list, "alice"));
        REQUIRE(keys::revoke(list, bob->public_key.z85()));
        CHECK(keys::revoked_users(list) ==
              std::map<net::CurveKey, std::string>{{alice->public_key, "alice"}});
    }
}

TEST_CASE("revoke: a list says whose key was revoked, and keeps the rest", "[unit][keys]") {
    const KeysFolder scratch;
    const std::string list = scratch.path("list");
    const auto alice = net::generate_key_pair();
    const auto bob = net::generate_key_pair();
    REQUIRE(net::save_certificate(*bob, scratch.path("bob.cert"), {"bob", {}}));
    std::ofstream(list) << "# friends\n  " << alice->public_key.z85() << " alice @ops\nbob.cert";
    CHECK(*keys::revoke(list, "alice") == std::vector{alice->public_key});
    CHECK(contents(list) == "# friends\nrevoked " + alice->public_key.z85() + " alice\nbob.cert\n");
    CHECK(keys::revoke(list, alice->public_key.z85())->empty());
    const auto again = keys::allow(list, alice->public_key.z85());
    CHECK(again.error().code == Errc::refused);
    CHECK(again.error().detail.find("take the line that begins with 'revoked " +
                                    alice->public_key.z85() + "' out of it") != std::string::npos);
    CHECK(keys::revoke(list, scratch.path("bob.cert"))->size() == 1);
    CHECK(net::load_allow_list(list)->size() == 0);
    CHECK(net::load_allow_list(list)->revoked().size() == 2);

    const auto unlisted = net::generate_key_pair();
    CHECK(keys::revoke(list, unlisted->public_key.z85())->empty());
    CHECK(net::load_allow_list(list)->is_revoked(unlisted->public_key));
    CHECK(keys::revoke(list, "carol").error().code == Errc::not_found);
    CHECK(keys::revoke(scratch.path("none"), "alice").error().code == Errc::not_found);
    // Nothing is left beside it.
    CHECK(std::distance(std::filesystem::directory_iterator(scratch.folder), {}) == 3);
}

TEST_CASE("revoke: a folder keeps the certificate under another name", "[unit][keys]") {
    const KeysFolder scratch;
    const std::string folder = scratch.folder.string();
    const auto alice = net::generate_key_pair();
    const auto second = net::generate_key_pair();
    CHECK(*keys::allow(folder, alice->public_key.z85(), {"alice", {}}) == keys::Added::yes);
    CHECK(*keys::allow(folder, second->public_key.z85(), {"alice", {}}) == keys::Added::yes);
    CHECK(std::filesystem::exists(scratch.path("alice")));
    CHECK(std::filesystem::exists(scratch.path("alice-2")));
    CHECK(keys::revoke(folder, "alice")->size() == 2); // all of hers
    CHECK(std::filesystem::exists(scratch.path("alice.revoked")));
    const auto list = net::load_allow_list(folder);
    REQUIRE(list);
    CHECK(list->size() == 0);
    CHECK(list->is_revoked(alice->public_key));
}

TEST_CASE("revoke: a folder keeps those that were revoked before", "[unit][keys]") {
    const KeysFolder scratch;
    const std::string folder = scratch.folder.string();
    std::vector<net::CurveKey> all;
    for (int i = 0; i < 2; ++i) { // one after the other has the name
        all.push_back(net::generate_key_pair()->public_key);
        REQUIRE(keys::allow(folder, all.back().z85(), {"alice", {}}));
        REQUIRE(keys::revoke(folder, "alice"));
    }
    for (int i = 0; i < 2; ++i) { // never listed
        all.push_back(net::generate_key_pair()->public_key);
        REQUIRE(keys::revoke(folder, all.back().z85()));
    }
    const auto list = net::load_allow_list(folder);
    REQUIRE(list);
    for (const net::CurveKey& key : all)
        CHECK(list->is_revoked(key));
}

TEST_CASE("revoke: of changes made at the same time none is lost", "[unit][keys]") {
    const KeysFolder scratch;
    const std::string list = scratch.path("list");
    constexpr std::size_t sides = 4;
    constexpr std::size_t keys_each = 5;
    std::vector<net::CurveKey> all;
    for (std::size_t i = 0; i < sides * keys_each; ++i) {
        all.push_back(net::generate_key_pair()->public_key);
        REQUIRE(keys::allow(list, all.back().z85()));
    }
    std::vector<std::thread> threads;
    for (std::size_t side = 0; side < sides; ++side)
        threads.emplace_back([&, side] {
            for (std::size_t i = 0; i < keys_each; ++i)
                (void)keys::revoke(list, all[side * keys_each + i].z85());
        });
    for (std::thread& each : threads)
        each.join();
    const auto known = net::load_allow_list(list);
    REQUIRE(known);
    CHECK(known->size() == 0);
    CHECK(known->revoked().size() == all.size());
}
