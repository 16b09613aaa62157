// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/system.hpp>

#include <cli/doctor/command_frame.hpp>
#include <cli/doctor/greet.hpp>

namespace flotilla::cli::doctor {
namespace {

// Reads until the greeting is whole. Some peers answer only to a whole greeting, but one that names
// another mechanism makes libzmq close before its own is out: so the opening first, and the rest
// when that brought nothing in half the time.
Greeted read_answer(PlainConnection& connection, const std::string& greeting, Instant deadline) {
    using Sent = Greeted::Sent;
    Sent sent = Sent::opening;
    Instant patience = net::now() + time_left(net::now(), deadline) / 2;
    while (true) {
        GreetingOutcome outcome = judge_greeting(connection.received());
        if (const auto* greeted = std::get_if<Greeting>(&outcome))
            return {sent, {Answer::Kind::greeting, *greeted, {}, {}, {}}, {}};
        const bool nothing_read = connection.received().empty();
        Answer answer{nothing_read ? Answer::Kind::closed : Answer::Kind::stranger, {}, {}, {}, {}};
        if (const auto* stranger = std::get_if<Stranger>(&outcome)) {
            answer.protocol = stranger->name.value_or("");
            answer.excerpt = excerpt(connection.received());
            return {sent, answer, {}};
        }
        // As a daemon does that hangs up on whom it does not want: libzmq has greeted by then.
        const bool began = !nothing_read && connection.received().front() == '\xFF';
        switch (connection.receive(sent == Sent::whole ? deadline : patience)) {
        case PlainConnection::Got::bytes:
            break;
        case PlainConnection::Got::end:
            if (began)
                answer.kind = Answer::Kind::closed;
            answer.excerpt = excerpt(connection.received());
            return {sent, answer, {}};
        case PlainConnection::Got::nothing:
            if (sent == Sent::whole) {
                answer.kind = nothing_read ? Answer::Kind::silent
                              : began      ? Answer::Kind::stalled
                                           : Answer::Kind::stranger;
                answer.excerpt = excerpt(connection.received());
                return {sent, answer, {}};
            }
            sent = Sent::whole;
            connection.send(ByteView(greeting).substr(greeting_opening_bytes), deadline);
        }
    }
}

Introduction read_introduction(PlainConnection& connection, Instant deadline) {
    Introduction said;
    while (true) {
        const CommandOutcome outcome =
            decode_command(ByteView(connection.received()).substr(greeting_bytes));
        if (const auto* command = std::get_if<CommandFrame>(&outcome)) {
            if (command->name == "ERROR")
                said.error = decode_reason(command->data);
            const auto properties =
                command->name == "READY" ? decode_properties(command->data) : std::nullopt;
            if (properties) {
                said.socket_type = property(*properties, "Socket-Type");
                said.identity = property(*properties, "Identity").value_or("");
            }
            return said;
        }
        if (std::holds_alternative<NotACommand>(outcome))
            return said;
        const auto got = connection.receive(deadline);
        if (got != PlainConnection::Got::bytes) {
            said.closed = got == PlainConnection::Got::end;
            return said;
        }
    }
}

} // namespace

Greeted greet(PlainConnection& connection, Instant deadline) {
    const std::string greeting = encode(Greeting{});
    const Instant began = net::now();
    connection.send(ByteView(greeting).substr(0, greeting_opening_bytes), deadline);
    Greeted result = read_answer(connection, greeting, deadline);
    result.answer.took = net::now() - began;
    const Greeting& theirs = result.answer.greeting;
    if (!theirs.socket_type.empty())
        result.introduction.socket_type = theirs.socket_type;
    if (result.answer.kind != Answer::Kind::greeting || theirs.major < 3 ||
        theirs.mechanism != "NULL")
        return result;
    connection.send(ByteView(greeting).substr(greeting_opening_bytes), deadline);
    result.sent = Greeted::Sent::whole;
    result.introduction = read_introduction(connection, deadline);
    return result;
}

bool hangs_up(PlainConnection& connection, Instant deadline) {
    constexpr std::size_t bytes_max = 1 << 20; // who says that much has let us in
    auto got = PlainConnection::Got::bytes;
    while (got == PlainConnection::Got::bytes && connection.received().size() < bytes_max)
        got = connection.receive(deadline);
    return got == PlainConnection::Got::end;
}

std::optional<std::string> ask_as_browser(PlainConnection& connection, Instant deadline) {
    connection.send("GET / HTTP/1.0\r\n\r\n", deadline);
    while (connection.receive(deadline) == PlainConnection::Got::bytes)
        if (connection.received().size() >= 16)
            break;
    return name_protocol(connection.received());
}

} // namespace flotilla::cli::doctor
