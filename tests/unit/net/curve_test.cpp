// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/access.hpp>
#include <flotilla/net/curve.hpp>
#include <flotilla/net/zap.hpp>

#include <support/catch.hpp>
#include <support/scratch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

using namespace flotilla;
using namespace flotilla::net;

namespace {

void write_file(const std::string& path, const std::string& text, mode_t mode = 0644) {
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
}

} // namespace

TEST_CASE("curve: only 40 characters of Z85 are a key", "[unit][net]") {
    const auto pair = generate_key_pair();
    REQUIRE(pair);
    CHECK(CurveKey::parse(pair->public_key.z85()).value() == pair->public_key);
    CHECK(public_key_of(pair->secret_key).value() == pair->public_key);
    for (const std::string& text :
         {std::string{}, std::string(39, '0'), std::string(41, '0'), std::string(40, ' '),
          std::string(40, '"'), std::string(40, '#'), std::string(40, '\xff')}) {
        const auto key = CurveKey::parse(text);
        REQUIRE_FALSE(key);
        CHECK(key.error().code == Errc::bad_key);
    }
    CHECK_FALSE(CurveKey::from_bytes(std::string(31, 'x')));
}

TEST_CASE("curve: certificates are written for their owner alone and read back", "[unit][net]") {
    const test::ScratchFolder folder;
    const auto pair = generate_key_pair();
    REQUIRE(save_certificate(*pair, folder.file("alice")));
    struct stat status {};
    REQUIRE(::stat(folder.file("alice_secret").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    CHECK(load_public_key(folder.file("alice")).value() == pair->public_key);
    const auto loaded = load_key_pair(folder.file("alice_secret"));
    REQUIRE(loaded);
    CHECK(loaded->secret_key == pair->secret_key);
    // Nothing is overwritten, and a half-made pair is not left behind.
    CHECK(save_certificate(*pair, folder.file("alice")).error().code == Errc::exists);
    write_file(folder.file("bob"), "in the way");
    CHECK(save_certificate(*pair, folder.file("bob")).error().code == Errc::exists);
    CHECK(::stat(folder.file("bob_secret").c_str(), &status) != 0);
}

TEST_CASE("curve: a secret file that others may read is refused with the cure", "[unit][net]") {
    const test::ScratchFolder folder;
    const auto pair = generate_key_pair();
    REQUIRE(save_certificate(*pair, folder.file("k")));
    ::chmod(folder.file("k_secret").c_str(), 0640);
    const auto loaded = load_key_pair(folder.file("k_secret"));
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code == Errc::unsafe_file);
    CHECK(loaded.error().detail.find("chmod 600") != std::string::npos);
}

TEST_CASE("curve: a public certificate in the place of the secret one is told which to take",
          "[unit][net]") {
    const test::ScratchFolder folder;
    REQUIRE(save_certificate(*generate_key_pair(), folder.file("k")));
    const auto open = load_key_pair(folder.file("k")); // mode 0644, as it should be
    REQUIRE_FALSE(open);
    CHECK(open.error().code == Errc::bad_key);
    CHECK(open.error().detail.find("has only the public key") != std::string::npos);
    CHECK(open.error().detail.find("take " + folder.file("k_secret")) != std::string::npos);
    CHECK(open.error().detail.find("chmod") == std::string::npos);
    ::unlink(folder.file("k_secret").c_str());
    CHECK(load_key_pair(folder.file("k")).error().detail.find("ends in _secret") !=
          std::string::npos);
}

TEST_CASE("curve: damaged certificates say which line or half is wrong", "[unit][net]") {
    const test::ScratchFolder folder;
    const auto a = generate_key_pair();
    const auto b = generate_key_pair();
    CHECK(load_public_key(folder.file("none")).error().code == Errc::not_found);
    write_file(folder.file("empty"), "");
    CHECK(load_public_key(folder.file("empty")).error().code == Errc::bad_key);
    write_file(folder.file("bad"), "metadata\ncurve\n    public-key = \"short\"\n");
    CHECK(load_public_key(folder.file("bad")).error().detail.find("bad:3: public-key") !=
          std::string::npos);
    write_file(folder.file("public"), "curve\n    public-key = \"" + a->public_key.z85() + "\"\n",
               0600);
    CHECK(load_key_pair(folder.file("public")).error().code == Errc::bad_key);
    write_file(folder.file("mixed"),
               "curve\n public-key = '" + a->public_key.z85() + "'\n secret-key = '" +
                   b->secret_key.z85() + "'\n",
               0600);
    CHECK(load_key_pair(folder.file("mixed")).error().detail.find("not a pair") !=
          std::string::npos);
}

TEST_CASE("access: a listed key is let in under its own name, others are told why", "[unit][net]") {
    const auto a = generate_key_pair();
    const auto b = generate_key_pair();
    AllowList list;
    REQUIRE(list.add(a->public_key));
    const auto ask = [&](std::string_view mechanism, const std::string& key) {
        return decide(AccessPolicy(list), {"d", "127.0.0.1", mechanism, key});
    };
    // The wire carries 32 bytes; find them through an encode of known bytes.
    const std::string raw(32, '\x01');
    const auto known = CurveKey::from_bytes(raw);
    REQUIRE(known);
    CHECK(ask("CURVE", raw).status == 400);
    REQUIRE(list.add(*known));
    CHECK(ask("CURVE", raw).status == 200);
    CHECK(ask("CURVE", raw).user_id == known->z85());
    CHECK(ask("NULL", {}).status == 400);
    CHECK(ask("CURVE", "short").status == 400);
    CHECK_FALSE(list.contains(b->public_key));
}

TEST_CASE("access: lists are read from files and folders", "[unit][net]") {
    const test::ScratchFolder folder;
    const auto a = generate_key_pair();
    const auto b = generate_key_pair();
    REQUIRE(save_certificate(*b, folder.file("b")));
    write_file(folder.file("list"), "# who may connect\n\n" + a->public_key.z85() + "\n  b\n#\n");
    const auto list = load_allow_list(folder.file("list"));
    REQUIRE(list);
    CHECK(list->size() == 2);
    CHECK(list->contains(b->public_key));
    write_file(folder.file("wrong"), "# ok\nnot-a-key\n");
    const auto wrong = load_allow_list(folder.file("wrong"));
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().detail.find("wrong:2:") != std::string::npos);
    const test::ScratchFolder keys;
    REQUIRE(save_certificate(*a, keys.file("a")));
    REQUIRE(save_certificate(*b, keys.file("b")));
    CHECK(load_allow_list(keys.path().string())->size() == 2);
    CHECK(load_allow_list(folder.file("none")).error().code == Errc::not_found);
}

TEST_CASE("zap: answers by domain and refuses what it cannot read", "[unit][net]") {
    const std::string raw(32, '\x02');
    AllowList list;
    REQUIRE(list.add(*CurveKey::from_bytes(raw)));
    const AccessPolicy policy = list;
    const auto decided = [&](const AccessRequest& asked) {
        return asked.domain == "d" ? decide(policy, asked) : AccessDecision{500, "unknown", {}};
    };
    const auto status = [&](const wire::Frames& request) {
        return std::string{(*answer_access_request(request, decided))[2].view()};
    };
    const wire::Frames good{"1.0", "7", "d", "127.0.0.1", "", "CURVE", raw};
    const auto answer = answer_access_request(good, decided);
    REQUIRE(answer->size() == 6);
    CHECK((*answer)[0] == ByteView{"1.0"});
    CHECK((*answer)[1] == ByteView{"7"});
    CHECK((*answer)[2] == ByteView{"200"});
    CHECK((*answer)[4] == ByteView{CurveKey::from_bytes(raw)->z85()});
    CHECK(status({"1.0", "7", "e", "", "", "CURVE", raw}) == "500");
    CHECK(status({"2.0", "7", "d", "", "", "CURVE", raw}) == "500");
    CHECK(status({"1.0", "7", "d"}) == "500");
    CHECK(status({"1.0", "7", "d", "", "", "CURVE"}) == "400");
    CHECK(status({"1.0", "7", "d", "", "", "PLAIN", "u", "p"}) == "400");
    CHECK(answer_access_request({"1.0"}, decided).error().code == Errc::malformed);
}
