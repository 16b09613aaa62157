// SPDX-License-Identifier: Apache-2.0
// The built flotilla-store, and the plainest peer of it: a REQ that speaks frames.
#pragma once

#include <flotilla/net/socket.hpp>
#include <flotilla/wire/option_text.hpp>

#include <nlohmann/json.hpp>
#include <support/catch.hpp>
#include <support/patience.hpp>
#include <support/process.hpp>
#include <support/ready_process.hpp>
#include <support/scratch.hpp>
#include <support/text.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flotilla::test {

inline const std::string store_program = FLOTILLA_STORE_PROGRAM;

struct Store {
    Process process;
    std::vector<std::string> endpoints;
    nlohmann::json said;
};

// To its end.
inline Completed run_store(std::vector<std::string> arguments, std::string_view input = {}) {
    arguments.insert(arguments.begin(), store_program);
    return run_program(arguments, input);
}

// Ready: it has recovered and is bound.
inline Store start_store(std::vector<std::string> arguments) {
    auto [process, said] = start_ready(store_program, std::move(arguments));
    std::vector<std::string> endpoints;
    for (const auto& each : said.at("endpoints"))
        endpoints.push_back(each.get<std::string>());
    return {std::move(process), std::move(endpoints), std::move(said)};
}

// Small files, so that tests do not wait for the disk.
inline Store start_store_in(const std::string& data, std::vector<std::string> more = {}) {
    more.insert(more.begin(),
                {"--bind", "tcp://127.0.0.1:*", "--data", data, "--write-ahead-bytes", "1MiB"});
    return start_store(std::move(more));
}

inline void kill(Store& store) {
    store.process.signal(9);
    REQUIRE(store.process.wait_exit() == Exit::by(9));
}

class RawPeer {
public:
    RawPeer(net::Context& context, const std::string& endpoint)
        : socket_(*net::Socket::open(context, net::SocketType::req)) {
        REQUIRE(socket_.connect(*net::Endpoint::parse(endpoint)));
    }
    // verb, options, body; the answer's frames behind "FLQ1".
    struct Answer {
        std::string verb{};
        std::string options{};
        std::string body{};
        std::string value(std::string_view name) const {
            wire::OptionTextReader reader(options);
            return std::string(reader.text(name, 4096));
        }
    };
    Answer ask(std::string_view verb, std::string_view options = {}, std::string_view body = {}) {
        wire::Frames message{"FLQ1", verb, "c", options};
        if (!body.empty())
            message.add(ByteView{body});
        REQUIRE(socket_.send(message, patience));
        const auto received = socket_.receive(patience);
        REQUIRE(received);
        const auto frame = [&](std::size_t i) {
            return i < received->size() ? std::string((*received)[i].view()) : std::string{};
        };
        return {frame(1), frame(3), frame(4)};
    }

private:
    net::Socket socket_;
};

} // namespace flotilla::test
