// SPDX-License-Identifier: Apache-2.0
//
// pipeline_puller ENDPOINT: prints the lines that pushers send to ENDPOINT (">ENDPOINT" connects
// instead), batched or not; ends when none has come for two seconds.
#include <flotilla/base/exit_code.hpp>
#include <flotilla/pipeline/puller.hpp>

#include <iostream>

using namespace flotilla;

namespace {

int failed(const Error& error) {
    std::cerr << to_string(error) << '\n';
    return static_cast<int>(exit_code(error.code));
}

} // namespace

int main(int argc, char** argv) {
    const auto where = net::parse_attachment(argc > 1 ? argv[1] : "", net::AttachRule::bind);
    if (!where)
        return failed(where.error());
    auto context = net::Context::open();
    pipeline::PullerOptions options;
    options.attach = {*where};
    options.unpack = true;
    auto puller = pipeline::Puller::open(*context, options);
    if (!puller)
        return failed(puller.error());
    std::cerr << "pulling at " << puller->endpoints()[0].text() << '\n';

    // Waits for the first line as long as it takes, for every other two seconds.
    auto message = puller->receive_view(no_limit);
    for (; message; message = puller->receive_view(2s))
        std::cout << message->body() << '\n';
    return message.error().code == Errc::timeout ? 0 : failed(message.error());
}
