// SPDX-License-Identifier: Apache-2.0
// The order in which `zmq call` prints what comes.
#include <cli/call/answers.hpp>
#include <support/catch.hpp>

#include <string>

using namespace flotilla;
using namespace flotilla::cli;

namespace {

wire::Frames frames(const std::string& text) {
    return wire::Frames{ByteView{text}};
}

void end(Answers& answers, std::uint64_t request, Result<wire::Frames> body) {
    Answered last;
    last.request = request;
    last.body = std::move(body);
    answers.end(std::move(last));
}

enum class Begins { no, again };

void piece(Answers& answers, std::uint64_t request, wire::Frames body, Begins begins = Begins::no) {
    Answered piece;
    piece.request = request;
    piece.restarted = begins == Begins::again;
    piece.body = std::move(body);
    answers.partial(std::move(piece));
}

// What is next: "2" the end of request 2, "2.0" its first part, "2!" a failure, "" nothing.
std::string next(Answers& answers) {
    const auto answered = answers.next();
    if (!answered)
        return "";
    std::string text = std::to_string(answered->request);
    if (!answered->body)
        return text + "!";
    if (!answered->is_final)
        text += "." + std::to_string(answered->part) + (answered->restarted ? "r" : "");
    return text;
}

} // namespace

TEST_CASE("answers come out in the order of their requests") {
    Answers answers(Answers::Order::of_requests, 8);
    for (std::uint64_t i = 1; i <= 3; ++i)
        CHECK(answers.begin() == i);
    end(answers, 3, frames("c"));
    end(answers, 2, fail(Errc::refused, "no"));
    CHECK(next(answers).empty());
    end(answers, 1, frames("a"));
    CHECK(next(answers) == "1");
    CHECK(next(answers) == "2!");
    CHECK(next(answers) == "3");
    CHECK(next(answers).empty());
    CHECK(answers.empty());
    CHECK(answers.begin() == 4);
}

TEST_CASE("pieces of the oldest request come out at once, of others in their turn") {
    Answers answers(Answers::Order::of_requests, 8);
    answers.begin();
    answers.begin();
    piece(answers, 2, frames("x"));
    CHECK(next(answers).empty());
    piece(answers, 1, frames("a"));
    CHECK(next(answers) == "1.0");
    piece(answers, 1, frames("b"));
    CHECK(next(answers) == "1.1");
    CHECK(next(answers).empty());
    piece(answers, 1, frames("a"), Begins::again); // another worker began again
    CHECK(next(answers) == "1.0r");
    end(answers, 1, frames("z"));
    CHECK(next(answers) == "1");
    CHECK(next(answers) == "2.0");
    CHECK_FALSE(answers.empty());
}

TEST_CASE("unordered answers come out as they come") {
    Answers answers(Answers::Order::as_they_come, 8);
    for (int i = 0; i < 3; ++i)
        answers.begin();
    end(answers, 3, frames("c"));
    piece(answers, 1, frames("a"));
    CHECK(next(answers) == "3");
    CHECK(next(answers) == "1.0");
    end(answers, 2, frames("b"));
    end(answers, 1, frames("a"));
    CHECK(next(answers) == "2");
    CHECK(next(answers) == "1");
    CHECK(answers.empty());
    CHECK(answers.begin() == 4);
}

TEST_CASE("what waits for its turn is bounded") {
    Answers answers(Answers::Order::of_requests, 2);
    answers.begin();
    answers.begin();
    CHECK_FALSE(answers.has_room());
    end(answers, 2, frames("b")); // answered, but not yet given out
    CHECK_FALSE(answers.has_room());
    end(answers, 1, frames("a"));
    CHECK(next(answers) == "1");
    CHECK(answers.has_room());
}

TEST_CASE("a request that could not be sent leaves no gap") {
    Answers answers(Answers::Order::of_requests, 8);
    answers.begin();
    CHECK(answers.begin() == 2);
    answers.forget_last();
    CHECK(answers.begin() == 2);
}
