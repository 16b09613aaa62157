// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>

#include <cli/call/answers.hpp>

#include <utility>

namespace flotilla::cli {

std::uint64_t Answers::begin() {
    waiting_.emplace_back();
    return first_ + waiting_.size() - 1;
}

void Answers::forget_last() {
    FLOTILLA_CHECK(!waiting_.empty() && waiting_.back().ready.empty(),
                   "a request that was answered is forgotten");
    waiting_.pop_back();
}

Answers::Waiting& Answers::at(std::uint64_t request) {
    FLOTILLA_CHECK(request >= first_ && request - first_ < waiting_.size(),
                   "an answer to no request");
    return waiting_[request - first_];
}

void Answers::partial(Answered piece) {
    Waiting& waiting = at(piece.request);
    if (piece.restarted)
        waiting.parts = 0;
    piece.part = waiting.parts++;
    add(waiting, std::move(piece));
}

void Answers::end(Answered last) {
    Waiting& waiting = at(last.request);
    last.part = last.restarted ? 0 : waiting.parts;
    last.is_final = true;
    waiting.ended = true;
    add(waiting, std::move(last));
}

void Answers::add(Waiting& waiting, Answered answered) {
    if (order_ == Order::as_they_come)
        arrived_.push_back(answered.request);
    waiting.ready.push_back(std::move(answered));
}

std::optional<Answered> Answers::take(Waiting& waiting) {
    Answered answered = std::move(waiting.ready.front());
    waiting.ready.pop_front();
    return answered;
}

void Answers::drop_finished() {
    while (!waiting_.empty() && waiting_.front().ended && waiting_.front().ready.empty()) {
        waiting_.pop_front();
        ++first_;
    }
}

std::optional<Answered> Answers::next() {
    std::optional<Answered> answered;
    if (order_ == Order::as_they_come) {
        if (arrived_.empty())
            return std::nullopt;
        answered = take(at(arrived_.front()));
        arrived_.pop_front();
    } else {
        if (waiting_.empty() || waiting_.front().ready.empty())
            return std::nullopt;
        answered = take(waiting_.front());
    }
    drop_finished();
    return answered;
}

} // namespace flotilla::cli
