// SPDX-License-Identifier: Apache-2.0
//
// UnreadAnswers: what the admin endpoint's peers have been sent and the transport still holds for
// them, by connection, so that those who ask and do not read cost a bounded memory. Safe from every
// thread: the transport gives back from its own.
#pragma once

#include <flotilla/net/part.hpp>

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace flotilla::admin {

class UnreadAnswers : public std::enable_shared_from_this<UnreadAnswers> {
public:
    // The answer as a frame for this connection; counted until the transport is done with it.
    net::Part lend(std::string answer, int descriptor);
    // Whoever has most of more than `bytes_max`.
    std::optional<int> heaviest_beyond(std::size_t bytes_max) const;
    std::size_t bytes() const;

private:
    struct Lent;
    void give_back(int descriptor, std::size_t bytes);

    mutable std::mutex mutex_{};
    std::unordered_map<int, std::size_t> bytes_{}; // by descriptor; none is 0
    std::size_t total_ = 0;
};

} // namespace flotilla::admin
