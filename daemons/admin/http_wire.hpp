// SPDX-License-Identifier: Apache-2.0
//
// HttpWire: the bytes of all HTTP connections, in and out, on a thread of its own, so that nobody
// who works on a request waits for a peer, however slowly it speaks or reads.
//
//     reading --whole, or cut short--> asked --answer()--> writing --> leaving --> closed
//        |                                                    |
//        +--------------- its time is over, or newer ones need the place -----> closed
//
// Bounded: connections_max on their way in and in each of these stages; answers_bytes_max of
// answers that wait to be read, and as much of answers that are on their way here from the threads.
// Where few descriptors are left, a newcomer takes the place of another.
// Who is there longest gives way: an honest peer is through in a moment. A request stays here until
// a thread takes it, and goes with its connection; from then on, until its answer is here, nobody
// takes its place.
#pragma once

#include "admin/http_server.hpp"

#include <flotilla/base/time.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace flotilla::admin {

class HttpWire {
public:
    static constexpr std::size_t answers_bytes_max = 64 << 20;

    struct Request {
        std::uint64_t number = 0; // of the connection
        std::string bytes{};      // head and body; of one that was cut short, what came
        std::string peer{};       // "127.0.0.1"
        int port = 0;
    };
    // `arrived` asks for one take() on another thread. It is called on the wire's, and must not
    // wait; of its calls at most connections_max have not come to their take().
    explicit HttpWire(std::function<void()> arrived,
                      std::size_t answers_bytes_most = answers_bytes_max);
    HttpWire(const HttpWire&) = delete;
    HttpWire& operator=(const HttpWire&) = delete;
    ~HttpWire(); // stop(0)

    // False: there was no descriptor left for it, and it does nothing.
    bool is_open() const noexcept { return event_ >= 0; }
    // Takes an accepted socket. From any thread, as the next.
    void enter(int socket);
    // The request that waits longest; nothing when who sent it has been hung up on.
    std::optional<Request> take();
    // Once for each request that was taken. Nothing to say, or more than answers_bytes_max: it is
    // hung up on.
    void answer(std::uint64_t number, std::string bytes);
    // Reads no more; answers have `grace` to be given and to leave.
    void stop(Duration grace);

private:
    enum class Stage : std::uint8_t { reading, asked, writing, leaving };
    struct Connection {
        int socket = -1;
        Stage stage = Stage::reading;
        Instant until{};
        std::string bytes{};   // of the request, then of the answer
        std::size_t done = 0;  // looked through for the end of the head; then, sent
        std::size_t whole = 0; // how long the request is; 0: its head is not there
    };
    using Connections = std::map<std::uint64_t, Connection>; // longest there first

    void run();
    void take_in();
    void work(Connections::iterator at);
    void read(Connections::iterator at);
    void ask(Connections::iterator at);
    void write(Connections::iterator at);
    void leave(Connections::iterator at);
    void hang_up(Connections::iterator at);
    void make_room(Stage stage);
    bool make_room_of_descriptors(int newest);
    void make_room_to_ask();
    void make_room_for_answer(std::size_t bytes);
    void sweep(Instant now);

    std::function<void()> arrived_;
    std::size_t answers_bytes_max_;
    int event_;
    std::mutex mutex_{};
    std::vector<int> entering_{}; // with mutex_, as the next five
    std::vector<std::pair<std::uint64_t, std::string>> answers_{};
    std::size_t answers_bytes_ = 0;               // of these
    std::map<std::uint64_t, Request> requests_{}; // of those in Stage::asked; not taken yet
    std::size_t calls_ = 0;                       // of arrived_ that take() does not know of yet
    Instant stop_at_ = never;
    Connections connections_{};
    std::uint64_t last_number_ = 0;
    static constexpr std::size_t all_places = ~std::size_t{0};
    std::size_t places_ = all_places; // for connections; fewer where descriptors are
    Instant leaves_at_ = never;       // stop_at_, as the thread knows it
    std::thread thread_{};            // only when it is open
};

// How long the request is whose beginning this is; 0: its head has not ended. A body that is longer
// than is taken, or comes in chunks, is not waited for. Pure.
std::size_t http_request_size(std::string_view bytes);

} // namespace flotilla::admin
