// SPDX-License-Identifier: Apache-2.0
//
// queue_order STORE OUTBOX < ORDERS: a shop. Each line of its input is an order: it is on disk in
// the OUTBOX when it is accepted, and in the queue "orders" as soon as a store is there. The shop
// may die, the store may be away for days: each order is stored once.
#include <flotilla/base/exit_code.hpp>
#include <flotilla/queue/producer.hpp>

#include <iostream>
#include <string>

using namespace flotilla;

namespace {

template <class Outcome>
int failed(const Outcome& outcome) {
    std::cerr << to_string(outcome.error()) << '\n';
    return static_cast<int>(exit_code(outcome.error().code));
}

} // namespace

int main(int argc, char** argv) {
    const auto store = net::Endpoint::parse(argc == 3 ? argv[1] : "");
    if (!store)
        return failed(store);
    auto context = net::Context::open();
    queue::ProducerOptions options;
    options.stores = {*store};
    options.outbox_directory = argv[2];
    auto shop = queue::Producer::open(*context, options);
    if (!shop)
        return failed(shop);
    if (shop->unconfirmed() > 0)
        std::cout << shop->unconfirmed() << " orders of an earlier run\n";
    for (std::string line; std::getline(std::cin, line);) {
        if (const auto order = shop->put("orders", line, {}, 10s); !order)
            return failed(order);
        std::cout << "accepted " << line << std::endl;
    }
    const auto left = shop->flush(2s);
    if (!left)
        return failed(left);
    if (*left > 0)
        std::cout << *left << " orders wait in the outbox: " << shop->state_text() << '\n';
    else
        std::cout << "all orders are stored\n";
    return static_cast<int>(*left > 0 ? ExitCode::not_flushed : ExitCode::ok);
}
