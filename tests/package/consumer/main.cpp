// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/context.hpp>
#include <flotilla/net/socket.hpp>

#include <cstdio>

int main() {
    using namespace flotilla;
    auto context = net::Context::open();
    auto endpoint = net::Endpoint::parse("inproc://consumer");
    if (!context || !endpoint) {
        return 1;
    }
    auto pull = net::Socket::open(*context, net::SocketType::pull);
    auto push = net::Socket::open(*context, net::SocketType::push);
    if (!pull || !push || !pull->bind(*endpoint) || !push->connect(*endpoint)) {
        return 1;
    }
    for (const char* text : {"one", "two", "three"}) {
        if (!push->send(ByteView{text}, 5s) || !pull->receive(5s)) {
            return 1;
        }
    }
    std::puts("consumer: 3 messages, flotilla");
}
