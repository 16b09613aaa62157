// SPDX-License-Identifier: Apache-2.0
#include "admin/http_wire.hpp"

#include <flotilla/base/check.hpp>
#include <flotilla/base/units.hpp>
#include <flotilla/net/system.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iterator>
#include <string_view>

namespace flotilla::admin {
namespace {

constexpr Duration farewell_max = 100ms; // so that an answer is not lost with a reset
constexpr std::size_t farewell_bytes_max = 256 << 10;
constexpr std::string_view head_end = "\r\n\r\n";

// Peers stop at a reserve (net/descriptors); at most half of it is HTTP's. The rest is for whoever
// takes a descriptor for a moment: where libzmq finds none for an ipc peer, it aborts.
bool is_short_of_descriptors(int newest) noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return false;
    const rlim_t kept = std::clamp<rlim_t>(limit.rlim_cur / 16, 16, 512);
    return static_cast<rlim_t>(newest) + kept >= limit.rlim_cur;
}

void name_peer(int socket, HttpWire::Request& request) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        return;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.ss_family == AF_INET) {
        const auto& inet = reinterpret_cast<const sockaddr_in&>(address);
        ::inet_ntop(AF_INET, &inet.sin_addr, text.data(), text.size());
        request.port = ntohs(inet.sin_port);
    } else if (address.ss_family == AF_INET6) {
        const auto& inet = reinterpret_cast<const sockaddr_in6&>(address);
        ::inet_ntop(AF_INET6, &inet.sin6_addr, text.data(), text.size());
        request.port = ntohs(inet.sin6_port);
    }
    request.peer = text.data();
}

bool is_same_name(std::string_view given, std::string_view name) {
    return std::equal(given.begin(), given.end(), name.begin(), name.end(),
                      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

// Of Content-Length; 0 when there is none that counts.
std::size_t body_bytes(std::string_view head) {
    while (!head.empty()) {
        const std::string_view line = head.substr(0, head.find("\r\n"));
        head.remove_prefix(std::min(head.size(), line.size() + 2));
        const std::size_t colon = line.find(':');
        if (colon == line.npos || !is_same_name(line.substr(0, colon), "content-length"))
            continue;
        std::string_view value = line.substr(colon + 1);
        value.remove_prefix(std::min(value.size(), value.find_first_not_of(" \t")));
        const auto count = parse_count(value, 0, HttpServer::body_bytes_max);
        return count ? static_cast<std::size_t>(*count) : 0;
    }
    return 0;
}

void wake(int event) {
    const std::uint64_t one = 1;
    (void)!::write(event, &one, sizeof one); // fails where it is readable already
}

} // namespace

std::size_t http_request_size(std::string_view bytes) {
    const std::size_t end = bytes.find(head_end);
    if (end == bytes.npos)
        return 0;
    return end + head_end.size() + body_bytes(bytes.substr(0, end));
}

HttpWire::HttpWire(std::function<void()> arrived, std::size_t answers_bytes_most)
    : arrived_(std::move(arrived)), answers_bytes_max_(answers_bytes_most),
      event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (event_ >= 0) // else nobody could tell the thread anything, not even to stop
        thread_ = std::thread([this] { run(); });
}

HttpWire::~HttpWire() {
    stop(Duration::zero());
    if (event_ >= 0)
        ::close(event_);
}

void HttpWire::enter(int socket) {
    const std::lock_guard lock(mutex_);
    if (entering_.size() == HttpServer::connections_max) { // it would be hung up on there
        ::close(entering_.front());
        entering_.erase(entering_.begin());
    }
    entering_.push_back(socket);
    wake(event_);
}

std::optional<HttpWire::Request> HttpWire::take() {
    const std::lock_guard lock(mutex_);
    calls_ -= std::min<std::size_t>(calls_, 1);
    if (requests_.empty())
        return std::nullopt;
    return std::move(requests_.extract(requests_.begin()).mapped());
}

void HttpWire::answer(std::uint64_t number, std::string bytes) {
    const std::lock_guard lock(mutex_);
    if (bytes.size() > answers_bytes_max_ - std::min(answers_bytes_, answers_bytes_max_))
        bytes = {};
    answers_bytes_ += bytes.size();
    answers_.emplace_back(number, std::move(bytes));
    wake(event_);
}

void HttpWire::stop(Duration grace) {
    if (!thread_.joinable())
        return;
    {
        const std::lock_guard lock(mutex_);
        stop_at_ = deadline_after(net::now(), grace);
        wake(event_);
    }
    thread_.join();
    for (const int socket : entering_) // came too late
        ::close(socket);
    entering_.clear();
}

void HttpWire::run() {
    for (;;) {
        take_in();
        const Instant now = net::now();
        sweep(now);
        const bool owes_answers =
            std::any_of(connections_.begin(), connections_.end(), [](const auto& each) {
                return each.second.stage == Stage::asked || each.second.stage == Stage::writing;
            });
        if (leaves_at_ != never && (!owes_answers || now >= leaves_at_))
            break;
        Instant until = leaves_at_;
        std::vector<pollfd> items{{event_, POLLIN, 0}};
        std::vector<std::uint64_t> numbers{0};
        for (const auto& [number, each] : connections_) {
            if (each.stage == Stage::asked)
                continue; // its socket is looked at again with the answer
            until = std::min(until, each.until);
            const short events = each.stage == Stage::writing ? POLLOUT : POLLIN;
            items.push_back({each.socket, events, 0});
            numbers.push_back(number);
        }
        int wait = -1;
        if (until != never)
            wait = static_cast<int>(
                std::chrono::ceil<std::chrono::milliseconds>(time_left(now, until)).count());
        if (::poll(items.data(), items.size(), wait) < 0 && errno != EINTR)
            break;
        for (std::size_t i = 1; i < items.size(); ++i)
            if (items[i].revents != 0)
                if (const auto at = connections_.find(numbers[i]); at != connections_.end())
                    work(at);
    }
    while (!connections_.empty())
        hang_up(connections_.begin());
}

void HttpWire::take_in() {
    std::vector<int> entering;
    std::vector<std::pair<std::uint64_t, std::string>> answers;
    {
        const std::lock_guard lock(mutex_);
        std::uint64_t count = 0;
        (void)!::read(event_, &count, sizeof count);
        entering.swap(entering_);
        answers.swap(answers_);
        answers_bytes_ = 0;
        leaves_at_ = stop_at_;
    }
    const Instant now = net::now();
    for (const int socket : entering) {
        make_room(Stage::reading);
        if (!make_room_of_descriptors(socket)) {
            ::close(socket);
            continue;
        }
        Connection& connection = connections_[++last_number_];
        connection.socket = socket;
        connection.until = deadline_after(now, HttpServer::request_time_max);
    }
    for (auto& [number, bytes] : answers) {
        const auto at = connections_.find(number);
        if (at == connections_.end())
            continue;
        make_room_for_answer(bytes.size());
        Connection& connection = at->second;
        connection.stage = Stage::writing;
        connection.until = deadline_after(now, HttpServer::answer_time_max);
        connection.bytes = std::move(bytes);
        connection.done = 0;
        write(at);
    }
}

// Where few are left there are no more connections than now. False: there is no place for one.
bool HttpWire::make_room_of_descriptors(int newest) {
    if (is_short_of_descriptors(newest))
        places_ = std::clamp<std::size_t>(connections_.size(), 1, places_);
    else if (connections_.size() < places_ / 2)
        places_ = all_places; // the holes that it left are free
    if (connections_.size() < places_)
        return true;
    const auto first = std::find_if(connections_.begin(), connections_.end(), [](const auto& each) {
        return each.second.stage != Stage::asked;
    });
    if (first == connections_.end())
        return false;
    hang_up(first);
    return true;
}

// The one that is longest in the stage goes when it is full.
void HttpWire::make_room(Stage stage) {
    std::size_t count = 0;
    auto first = connections_.end();
    for (auto at = connections_.begin(); at != connections_.end(); ++at)
        if (at->second.stage == stage && ++count == 1)
            first = at;
    if (count >= HttpServer::connections_max)
        hang_up(first);
}

// Only among those that no thread has taken: the others are being worked for.
void HttpWire::make_room_to_ask() {
    std::optional<std::uint64_t> first;
    {
        const std::lock_guard lock(mutex_);
        if (requests_.size() < HttpServer::connections_max)
            return;
        first = requests_.begin()->first;
        requests_.erase(requests_.begin()); // now no thread takes it any more
    }
    hang_up(connections_.find(*first));
}

void HttpWire::make_room_for_answer(std::size_t bytes) {
    make_room(Stage::writing);
    for (const auto& [number, each] : connections_)
        if (each.stage == Stage::writing)
            bytes += each.bytes.size();
    for (auto at = connections_.begin(); at != connections_.end() && bytes > answers_bytes_max_;) {
        const auto next = std::next(at);
        if (at->second.stage == Stage::writing) {
            bytes -= at->second.bytes.size();
            hang_up(at);
        }
        at = next;
    }
}

void HttpWire::work(Connections::iterator at) {
    switch (at->second.stage) {
    case Stage::reading:
        return read(at);
    case Stage::writing:
        return write(at);
    case Stage::leaving:
        return leave(at);
    case Stage::asked:
        return;
    }
}

void HttpWire::read(Connections::iterator at) {
    Connection& connection = at->second;
    std::array<char, 16 << 10> buffer{};
    const ssize_t count = ::recv(connection.socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count < 0 || (count == 0 && connection.bytes.empty()))
        return hang_up(at);
    if (count == 0)
        return ask(at); // the library says what is missing
    connection.bytes.append(buffer.data(), static_cast<std::size_t>(count));
    if (connection.whole == 0) {
        // The end may lie across what came before.
        const std::size_t from = connection.done - std::min(connection.done, head_end.size());
        if (connection.bytes.find(head_end, from) != std::string::npos)
            connection.whole = http_request_size(connection.bytes);
        connection.done = connection.bytes.size();
    }
    const bool is_head_too_long =
        connection.whole == 0 && connection.bytes.size() > HttpServer::head_bytes_max;
    if (is_head_too_long || (connection.whole > 0 && connection.bytes.size() >= connection.whole))
        ask(at);
}

void HttpWire::ask(Connections::iterator at) {
    make_room_to_ask();
    Connection& connection = at->second;
    connection.stage = Stage::asked;
    Request request{at->first, std::move(connection.bytes), {}, 0};
    connection.bytes.clear();
    name_peer(connection.socket, request);
    {
        const std::lock_guard lock(mutex_);
        requests_.emplace(at->first, std::move(request));
        if (calls_ >= requests_.size())
            return; // who was called for one that is gone takes this one
        ++calls_;
    }
    arrived_();
}

void HttpWire::write(Connections::iterator at) {
    Connection& connection = at->second;
    while (connection.done < connection.bytes.size()) {
        const ssize_t count =
            ::send(connection.socket, connection.bytes.data() + connection.done,
                   connection.bytes.size() - connection.done, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0 && errno == EAGAIN)
            return;
        if (count < 0 && errno != EINTR)
            return hang_up(at);
        if (count > 0)
            connection.done += static_cast<std::size_t>(count);
    }
    if (connection.bytes.empty())
        return hang_up(at);
    make_room(Stage::leaving);
    ::shutdown(connection.socket, SHUT_WR);
    connection.stage = Stage::leaving;
    connection.until = deadline_after(net::now(), farewell_max);
    connection.bytes = {};
    connection.done = 0;
}

// What the peer still sends is read for a moment.
void HttpWire::leave(Connections::iterator at) {
    Connection& connection = at->second;
    std::array<char, 16 << 10> buffer{};
    const ssize_t count = ::recv(connection.socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    connection.done += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
    if (count <= 0 || connection.done > farewell_bytes_max)
        hang_up(at);
}

void HttpWire::hang_up(Connections::iterator at) {
    if (at->second.stage == Stage::asked) {
        const std::lock_guard lock(mutex_);
        requests_.erase(at->first); // nobody works for who is gone
    }
    ::close(at->second.socket);
    connections_.erase(at);
}

void HttpWire::sweep(Instant now) {
    for (auto at = connections_.begin(); at != connections_.end();) {
        const auto next = std::next(at);
        const Connection& each = at->second;
        const bool is_late = each.stage != Stage::asked && now >= each.until;
        if (is_late || (leaves_at_ != never && each.stage == Stage::reading))
            hang_up(at);
        at = next;
    }
}

} // namespace flotilla::admin
