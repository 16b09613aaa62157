// SPDX-License-Identifier: Apache-2.0
//
// request_client BROKER SERVICE TEXT...: asks a service one thing after the other, and prints the
// answers.
#include <flotilla/base/exit_code.hpp>
#include <flotilla/request/client.hpp>

#include <iostream>

using namespace flotilla;

namespace {

int failed(const Error& error) {
    std::cerr << to_string(error) << '\n';
    return static_cast<int>(exit_code(error.code));
}

} // namespace

int main(int argc, char** argv) {
    const auto broker = net::Endpoint::parse(argc > 3 ? argv[1] : "");
    if (!broker)
        return failed(broker.error());
    auto context = net::Context::open();
    if (!context)
        return failed(context.error());
    request::ClientOptions options;
    options.brokers = {*broker}; // more than one: when it does not answer, the next is asked
    options.deadline = 10s;
    auto client = request::Client::open(*context, options);
    if (!client)
        return failed(client.error());
    for (int i = 3; i < argc; ++i) {
        const auto reply = client->call(argv[2], ByteView{argv[i]});
        if (!reply)
            return failed(reply.error());
        std::cout << reply->body[0].view() << '\n';
    }
}
