// SPDX-License-Identifier: Apache-2.0
#include "admin/unread_answers.hpp"

#include <algorithm>
#include <utility>

namespace flotilla::admin {

struct UnreadAnswers::Lent {
    std::shared_ptr<UnreadAnswers> from;
    std::string answer;
    int descriptor;
};

net::Part UnreadAnswers::lend(std::string answer, int descriptor) {
    auto lent = std::make_unique<Lent>(Lent{shared_from_this(), std::move(answer), descriptor});
    {
        const std::lock_guard lock(mutex_);
        bytes_[descriptor] += lent->answer.size();
        total_ += lent->answer.size();
    }
    char* const data = lent->answer.data();
    const std::size_t size = lent->answer.size();
    return net::Part::adopt(
        data, size,
        [](void*, void* hint) {
            const std::unique_ptr<Lent> done(static_cast<Lent*>(hint));
            done->from->give_back(done->descriptor, done->answer.size());
        },
        lent.release());
}

void UnreadAnswers::give_back(int descriptor, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    total_ -= bytes;
    const auto at = bytes_.find(descriptor);
    if ((at->second -= bytes) == 0)
        bytes_.erase(at);
}

std::optional<int> UnreadAnswers::heaviest_beyond(std::size_t bytes_max) const {
    const std::lock_guard lock(mutex_);
    if (total_ <= bytes_max)
        return std::nullopt;
    return std::max_element(bytes_.begin(), bytes_.end(),
                            [](const auto& a, const auto& b) { return a.second < b.second; })
        ->first;
}

std::size_t UnreadAnswers::bytes() const {
    const std::lock_guard lock(mutex_);
    return total_;
}

} // namespace flotilla::admin
