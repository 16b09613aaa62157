// SPDX-License-Identifier: Apache-2.0
#include "ours.hpp"
#include "raw.hpp"
#include "workloads.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <cstdlib>
#include <thread>
#include <vector>

namespace flotilla::bench {
namespace {

class File {
public:
    explicit File(const std::string& root) {
        std::string pattern = root + "/flotilla-bench-raw-XXXXXX";
        descriptor_ = ::mkstemp(pattern.data());
        if (descriptor_ < 0)
            give_up("cannot make a file in " + root);
        ::unlink(pattern.c_str());
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() { ::close(descriptor_); }
    int get() const { return descriptor_; }

private:
    int descriptor_;
};

double median(std::vector<double>& values) {
    std::sort(values.begin(), values.end());
    return values.empty() ? 0 : values[values.size() / 2];
}

void checked(bool done, const char* what) {
    if (!done)
        give_up(std::string(what) + ": " + zmq_strerror(zmq_errno()));
}

} // namespace

Figures raw_append(const std::string& data_root, const Load& load) {
    const File file(data_root);
    const std::string batch(load.window * load.bytes, 'x');
    Figures figures;
    const double began = clock_seconds();
    for (; figures.messages < load.messages; figures.messages += load.window) {
        checked(::write(file.get(), batch.data(), batch.size()) == ssize_t(batch.size()), "write");
        checked(::fdatasync(file.get()) == 0, "fdatasync");
    }
    figures.seconds = clock_seconds() - began;
    return figures;
}

Figures raw_push_pull(const Load& load) {
    RawSocket pull(ZMQ_PULL);
    const std::string at = pull.bind("tcp://127.0.0.1:*");
    std::thread pushing([&] {
        RawSocket push(ZMQ_PUSH);
        push.set(ZMQ_LINGER, -1);
        push.connect(at);
        const std::string body(load.bytes, 'x');
        for (std::uint64_t i = 0; i < load.messages; ++i)
            checked(zmq_send(push.get(), body.data(), body.size(), 0) >= 0, "send");
    });
    std::string buffer(load.bytes, '\0');
    double began = 0;
    for (std::uint64_t i = 0; i < load.messages; ++i) {
        checked(zmq_recv(pull.get(), buffer.data(), buffer.size(), 0) >= 0, "receive");
        if (i == 0)
            began = clock_seconds();
    }
    Figures figures;
    figures.messages = load.messages;
    figures.seconds = clock_seconds() - began;
    pushing.join();
    return figures;
}

Figures raw_echo(const Load& load) {
    RawSocket router(ZMQ_ROUTER);
    const std::string at = router.bind("tcp://127.0.0.1:*");
    std::thread echo([&] {
        std::string peer(256, '\0');
        std::string body(load.bytes + 64, '\0');
        for (std::uint64_t i = 0; i < load.messages; ++i) {
            const int peer_bytes = zmq_recv(router.get(), peer.data(), peer.size(), 0);
            const int bytes = zmq_recv(router.get(), body.data(), body.size(), 0);
            checked(peer_bytes > 0 && bytes >= 0, "receive");
            checked(zmq_send(router.get(), peer.data(), std::size_t(peer_bytes), ZMQ_SNDMORE) > 0,
                    "send");
            checked(zmq_send(router.get(), body.data(), std::size_t(bytes), 0) >= 0, "send");
        }
    });
    RawSocket dealer(ZMQ_DEALER);
    dealer.connect(at);
    std::string body(load.bytes, 'x');
    std::vector<double> times;
    for (std::uint64_t i = 0; i < load.messages; ++i) {
        const double before = clock_seconds();
        checked(zmq_send(dealer.get(), body.data(), body.size(), 0) >= 0, "send");
        checked(zmq_recv(dealer.get(), body.data(), body.size(), 0) >= 0, "receive");
        times.push_back((clock_seconds() - before) * 1e6);
    }
    echo.join();
    Figures figures;
    figures.messages = load.messages;
    figures.p50_us = median(times);
    return figures;
}

Figures raw_sync(const std::string& data_root, std::uint64_t times) {
    const File file(data_root);
    const std::string block(4096, 'x');
    checked(::pwrite(file.get(), block.data(), block.size(), 0) == ssize_t(block.size()), "write");
    checked(::fsync(file.get()) == 0, "fsync");
    std::vector<double> took;
    for (std::uint64_t i = 0; i < times; ++i) {
        const double before = clock_seconds();
        checked(::pwrite(file.get(), block.data(), block.size(), 0) == ssize_t(block.size()),
                "write");
        checked(::fdatasync(file.get()) == 0, "fdatasync");
        took.push_back((clock_seconds() - before) * 1e6);
    }
    Figures figures;
    figures.messages = times;
    figures.p50_us = median(took);
    return figures;
}

} // namespace flotilla::bench
