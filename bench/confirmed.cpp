// SPDX-License-Identifier: Apache-2.0
// What security costs a store: one producer with 1,000 unconfirmed, every confirm after a sync. The
// lines of the other areas are in pipeline.cpp, relay.cpp and request.cpp.
#include "guard.hpp"
#include "ours.hpp"
#include "pairing.hpp"

#include <flotilla/queue/engine/lmdb_store.hpp>
#include <flotilla/queue/producer.hpp>
#include <flotilla/queue/server.hpp>

#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

namespace flotilla::bench {
namespace {

constexpr std::uint32_t window = 1'000;
constexpr const char* queue_name = "q";

struct Puts {
    std::size_t bytes = 100;
    std::uint64_t warm_up = 0;
    std::uint64_t messages = 0;
};

// On a real disk, and removed with the last of its files: by whoever forked.
std::string data_directory() {
    return "/var/tmp/flotilla-bench-" + std::to_string(::getpid());
}

void store(Arena::Seat& seat, const std::string& directory, Guard guard) {
    net::Context context = open_context();
    queue::QueueServerOptions options;
    options.security = listener_security(guard);
    options.permissions = permissions(guard);
    auto server = need(queue::QueueServer::open(context, need(queue::LmdbStore::open(directory)),
                                                std::move(options)));
    need(server.declare(queue_name, {}));
    seat.announce(0, need(server.bind(need(net::Endpoint::parse("tcp://127.0.0.1:*")))).text());
    while (server.process(1s)) {
    }
}

void produce(Arena::Seat& seat, const Puts& puts, Guard guard) {
    net::Context context = open_context();
    queue::ProducerOptions options;
    options.stores = {need(net::Endpoint::parse(seat.endpoint(0)))};
    options.security = client_security(guard);
    options.window_messages = window;
    options.outbox_messages_max = window;
    queue::Producer producer = need(queue::Producer::open(context, std::move(options)));
    const std::string body(puts.bytes, 'x');
    const auto put_all = [&](std::uint64_t messages) {
        for (std::uint64_t i = 0; i < messages; ++i)
            (void)need(producer.put(queue_name, ByteView{body}, {}, 10s));
        if (need(producer.flush(60s)) != 0)
            give_up("puts were not confirmed");
    };
    put_all(puts.warm_up);
    seat.begin();
    const double began = clock_seconds();
    put_all(puts.messages);
    const double seconds = clock_seconds() - began;
    seat.end();
    seat.finish(seconds);
}

Measured measure(const Puts& puts, Guard guard) {
    const std::string directory = data_directory();
    const Measured measured = Arena::run({[&](Arena::Seat& seat) {
                                              seat.end_when_finished();
                                              store(seat, directory, guard);
                                          },
                                          [&](Arena::Seat& seat) { produce(seat, puts, guard); }},
                                         puts.messages, puts.messages + puts.warm_up);
    std::filesystem::remove_all(directory);
    return measured;
}

} // namespace

std::vector<Match> confirmed_matches(Scale scale) {
    std::vector<Match> matches;
    const Puts puts{100, scale.of(100'000), scale.of(500'000)};
    for (const GuardStep& step : guard_steps)
        matches.push_back({std::string(step.area), "store, publish 100 B", 0, false,
                           [=] { return measure(puts, step.before); },
                           [=] { return measure(puts, step.behind); }, true});
    return matches;
}

} // namespace flotilla::bench
