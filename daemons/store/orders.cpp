// SPDX-License-Identifier: Apache-2.0
#include "store/orders.hpp"

#include "admin/daemon.hpp"

#include <flotilla/base/units.hpp>

#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

namespace flotilla::store_daemon {
namespace {

using admin::Answer;
using queue::leased::ErrorCode;

constexpr std::uint32_t rows_default = 50;
constexpr std::uint32_t pages_max = 100; // looked through for one message

std::string text(const admin::Order& order, std::string_view key) {
    const auto found = order.arguments.find(key);
    return found == order.arguments.end() ? std::string{} : found->second;
}

Result<std::uint64_t> count(const admin::Order& order, std::string_view key, std::uint64_t min,
                            std::uint64_t max, std::uint64_t otherwise) {
    const std::string given = text(order, key);
    if (given.empty())
        return otherwise;
    auto number = parse_count(given, min, max);
    if (!number)
        return fail(Errc::bad_option, std::string(key) + ": " + number.error().detail);
    return number;
}

Result<std::uint64_t> id_of(const admin::Order& order) {
    if (text(order, "id").empty())
        return fail(Errc::bad_option, "which message? id is missing");
    return count(order, "id", 1, std::numeric_limits<std::uint64_t>::max(), 0);
}

Result<queue::Command> peek(const admin::Order& order) {
    const auto rows = count(order, "rows", 1, queue::limits::page_max, rows_default);
    if (!rows)
        return fail(rows.error());
    queue::Peek peek;
    peek.queue = text(order, "queue");
    peek.after = text(order, "after");
    peek.delayed = text(order, "delayed") == "true" || text(order, "delayed") == "1";
    peek.page = static_cast<std::uint32_t>(*rows);
    return queue::Command{std::move(peek)};
}

Result<queue::Command> redrive(const admin::Order& order) {
    if (!text(order, "id").empty()) {
        const auto id = id_of(order);
        if (!id)
            return fail(id.error());
        return queue::Command{queue::Kick{text(order, "queue"), *id}};
    }
    const auto messages = count(order, "messages", 0, std::numeric_limits<std::uint64_t>::max(), 0);
    if (!messages)
        return fail(messages.error());
    return queue::Command{queue::Redrive{text(order, "queue"), *messages}};
}

std::uint16_t http_code(ErrorCode code) {
    switch (code) {
    case ErrorCode::no_queue:
    case ErrorCode::not_found:
        return 404;
    case ErrorCode::not_allowed:
        return 403;
    case ErrorCode::busy:
    case ErrorCode::draining:
    case ErrorCode::full:
        return 503;
    case ErrorCode::bad_option:
        return 400;
    default:
        return 409;
    }
}

Answer refusal(const queue::leased::ErrorReply& error) {
    return admin::refused(http_code(error.code), queue::leased::name(error.code), error.text);
}

// Every answer but a page of messages.
Answer done_or_refused(queue::Event&& event) {
    if (const auto* done = std::get_if<queue::Done>(&event))
        return {200, R"({"messages":)" + std::to_string(done->done) + "}"};
    if (const auto* inner = std::get_if<queue::leased::Event>(&event))
        if (const auto* error = std::get_if<queue::leased::ErrorReply>(inner))
            return refusal(*error);
    return admin::refused(503, "busy", "the store gave no answer");
}

void browse(queue::QueueServer& server, queue::Command command,
            const std::function<void(Answer)>& answered) {
    const Status asked = server.ask(std::move(command), [answered](queue::Event&& event) {
        if (const auto* page = std::get_if<queue::PeekReply>(&event))
            return answered({200, browse_json(*page)});
        answered(done_or_refused(std::move(event)));
    });
    if (!asked)
        answered(admin::refused(503, name(asked.error().code), asked.error().detail));
}

// Looks for one message, a page a turn: the store finds messages by place, not by number.
struct Search : std::enable_shared_from_this<Search> {
    queue::QueueServer& server;
    queue::Peek peek{};
    queue::MessageId id = 0;
    std::uint32_t pages_left = pages_max;
    std::function<void(Answer)> answered{};

    explicit Search(queue::QueueServer& of) : server(of) {}

    void look() {
        const Status asked =
            server.ask(queue::Command{peek}, [self = shared_from_this()](queue::Event&& event) {
                self->hear(std::move(event));
            });
        if (!asked)
            answered(admin::refused(503, name(asked.error().code), asked.error().detail));
    }
    void hear(queue::Event&& event) {
        const auto* page = std::get_if<queue::PeekReply>(&event);
        if (page == nullptr)
            return answered(done_or_refused(std::move(event)));
        for (const queue::PeekReply::Message& each : page->messages)
            if (each.id == id)
                return answered({200, message_json(each)});
        if (page->next.empty() || --pages_left == 0)
            return answered(admin::refused(404, "not_found",
                                           "the message is not (any more) among those that wait"));
        peek.after = page->next;
        look();
    }
};

void find(queue::QueueServer& server, const admin::Order& order, std::uint64_t id,
          std::function<void(Answer)> answered) {
    const auto search = std::make_shared<Search>(server);
    search->peek.queue = text(order, "queue");
    search->peek.after = text(order, "after");
    search->peek.delayed = text(order, "delayed") == "true" || text(order, "delayed") == "1";
    search->peek.page = queue::limits::page_max;
    search->id = id;
    search->answered = std::move(answered);
    search->look();
}

} // namespace

Result<queue::Command> command_of(const admin::Order& order) {
    if (text(order, "queue").empty())
        return fail(Errc::bad_option, "which queue? queue is missing");
    if (order.verb == "browse")
        return peek(order);
    if (order.verb == "purge")
        return queue::Command{queue::Purge{text(order, "queue")}};
    if (order.verb == "redrive")
        return redrive(order);
    const auto id = id_of(order);
    if (!id)
        return fail(id.error());
    return queue::Command{queue::Kick{text(order, "queue"), *id}};
}

void obey(queue::QueueServer& server, const admin::Order& order,
          std::function<void(Answer)> answered) {
    const bool is_message = order.verb == "message";
    if (!is_message && order.verb != "browse" && order.verb != "purge" && order.verb != "redrive" &&
        order.verb != "kick")
        return answered(admin::unknown_verb());
    auto command = command_of(order);
    if (!command)
        return answered(admin::refused(400, name(command.error().code), command.error().detail));
    if (is_message)
        return find(server, order, std::get<queue::Kick>(*command).id, std::move(answered));
    if (std::holds_alternative<queue::Peek>(*command))
        return browse(server, std::move(*command), answered);
    const Status asked = server.ask(std::move(*command), [answered](queue::Event&& event) {
        answered(done_or_refused(std::move(event)));
    });
    if (!asked)
        answered(admin::refused(503, name(asked.error().code), asked.error().detail));
}

} // namespace flotilla::store_daemon
