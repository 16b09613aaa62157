// SPDX-License-Identifier: Apache-2.0
//
// pipeline_pusher ENDPOINT [--batch] < FILE: gives each line of its input to one of the pullers at
// ENDPOINT ("@ENDPOINT" binds instead), and tells how many lines did not leave.
#include <flotilla/base/exit_code.hpp>
#include <flotilla/pipeline/pusher.hpp>

#include <iostream>
#include <string>

using namespace flotilla;

namespace {

int failed(const Error& error) {
    std::cerr << to_string(error) << '\n';
    return static_cast<int>(exit_code(error.code));
}

} // namespace

int main(int argc, char** argv) {
    const auto where = net::parse_attachment(argc > 1 ? argv[1] : "", net::AttachRule::connect);
    if (!where)
        return failed(where.error());
    auto context = net::Context::open();
    pipeline::PusherOptions options;
    options.attach = {*where};
    options.count_unsent = true;
    if (argc > 2 && std::string(argv[2]) == "--batch")
        options.batching.emplace();
    auto pusher = pipeline::Pusher::open(*context, options);
    if (!pusher)
        return failed(pusher.error());
    std::cerr << "pushing to " << pusher->endpoints()[0].text() << '\n';

    for (std::string line; std::getline(std::cin, line);)
        if (const auto sent = pusher->send(line, 60s); !sent)
            return failed(sent.error());
    const pipeline::Unsent unsent = pusher->close(60s);
    std::cout << pusher->counters().messages_total << " lines, "
              << (unsent.none() ? "all left" : "some did not leave") << '\n';
    return static_cast<int>(unsent.none() ? ExitCode::ok : ExitCode::not_flushed);
}
