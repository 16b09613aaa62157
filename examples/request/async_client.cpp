// SPDX-License-Identifier: Apache-2.0
//
// request_async_client BROKER SERVICE TEXT...: asks a service many things at once, and prints the
// answers in the order of the questions.
#include <flotilla/base/exit_code.hpp>
#include <flotilla/request/async_client.hpp>

#include <iostream>
#include <string>
#include <vector>

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
    options.brokers = {*broker};
    options.deadline = 10s;
    auto client = request::AsyncClient::open(*context, options);
    if (!client)
        return failed(client.error());
    std::vector<std::string> answers(static_cast<std::size_t>(argc));
    Error error;
    for (std::size_t i = 3; i < answers.size(); ++i) {
        const auto called = client->call(argv[2], ByteView{argv[i]}, {},
                                         [&, i](request::CallId, Result<request::Reply> reply) {
                                             if (reply)
                                                 answers[i] = reply->body[0].view();
                                             else
                                                 error = reply.error();
                                         });
        if (!called)
            return failed(called.error());
    }
    while (client->under_way() > 0)
        if (const Status moved = client->process(1s); !moved)
            return failed(moved.error());
    if (error.code != Errc{})
        return failed(error);
    for (std::size_t i = 3; i < answers.size(); ++i)
        std::cout << answers[i] << '\n';
}
