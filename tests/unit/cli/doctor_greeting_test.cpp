// SPDX-License-Identifier: Apache-2.0
#include <cli/doctor/command_frame.hpp>
#include <cli/doctor/greeting.hpp>
#include <support/catch.hpp>

#include <string>

using namespace flotilla;
using namespace flotilla::cli::doctor;
using namespace std::string_literals;

namespace {

std::string stranger_name(ByteView bytes) {
    const GreetingOutcome outcome = judge_greeting(bytes);
    REQUIRE(std::holds_alternative<Stranger>(outcome));
    return std::get<Stranger>(outcome).name.value_or("");
}

} // namespace

TEST_CASE("greeting: version, mechanism and role come back", "[unit][doctor]") {
    for (const Greeting& sent :
         {Greeting{3, 1, "NULL", false}, Greeting{3, 0, "CURVE", true},
          Greeting{3, 1, "PLAIN", false}, Greeting{4, 9, "MECHANISM-OF-20-BYTE", false}}) {
        const std::string bytes = encode(sent);
        CHECK(bytes.size() == greeting_bytes);
        CHECK(std::get<Greeting>(judge_greeting(bytes)) == sent);
        // What follows a greeting is not its business.
        CHECK(std::get<Greeting>(judge_greeting(bytes + "\x04\x26\x05READY")) == sent);
    }
}

TEST_CASE("greeting: every part of one waits for the rest", "[unit][doctor]") {
    const std::string bytes = encode(Greeting{});
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        INFO(size << " bytes");
        CHECK(std::holds_alternative<MoreBytes>(judge_greeting(ByteView(bytes).substr(0, size))));
    }
}

TEST_CASE("greeting: peers from before ZMTP 3 are known by their shorter greetings",
          "[unit][doctor]") {
    const std::string signature = encode(Greeting{}).substr(0, 10);
    CHECK(std::get<Greeting>(judge_greeting(signature + "\x01")).major == 2);
    const auto old = std::get<Greeting>(judge_greeting(signature + "\x01\x08"));
    CHECK(old.major == 2);
    CHECK(old.socket_type == "PUSH");
    CHECK(std::get<Greeting>(judge_greeting(signature + "\x01\x20")).socket_type.empty());
    CHECK(std::get<Greeting>(judge_greeting(signature + "\0"s)).major == 1);
    CHECK(std::get<Greeting>(judge_greeting("\x01\0"s)).major == 1);
    CHECK(std::get<Greeting>(judge_greeting("\x04\0abc"s)).major == 1); // with an identity
}

TEST_CASE("greeting: other protocols are named by how they begin", "[unit][doctor]") {
    CHECK(stranger_name("HTTP/1.1 400 Bad Request\r\n") == "an HTTP server");
    CHECK(stranger_name("SSH-2.0-OpenSSH_9.2\r\n") == "an SSH server");
    CHECK(stranger_name("\x15\x03\x01\x00\x02\x02\x46"s) == "a TLS server");
    CHECK(stranger_name("220 mx.example.org ESMTP\r\n") == "a mail server (SMTP)");
    CHECK(stranger_name("220 ready for FTP\r\n") == "an FTP server");
    CHECK(stranger_name("220 hello\r\n") == "a mail or FTP server");
    CHECK(stranger_name("-ERR unknown command\r\n") == "a Redis server");
    CHECK(stranger_name("AMQP\0\0\x09\x01"s) == "an AMQP broker (RabbitMQ or its like)");
    CHECK(stranger_name("\0SP\0\0\x10\0\0"s) == "an nng or nanomsg peer");
    CHECK(stranger_name("\x4a\0\0\0\x0a"
                        "8.0.32\0"s) == "a MySQL or MariaDB server");
}

TEST_CASE("greeting: unknown bytes are strange once there are as many as a greeting has",
          "[unit][doctor]") {
    CHECK(std::holds_alternative<MoreBytes>(judge_greeting("hello")));
    CHECK(stranger_name(std::string(64, 'x')).empty());
    CHECK(stranger_name("\xFF" + std::string(63, '\0')).empty()); // the signature's last bit
}

TEST_CASE("greeting: an excerpt is printable and short", "[unit][doctor]") {
    CHECK(excerpt("ab\r\n\xff\\") == "ab\\x0d\\x0a\\xff\\x5c");
    CHECK(excerpt(std::string(41, 'x')) == std::string(40, 'x') + "...");
}

TEST_CASE("command frame: READY gives its properties, ERROR its reason", "[unit][doctor]") {
    const std::string data = "\x0bSocket-Type\0\0\0\x03PUB\x08Identity\0\0\0\0"s;
    const std::string frame = "\x04"s + static_cast<char>(6 + data.size()) + "\x05READY" + data;
    const auto ready = std::get<CommandFrame>(decode_command(frame + "rest"));
    CHECK(ready.name == "READY");
    CHECK(ready.bytes == frame.size());
    const auto properties = decode_properties(ready.data);
    REQUIRE(properties);
    CHECK(property(*properties, "socket-TYPE") == "PUB");
    CHECK(property(*properties, "Identity") == "");
    CHECK_FALSE(property(*properties, "Other"));
    const auto error = std::get<CommandFrame>(decode_command("\x04\x0a\x05"
                                                             "ERROR\x03"
                                                             "400"));
    CHECK(decode_reason(error.data) == "400");
    CHECK(decode_reason("\x09"
                        "400")
              .empty());
}

TEST_CASE("command frame: cut anywhere it waits, and a long size is understood", "[unit][doctor]") {
    const std::string frame = "\x06\0\0\0\0\0\0\0\x08\x05READYab"s;
    CHECK(std::get<CommandFrame>(decode_command(frame)).data == "ab");
    for (std::size_t size = 0; size < frame.size(); ++size)
        CHECK(std::holds_alternative<NeedsMore>(decode_command(ByteView(frame).substr(0, size))));
}

TEST_CASE("command frame: messages, huge sizes and empty names are refused", "[unit][doctor]") {
    CHECK(std::holds_alternative<NotACommand>(decode_command("\0\x02hi"s)));
    CHECK(std::holds_alternative<NotACommand>(decode_command("\x06\0\0\0\0\xff\xff\xff\xff"s)));
    CHECK(std::holds_alternative<NotACommand>(decode_command("\x04\x01\0"s)));
    CHECK(std::holds_alternative<NotACommand>(decode_command("\x04\0"s)));
    CHECK(std::holds_alternative<NotACommand>(decode_command("\x04\x02\x05R"s)));
    CHECK_FALSE(decode_properties("\x0bSocket-Type\0\0\0\xffPUB"s));
    CHECK_FALSE(decode_properties("\x0bSock"));
}
