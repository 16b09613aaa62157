// SPDX-License-Identifier: Apache-2.0
//
// A log whose reader stalls.
#include <fcntl.h>
#include <host/log.hpp>
#include <nlohmann/json.hpp>
#include <support/catch.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::host;

namespace {

// What is there now; `reader` does not wait.
std::string take(int reader) {
    std::string all;
    std::array<char, 65536> bytes;
    for (ssize_t got = 0; (got = ::read(reader, bytes.data(), bytes.size())) > 0;)
        all.append(bytes.data(), static_cast<std::size_t>(got));
    return all;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        REQUIRE(end != std::string::npos); // no line is torn
        lines.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return lines;
}

void fill_and_read(int writer, int reader) {
    constexpr std::size_t written = 20'000;
    ::fcntl(reader, F_SETFL, O_NONBLOCK);
    const int flags = ::fcntl(writer, F_GETFL);
    const Log log(LogLevel::info, LogFormat::text, writer);
    for (std::size_t i = 0; i < written; ++i) // a blocking log would stop here for ever
        log.info("event", {{"number", std::to_string(i)}, {"more", std::string(100, 'x')}});
    CHECK(::fcntl(writer, F_GETFL) == flags); // others share it
    std::string text = take(reader);
    log.info("last");
    text += take(reader);
    const auto lines = lines_of(text);
    const std::string told = lines.at(lines.size() - 2);
    const std::string before = " log_left_out lines=";
    REQUIRE(told.find(before) != std::string::npos);
    const auto left_out = std::stoul(told.substr(told.find(before) + before.size()));
    CHECK(left_out > 0);
    CHECK(lines.size() - 2 + left_out == written);
    CHECK(lines.back().find(" info last") != std::string::npos);
}

} // namespace

TEST_CASE("log: no control character reaches a terminal, whichever way it is written",
          "[unit][host]") {
    const std::string csi{"a\xc2\x9b"
                          "2J\x7f\x1b[0m\xc3\xa9"};
    const std::string escaped = R"("a\u009b2J\u007f\u001b[0m)"
                                "\xc3\xa9\"";
    CHECK(host::format_text("event", {{"said", csi}}) == "event said=" + escaped);
    CHECK(host::format_json("event", {{"said", csi}}) == R"("event":"event","said":)" + escaped);
    CHECK(nlohmann::json::parse(escaped) == csi);
}

TEST_CASE("log: nobody reads the pipe: lines are dropped and counted", "[unit][host]") {
    std::array<int, 2> pipe{};
    REQUIRE(::pipe(pipe.data()) == 0);
    fill_and_read(pipe[1], pipe[0]);
}

TEST_CASE("log: nobody reads the socket of a journal: lines are dropped and counted",
          "[unit][host]") {
    std::array<int, 2> pair{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()) == 0);
    fill_and_read(pair[1], pair[0]);
}
