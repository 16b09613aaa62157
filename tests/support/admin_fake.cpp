// SPDX-License-Identifier: Apache-2.0
//
// admin_fake [--queues N] [--http ADDRESS:PORT] [--admin ENDPOINT] [--token FILE]: a store that is
// played, behind the real admin interface. Writes one JSON line with where it listens, and serves
// until its standard input ends.
#include <flotilla/net/poller.hpp>

#include <admin/admin.hpp>
#include <support/fake_administered.hpp>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <string>

using namespace flotilla;

namespace {

int failed(const Error& error) {
    std::cerr << "admin_fake: " << to_string(error) << "\n";
    return 1;
}

int serve(const host::CommonSettings& settings, std::size_t queues) {
    auto options = admin::admin_options(settings, "fake");
    if (!options)
        return failed(options.error());
    const host::Log log(host::LogLevel::info, host::LogFormat::text);
    auto admin = admin::Admin::open(std::move(*options), log);
    auto context = net::Context::open();
    if (!admin || !context)
        return failed(admin ? context.error() : admin.error());
    if (Status listens = admin->listen(*context, net::Plaintext{}, "fake"); !listens)
        return failed(listens.error());
    admin::test::FakeAdministered store(queues);
    net::Poller poller;
    bool ended = false;
    poller.on_readable(admin->fd(), [&] { admin->work(store); });
    poller.on_readable(STDIN_FILENO, [&] {
        std::array<char, 512> ignored{};
        ended = ::read(STDIN_FILENO, ignored.data(), ignored.size()) <= 0;
    });
    admin->begin();
    std::cout << R"({"event":"ready","http":")" << admin->http_address().value_or("")
              << R"(","admin":")" << (admin->endpoint() ? admin->endpoint()->text() : "") << "\"}"
              << std::endl;
    while (!ended && poller.turn(1h))
        continue;
    admin->end();
    return 0;
}

} // namespace

int main(int count, char** arguments) {
    host::CommonSettings settings;
    std::size_t queues = 1'000;
    for (int i = 1; i + 1 < count; i += 2) {
        const std::string flag = arguments[i];
        const std::string value = arguments[i + 1];
        if (flag == "--queues")
            queues = std::strtoul(value.c_str(), nullptr, 10);
        else if (flag == "--http")
            settings.admin_http = value;
        else if (flag == "--admin")
            settings.admin = value;
        else if (flag == "--token")
            settings.admin_token = value;
    }
    return serve(settings, queues);
}
