// SPDX-License-Identifier: Apache-2.0
#include <flotilla/pipeline/puller.hpp>
#include <flotilla/pipeline/pusher.hpp>

#include <cstdio>

int main() {
    using namespace flotilla;
    auto context = net::Context::open();
    auto binds = net::parse_attachment("inproc://consumer", net::AttachRule::bind);
    auto connects = net::parse_attachment("inproc://consumer", net::AttachRule::connect);
    if (!context || !binds || !connects)
        return 1;
    pipeline::PullerOptions puller_options;
    puller_options.attach = {*binds};
    puller_options.unpack = true;
    pipeline::PusherOptions pusher_options;
    pusher_options.attach = {*connects};
    pusher_options.batching.emplace();
    pusher_options.batching->compression = wire::Compression::zstd;
    auto puller = pipeline::Puller::open(*context, std::move(puller_options));
    auto pusher = pipeline::Pusher::open(*context, std::move(pusher_options));
    if (!puller || !pusher)
        return 1;
    for (const char* text : {"one", "two", "three"})
        if (!pusher->send(ByteView{text}, 5s) || !puller->receive(5s))
            return 1;
    std::puts("consumer: 3 messages, flotilla");
}
