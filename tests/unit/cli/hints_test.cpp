// SPDX-License-Identifier: Apache-2.0
#include <cli/hints.hpp>
#include <support/catch.hpp>

using namespace flotilla;
using namespace flotilla::cli;
using Kind = net::ConnectionEvent::Kind;

namespace {

constexpr const char* there = "tcp://127.0.0.1:5555";

void refuse(ConnectionHint& hint, const std::string& endpoint = there) {
    for (const Kind kind : {Kind::connect_delayed, Kind::closed, Kind::connect_retried})
        hint.hear({kind, 0, endpoint});
}

} // namespace

TEST_CASE("hints: a word is quoted when a shell would read it otherwise", "[unit][cli]") {
    CHECK(shell_word("tcp://127.0.0.1:5555") == "tcp://127.0.0.1:5555");
    CHECK(shell_word("lease=1m") == "lease=1m");
    CHECK(shell_word("a b") == "'a b'");
    CHECK(shell_word("$HOME") == "'$HOME'");
    CHECK(shell_word("it's") == "'it'\\''s'");
    CHECK(shell_word("a\nb") == "'a\nb'");
    CHECK(shell_word("*") == "'*'");
    CHECK(shell_word("") == "''");
    CHECK(shell_line({"zmq", "call", "a b"}) == "zmq call 'a b'");
}

TEST_CASE("hints: what was given stands in the command that is proposed", "[unit][cli]") {
    SecurityFlags flags;
    CHECK(doctor_line(there, flags) == "zmq doctor tcp://127.0.0.1:5555");
    flags.server_key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
    flags.curve_key = "my keys/alice_secret";
    flags.allow_plaintext = true;
    CHECK(doctor_line(there, flags) ==
          "zmq doctor tcp://127.0.0.1:5555 --server-key "
          "'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7' --curve-key 'my keys/alice_secret'");
    CHECK(security_words(flags).back() == "--allow-plaintext");
}

TEST_CASE("hints: a refused connection is told from one that ended", "[unit][cli]") {
    ConnectionHint hint;
    CHECK(hint.text().empty());
    CHECK_FALSE(hint.nobody_listens(1));
    refuse(hint);
    CHECK(hint.sentence() == "tcp://127.0.0.1:5555: nobody listens there");
    CHECK(hint.nobody_listens(1));
    CHECK_FALSE(hint.nobody_listens(2)); // of the other one nothing was heard
    refuse(hint, "ipc:///tmp/x");
    CHECK(hint.nobody_listens(2));

    hint.hear({Kind::connected, 7, there});
    CHECK_FALSE(hint.nobody_listens(2));
    hint.hear({Kind::handshake_succeeded, 7, there});
    CHECK(hint.text().empty());
    CHECK(hint.is_connected());
    hint.hear({Kind::disconnected, 7, there});
    hint.hear({Kind::connect_retried, 100, there}); // the next try is announced so, too
    CHECK(hint.text().empty());
    refuse(hint);
    CHECK(hint.nobody_listens(2));
}

TEST_CASE("hints: what broke a handshake is not taken for nobody", "[unit][cli]") {
    for (const auto& [kind, says] :
         {std::pair{Kind::handshake_failed_auth, "it refused our key"},
          std::pair{Kind::handshake_failed_protocol, "it broke off the handshake"},
          std::pair{Kind::handshake_failed_no_detail, "it broke off the handshake"}}) {
        ConnectionHint hint;
        hint.hear({Kind::connected, 7, there});
        hint.hear({kind, 0, there});
        hint.hear({Kind::disconnected, 7, there});
        hint.hear({Kind::connect_retried, 100, there});
        CHECK(hint.text().find(says) == 0);
        CHECK_FALSE(hint.nobody_listens(1));
    }
    ConnectionHint hint; // all that libzmq says of a socket of another type
    hint.hear({Kind::connected, 7, there});
    hint.hear({Kind::disconnected, 7, there});
    CHECK(hint.text().find("it hung up during the handshake") == 0);
}

TEST_CASE("hints: a reason takes the place of what says less of the same", "[unit][cli]") {
    ConnectionHint hint;
    CHECK(with_reason("no answer", hint) == "no answer");
    refuse(hint);
    CHECK(with_reason("no answer", hint) ==
          "no answer: tcp://127.0.0.1:5555: nobody listens there");
    CHECK(with_reason("no answer: tcp://127.0.0.1:5555: nobody listens there", hint) ==
          "no answer: tcp://127.0.0.1:5555: nobody listens there");
    hint.hear({Kind::handshake_failed_protocol, 0, there});
    const std::string said =
        with_reason("no answer: tcp://127.0.0.1:5555: it broke off the handshake", hint);
    CHECK(said.find("no answer: tcp://127.0.0.1:5555: it broke off the handshake: does it") == 0);
    CHECK(said.find("broke off") == said.rfind("broke off"));
}
