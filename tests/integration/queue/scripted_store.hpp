// SPDX-License-Identifier: Apache-2.0
//
// A store that a test plays: a ROUTER whose owner reads commands and says what it likes. It keeps
// sequences as a store must, unless it is told to forget.
#pragma once

#include <flotilla/net/context.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/queue/codec.hpp>
#include <flotilla/queue/put_pack.hpp>

#include <support/catch.hpp>
#include <support/scratch.hpp>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace flotilla::queue::test {

class ScriptedStore {
public:
    explicit ScriptedStore(net::Context& context,
                           const net::Endpoint& at = flotilla::test::any_tcp())
        : socket_(*net::Socket::open(context, net::SocketType::router)),
          endpoint_(bound(socket_, at)) {}

    const net::Endpoint& endpoint() const { return endpoint_; }

    struct Stored {
        std::string body{};
        std::string key{};
        bool maybe_duplicate = false;
    };
    std::map<std::string, std::vector<Stored>> queues; // by name: what was accepted
    std::map<std::pair<std::string, std::string>, std::uint64_t> sequences; // producer, queue
    std::optional<leased::ErrorCode> refuse_puts;                           // while set
    std::uint64_t puts = 0;
    bool is_silent = false; // reads, and says nothing

    // Reads and answers whatever is there.
    void serve(Duration wait = Duration::zero()) {
        for (auto message = socket_.receive(wait); message;
             message = socket_.receive(Duration::zero()))
            handle(*message);
    }

private:
    // The transport lets go of an endpoint some time after its last owner did.
    static net::Endpoint bound(net::Socket& socket, const net::Endpoint& at) {
        const Instant deadline = net::now() + 20s;
        for (;;) {
            auto endpoint = socket.bind(at);
            if (endpoint)
                return std::move(*endpoint);
            REQUIRE(endpoint.error().code == Errc::address_in_use);
            REQUIRE(net::now() < deadline);
        }
    }

    void handle(wire::Frames& message) {
        const auto head = leased::read_head(message, 1);
        REQUIRE(head);
        auto command = queue::read_command(*head, message);
        REQUIRE(command);
        if (is_silent)
            return;
        wire::Frames answer;
        answer.add(message[0].view());
        if (const auto* put = std::get_if<PutPacked>(&*command))
            queue::write(head->envelope, take(*put), answer);
        else
            queue::write(head->envelope, Event{leased::Event{leased::Pong{}}}, answer);
        (void)socket_.send(answer, Duration::zero());
    }

    Event take(const PutPacked& put) {
        ++puts;
        std::uint64_t& settled = sequences[{put.from.producer, put.queue}];
        using Code = leased::ErrorCode;
        if (refuse_puts && is_passing(*refuse_puts))
            return PutRefused{{0, 0, 0, settled, {}}, *refuse_puts, "as the test says"};
        if (refuse_puts)
            return leased::Event{leased::ErrorReply{*refuse_puts, "as the test says", 0, 0, 0}};
        if (settled == 0 && put.from.sequence > 1)
            return PutRefused{{0, 0, 0, 0, {}}, Code::unknown_producer, "say 1 first"};
        if (put.from.sequence > settled + 1)
            return PutRefused{{0, 0, 0, settled, {}}, Code::out_of_order, "a gap"};
        wire::Expander expander;
        auto reader = PutReader::open(put.packed.view(), expander);
        REQUIRE(reader);
        std::vector<Stored>& queue = queues[put.queue];
        PutOk ok;
        ok.first_id = queue.size() + 1;
        std::uint64_t sequence = put.from.sequence;
        for (; const auto record = reader->next(); ++sequence) {
            if (sequence <= settled) {
                ++ok.duplicates;
                continue;
            }
            queue.push_back({std::string(record->body.substr(6)), std::string(record->key),
                             put.from.maybe_duplicate});
            ++ok.accepted;
            settled = sequence;
        }
        ok.sequence = settled;
        return ok;
    }

    net::Socket socket_;
    net::Endpoint endpoint_;
};

} // namespace flotilla::queue::test
