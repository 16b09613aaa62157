// SPDX-License-Identifier: Apache-2.0
#include <flotilla/request/kept_answers.hpp>

#include <iterator>
#include <utility>

namespace flotilla::request {

void KeptAnswers::keep(KeptAnswer&& answer, Instant now) {
    answer.bytes = answer.body.held_bytes() + answer.text.size() + answer.id.size() +
                   answer.user.size() + answer.service.size();
    if (!takes(answer.bytes))
        return;
    answer.until = deadline_after(now, kept_for_);
    if (const auto before = by_name_.find({answer.user, answer.id}); before != by_name_.end())
        drop(before->second);
    while (answers_.size() >= answers_max_ || bytes_ + answer.bytes > bytes_max_)
        drop(answers_.begin());
    bytes_ += answer.bytes;
    answers_.push_back(std::move(answer));
    const Place place = std::prev(answers_.end());
    by_name_.emplace(RequestName{place->user, place->id}, place);
}

const KeptAnswer* KeptAnswers::find(const RequestName& name) const {
    const auto at = by_name_.find(name);
    return at == by_name_.end() ? nullptr : &*at->second;
}

void KeptAnswers::tick(Instant now) {
    while (!answers_.empty() && answers_.front().until <= now)
        drop(answers_.begin());
}

void KeptAnswers::drop(Place place) {
    by_name_.erase({place->user, place->id});
    bytes_ -= place->bytes;
    answers_.erase(place);
}

} // namespace flotilla::request
