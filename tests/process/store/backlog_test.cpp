// SPDX-License-Identifier: Apache-2.0
// A million messages waiting: they cost disk, not memory, and the first one comes after a crash
// as if it were alone. Counts and bytes only; bench/queue_scale.py measures times.
#include <flotilla/queue/producer.hpp>

#include <process/store/store_program.hpp>

#include <fstream>

using namespace flotilla;
using namespace flotilla::test;

namespace {

// A sanitizer has many times this memory for itself, and needs its time.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t messages = 100'000;
constexpr std::uint64_t more_bytes_max = 1ULL << 30;
#else
constexpr std::uint64_t messages = 1'000'000;
constexpr std::uint64_t more_bytes_max = 8ULL << 20; // 20 bytes for each message would be 16 MB
#endif

// What a process has for itself: anonymous and shared pages. Pages of the file are the system's.
std::uint64_t own_bytes(const Process& process) {
    std::ifstream status("/proc/" + std::to_string(process.pid()) + "/status");
    std::uint64_t kibibytes = 0;
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("RssAnon:") || line.starts_with("RssShmem:"))
            kibibytes += std::stoull(line.substr(line.find(':') + 1));
    REQUIRE(kibibytes > 0);
    return kibibytes * 1024;
}

void put_until(queue::Producer& producer, std::uint64_t& next, std::uint64_t until) {
    for (; next < until; ++next) {
        const std::string body = std::to_string(next);
        REQUIRE(producer.put("backlog", ByteView{body}, {}, patience));
    }
    REQUIRE(producer.flush(patience) == 0U);
}

std::string stat_of(RawPeer& peer) {
    const auto stat = peer.ask("stat", "queue=backlog");
    return stat.options + "\n" + stat.body;
}

} // namespace

TEST_CASE("store: a million messages waiting take no memory, and the first comes after a crash",
          "[process][store]") {
    const ScratchFolder scratch;
    net::Context context = *net::Context::open();
    const std::vector<std::string> arguments{"--auto-create", "backlog"};
    std::uint64_t next = 0;
    std::uint64_t after_some = 0;
    std::uint64_t after_all = 0;
    {
        Store store = start_store_in(scratch.file("data"), arguments);
        queue::ProducerOptions options;
        options.stores = {*net::Endpoint::parse(store.endpoints[0])};
        auto producer = queue::Producer::open(context, std::move(options));
        REQUIRE(producer);
        put_until(*producer, next, messages / 5);
        after_some = own_bytes(store.process);
        put_until(*producer, next, messages);
        after_all = own_bytes(store.process);
        RawPeer peer(context, store.endpoints[0]);
        CHECK(has(stat_of(peer), "ready=" + std::to_string(messages) + "\n"));
        kill(store);
    }
    Store store = start_store_in(scratch.file("data"), arguments);
    const std::uint64_t at_start = own_bytes(store.process);
    RawPeer peer(context, store.endpoints[0]);
    for (const char* const body : {"0", "1", "2"}) {
        const auto taken = peer.ask("take", "queue=backlog");
        REQUIRE(taken.verb == "deliver");
        CHECK(taken.body == body);
    }
    CHECK(has(stat_of(peer), "ready=" + std::to_string(messages - 3) + "\n"));
    INFO(after_some << " bytes with a fifth, " << after_all << " with all, " << at_start
                    << " after the restart");
    CHECK(after_all < after_some + more_bytes_max);
    CHECK(at_start < after_some + more_bytes_max);
}
