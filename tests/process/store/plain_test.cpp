// SPDX-License-Identifier: Apache-2.0
// A store whose peers bring names and passwords: rules go by the name.
#include <process/store/store_program.hpp>

#include <filesystem>
#include <fstream>

using namespace flotilla;
using namespace flotilla::test;

TEST_CASE("store: with PLAIN a rule refuses by name, and every other word is answered",
          "[process][store]") {
    const ScratchFolder scratch;
    std::ofstream(scratch.file("password")) << "hunter2\n";
    std::filesystem::permissions(scratch.file("password"), std::filesystem::perms{0600});
    std::ofstream(scratch.file("access.toml"))
        << "[[plain]]\nname = 'printer'\npassword_file = 'password'\n"
           "[[rule]]\nwho = 'printer'\nallow = 'put'\non = 'orders'\n";
    Store store = start_store_in(scratch.file("data"),
                                 {"--auto-create", "*", "--access", scratch.file("access.toml")});
    auto context = net::Context::open();
    const auto connected = [&](const std::string& password) {
        net::SocketOptions options;
        options.security = net::PlainClient{"printer", password};
        auto socket = net::Socket::open(*context, net::SocketType::req, std::move(options));
        REQUIRE(socket);
        REQUIRE(socket->connect(*net::Endpoint::parse(store.endpoints[0])));
        return std::move(*socket);
    };
    net::Socket printer = connected("hunter2");
    const auto ask = [&](wire::Frames message) {
        REQUIRE(printer.send(message, patience));
        auto answer = printer.receive(patience);
        REQUIRE(answer);
        REQUIRE(answer->size() >= 4);
        return std::string((*answer)[1].view()) + " " + std::string((*answer)[3].view());
    };
    CHECK(ask({"FLQ1", "put", "", "queue=orders\n", "x"}).substr(0, 3) == "ok ");
    CHECK(has(ask({"FLQ1", "put", "", "queue=mail\n", "x"}), "code=not_allowed"));
    CHECK(has(ask({"FLQ1", "take", "", "queue=orders\n"}), "code=not_allowed"));
    CHECK(ask({"FLQ1", "put", "", "queue=orders\n", "y"}).substr(0, 3) == "ok ");
    const net::Socket guesses = connected("hunter3");
    CHECK(store.process.wait_line(Stream::error, "handshake_refused reason=wrong_password"));
}
