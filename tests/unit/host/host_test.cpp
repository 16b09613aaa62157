// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/system.hpp>

#include <fcntl.h>
#include <host/freed_memory.hpp>
#include <host/lifecycle.hpp>
#include <host/log.hpp>
#include <host/rate_limit.hpp>
#include <host/signals.hpp>
#include <host/supervisor.hpp>
#include <support/catch.hpp>
#include <support/scratch.hpp>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>

using namespace flotilla;
using namespace flotilla::host;

TEST_CASE("log: a text line is its event and key=value, quoted where it must be", "[unit][host]") {
    CHECK(format_text("ready", {}) == "ready");
    CHECK(format_text("ready", {{"name", "a"}, {"at", "tcp://127.0.0.1:1"}}) ==
          "ready name=a at=tcp://127.0.0.1:1");
    CHECK(format_text("odd", {{"a", "two words"}, {"b", ""}, {"c", "x=y"}, {"d", "q\"\n"}}) ==
          R"(odd a="two words" b="" c="x=y" d="q\"\n")");
}

TEST_CASE("log: a JSON line holds any bytes", "[unit][host]") {
    CHECK(format_json("odd", {{"a", "q\"\n"}, {"b", "\xff"}}) ==
          "\"event\":\"odd\",\"a\":\"q\\\"\\n\",\"b\":\"\xef\xbf\xbd\"");
}

TEST_CASE("log: numbers are numbers in a JSON line, and digits of a name are not", "[unit][host]") {
    const Fields fields{{"name", "42"}, {"count", std::uint64_t{7}}, {"change", -1}};
    CHECK(format_json("odd", fields) == R"("event":"odd","name":"42","count":7,"change":-1)");
    CHECK(format_text("odd", fields) == "odd name=42 count=7 change=-1");
}

TEST_CASE("log: levels and formats have names", "[unit][host]") {
    for (const char* level : {"debug", "info", "warning", "error"})
        CHECK(name(*log_level_named(level)) == level);
    for (const char* format : {"text", "json"})
        CHECK(name(*log_format_named(format)) == format);
    CHECK_FALSE(log_level_named("loud"));
    CHECK_FALSE(log_format_named("xml"));
}

TEST_CASE("lifecycle: a supervisor is told over its socket, by path and by name", "[unit][host]") {
    const test::ScratchFolder folder;
    const std::string path = folder.file("notify");
    for (const std::string& name : {path, "@flotilla-test-" + std::to_string(::getpid())}) {
        INFO(name);
        const int socket = ::socket(AF_UNIX, SOCK_DGRAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        name.copy(address.sun_path, name.size());
        if (name[0] == '@')
            address.sun_path[0] = '\0';
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
        REQUIRE(::bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0);
        ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
        const auto told = notify_supervisor("READY=1");
        ::unsetenv("NOTIFY_SOCKET");
        REQUIRE(told);
        CHECK(*told);
        std::array<char, 64> bytes{};
        const auto got = ::recv(socket, bytes.data(), bytes.size(), MSG_DONTWAIT);
        CHECK(std::string(bytes.data(), static_cast<std::size_t>(got > 0 ? got : 0)) == "READY=1");
        ::close(socket);
    }
    CHECK(notify_supervisor("READY=1") == false);
}

TEST_CASE("supervisor: one that does not read is not waited for, and hears what it missed",
          "[unit][host]") {
    const test::ScratchFolder folder;
    const std::string path = folder.file("notify");
    const int socket = ::socket(AF_UNIX, SOCK_DGRAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, path.size());
    REQUIRE(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
    int waiting = 0;
    while (notify_supervisor("STATUS=full"))
        ++waiting;
    CHECK(waiting > 0);

    ::unsetenv("WATCHDOG_USEC");
    const int lines = ::open(folder.file("log").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    const Log log(LogLevel::info, LogFormat::text, lines);
    Supervisor supervisor(log);
    supervisor.ready("here");
    const Instant now = net::now();
    CHECK(supervisor.next() <= now);
    supervisor.turned(now, [] { return "turned"; });
    CHECK(supervisor.next() == now + 1s);
    std::string said;
    std::getline(std::ifstream(folder.file("log")), said, '\0');
    CHECK(said.find("supervisor_unreachable") == said.rfind("supervisor_unreachable")); // once
    CHECK(said.find("nobody reads") != std::string::npos);

    std::array<char, 64> bytes{};
    for (; waiting > 0; --waiting)
        REQUIRE(::recv(socket, bytes.data(), bytes.size(), MSG_DONTWAIT) > 0);
    supervisor.turned(now + 1s, [] { return "turned"; });
    ::unsetenv("NOTIFY_SOCKET");
    const auto got = ::recv(socket, bytes.data(), bytes.size(), MSG_DONTWAIT);
    REQUIRE(got > 0);
    CHECK(std::string(bytes.data(), static_cast<std::size_t>(got)) == "READY=1\nSTATUS=here");
    CHECK(supervisor.next() == never); // nobody asked for a watchdog
    ::close(lines);
    ::close(socket);
}

TEST_CASE("lifecycle: a supervisor that cannot be told is an error with its name", "[unit][host]") {
    for (const char* name : {"/nowhere/notify", "relative", "vsock:2:1"}) {
        ::setenv("NOTIFY_SOCKET", name, 1);
        const auto told = notify_supervisor("READY=1");
        ::unsetenv("NOTIFY_SOCKET");
        REQUIRE_FALSE(told);
        CHECK(told.error().detail.find(name) != std::string::npos);
    }
}

TEST_CASE("lifecycle: the limit of open files is raised to what the system allows",
          "[unit][host]") {
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit low = before;
    low.rlim_cur = std::min<rlim_t>(before.rlim_max, 64);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
    CHECK(raise_file_limit() == before.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST_CASE("lifecycle: a settings file is read whole; a missing or huge one is named",
          "[unit][host]") {
    const test::ScratchFolder folder;
    const std::string path = folder.file("a.toml");
    CHECK(read_settings_file(path).error().code == Errc::not_found);
    CHECK(read_settings_file(path).error().detail == path + ": there is no such file");
    std::ofstream(path) << std::string(100'000, '#');
    CHECK(read_settings_file(path)->size() == 100'000);
    std::ofstream(path) << std::string(2'000'000, '#');
    CHECK(read_settings_file(path).error().code == Errc::too_large);
    CHECK(read_settings_file(folder.path().string()).error().code == Errc::io);
}

TEST_CASE("lifecycle: a pipe as settings file is refused and not waited for", "[unit][host]") {
    const test::ScratchFolder folder;
    const std::string path = folder.file("pipe");
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    const auto read = read_settings_file(path);
    REQUIRE_FALSE(read);
    CHECK(read.error().detail.find(path + ": not an ordinary file") == 0);
}

TEST_CASE("rate limit: one line an interval, and how many were left out", "[unit][host]") {
    RateLimit limit(1s);
    const Instant start{100s};
    CHECK(limit.pass(start) == std::uint64_t{0});
    for (int i = 0; i < 5; ++i)
        CHECK_FALSE(limit.pass(start + 999ms));
    CHECK(limit.pass(start + 1s) == std::uint64_t{5});
    CHECK(limit.pass(start + 3s) == std::uint64_t{0});
}

TEST_CASE("signals: each becomes an event, in a loop's own time", "[unit][host]") {
    auto signals = Signals::open();
    REQUIRE(signals);
    CHECK_FALSE(signals->next());
    const auto raised = [&](int number) {
        ::raise(number);
        return signals->next();
    };
    CHECK(raised(SIGTERM) == Signal::stop);
    CHECK(raised(SIGINT) == Signal::stop);
    CHECK(raised(SIGHUP) == Signal::reload);
    CHECK(raised(SIGUSR1) == Signal::report);
    CHECK_FALSE(signals->next());
}

TEST_CASE("freed memory: much that is free is given back, what will be used again is not",
          "[unit][host]") {
    constexpr std::size_t mebibyte = 1U << 20;
    CHECK_FALSE(FreedMemory::is_worth_it(0, 0));
    CHECK_FALSE(FreedMemory::is_worth_it(16 * mebibyte, 0));
    CHECK(FreedMemory::is_worth_it(17 * mebibyte, 0));
    CHECK_FALSE(FreedMemory::is_worth_it(100 * mebibyte, 400 * mebibyte));
    CHECK(FreedMemory::is_worth_it(120 * mebibyte, 400 * mebibyte));
}
