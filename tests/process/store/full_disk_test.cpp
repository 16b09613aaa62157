// SPDX-License-Identifier: Apache-2.0
// flotilla-store when its disk, or the file it may fill, has no room left: producers are told,
// consumers empty it, and then it goes on.
#include <flotilla/net/system.hpp>

#include <process/store/store_program.hpp>
#include <sys/mount.h>
#include <sys/resource.h>

#include <csignal>

using namespace flotilla;
using namespace flotilla::test;

namespace {

// Of a body. Turns of the larger ones make the file grow by allocating, not by writing.
constexpr std::size_t small = 256 << 10;
constexpr std::size_t large = 1 << 20;

std::string body_of(int number, std::size_t bytes) {
    std::string body = std::to_string(number) + ":";
    body.resize(bytes, static_cast<char>('a' + number % 26));
    return body;
}

// A disk of 48 MiB at a folder: a real one where the test may mount it, else a limit on how long
// files may become, which the store's process inherits.
class SmallDisk {
public:
    explicit SmallDisk(const ScratchFolder& folder) : at_(folder.path()) {
        is_mounted_ = ::mount("tmpfs", at_.c_str(), "tmpfs", 0, "size=48m,mode=0700") == 0;
        if (is_mounted_)
            return;
        before_ = std::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &limit_);
        rlimit less = limit_;
        less.rlim_cur = 48U << 20;
        ::setrlimit(RLIMIT_FSIZE, &less);
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    ~SmallDisk() {
        if (is_mounted_) {
            ::umount2(at_.c_str(), MNT_DETACH);
            return;
        }
        ::setrlimit(RLIMIT_FSIZE, &limit_);
        std::signal(SIGXFSZ, before_);
    }

private:
    std::filesystem::path at_;
    bool is_mounted_ = false;
    rlimit limit_{};
    void (*before_)(int) = SIG_DFL;
};

// Puts until it is refused as full; how many were confirmed.
int fill(RawPeer& peer, int from, std::size_t bytes) {
    for (int number = from; number < 10'000; ++number) {
        const auto answer = peer.ask("put", "queue=q", body_of(number, bytes));
        if (answer.verb == "ok")
            continue;
        CHECK(answer.value("code") == "full");
        CHECK_FALSE(answer.value("text").empty()); // it says what to do
        return number - from;
    }
    FAIL("it never becomes full");
    return 0;
}

// Takes and acknowledges `count` messages, which are those from `from` on.
void drain(RawPeer& peer, int from, int count, std::size_t bytes) {
    for (int number = from; number < from + count; ++number) {
        const auto taken = peer.ask("take", "queue=q");
        REQUIRE(taken.verb == "deliver");
        REQUIRE(taken.body == body_of(number, bytes));
        REQUIRE(peer.ask("ack", "lease=" + taken.value("lease")).verb == "ok");
    }
}

// Filled, half emptied, filled again, killed, and emptied: what was confirmed comes, in order.
void fill_and_empty(const std::string& data, std::size_t bytes,
                    const std::vector<std::string>& arguments) {
    net::Context context = *net::Context::open();
    int put = 0;
    int taken = 0;
    {
        Store store = start_store_in(data, arguments);
        RawPeer peer(context, store.endpoints[0]);
        REQUIRE(peer.ask("create", "queue=q").verb == "ok");
        put = fill(peer, 0, bytes);
        REQUIRE(put > 10);
        taken = put / 2;
        drain(peer, 0, taken, bytes);
        // A producer that asks again is let in, now that there is room.
        const Instant end = net::now() + patience;
        bool is_in = false;
        while (!is_in && net::now() < end)
            is_in = peer.ask("put", "queue=q", body_of(put, bytes)).verb == "ok";
        REQUIRE(is_in);
        ++put;
        put += fill(peer, put, bytes);
        kill(store);
    }
    Store store = start_store_in(data, arguments);
    RawPeer peer(context, store.endpoints[0]);
    drain(peer, taken, put - taken, bytes);
    CHECK(has(peer.ask("stat", "queue=q").body, "ready=0\n"));
    CHECK(peer.ask("put", "queue=q", body_of(put, bytes)).verb == "ok");
}

} // namespace

TEST_CASE("store: on a full disk puts are refused, everything confirmed is delivered, and then it "
          "goes on",
          "[process][store]") {
    const std::size_t bytes = GENERATE(small, large);
    const ScratchFolder scratch;
    const SmallDisk disk(scratch);
    fill_and_empty(scratch.file("data"), bytes, {"--disk-reserve-bytes", "0"});
}

TEST_CASE("store: one that has no room from its start on says what it lacks", "[process][store]") {
    const ScratchFolder scratch;
    Store store = start_store_in(scratch.file("data"), {"--disk-reserve-bytes", "512TiB"});
    const auto line = store.process.wait_line(Stream::error, "no_room");
    REQUIRE(line);
    CHECK(has(*line, "puts are refused"));
    CHECK(has(*line, "disk_reserve_bytes keeps 512TiB"));
    CHECK(has(*line, "32MiB are kept to finish messages with"));
    net::Context context = *net::Context::open();
    RawPeer peer(context, store.endpoints[0]);
    CHECK(peer.ask("create", "queue=q").verb == "ok");
    const auto refused = peer.ask("put", "queue=q", "x");
    CHECK(refused.value("code") == "full");
    CHECK(has(refused.value("text"), "more disk"));
}

TEST_CASE("store: a disk that is small is enough when its settings are", "[process][store]") {
    const ScratchFolder scratch;
    const SmallDisk disk(scratch);
    // Less is written ahead of the end of a small file, without being told so.
    Store store = start_store({"--bind", "tcp://127.0.0.1:*", "--data", scratch.file("data"),
                               "--disk-reserve-bytes", "4MiB", "--file-bytes-max", "24MiB"});
    net::Context context = *net::Context::open();
    RawPeer peer(context, store.endpoints[0]);
    CHECK(peer.ask("create", "queue=q").verb == "ok");
    CHECK(peer.ask("put", "queue=q", body_of(1, small)).verb == "ok");
    CHECK_FALSE(has(store.process.text(Stream::error), "no_room"));
}

TEST_CASE("store: a file that is as large as it may be is like a full disk", "[process][store]") {
    const std::size_t bytes = GENERATE(small, large);
    const ScratchFolder scratch;
    fill_and_empty(scratch.file("data"), bytes, {"--file-bytes-max", "32MiB"});
}
