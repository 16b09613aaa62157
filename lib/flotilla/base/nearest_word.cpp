// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/settings.hpp>

#include <algorithm>
#include <numeric>

namespace flotilla {

namespace {

// Damerau-Levenshtein (adjacent letters swapped count once), over three rows.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({change, last[j] + 1, row[j - 1] + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        std::swap(before, last);
        std::swap(last, row);
    }
    return last[b.size()];
}

} // namespace

std::optional<std::string> nearest_word(std::string_view word,
                                        const std::vector<std::string>& candidates) {
    constexpr std::size_t word_bytes_max = 64; // nobody misspells more, and the cost is quadratic
    if (word.size() > word_bytes_max)
        return std::nullopt;
    std::optional<std::string> best;
    std::optional<std::string> longer; // that begins so
    std::size_t best_distance = (word.size() + 2) / 3;
    const auto begins = [word](const std::string& other) { return other.rfind(word, 0) == 0; };
    for (const std::string& candidate : candidates) {
        if (word.size() >= 3 && candidate.size() > word.size() && begins(candidate))
            longer = longer ? longer : candidate;
        const std::size_t d = distance(word, candidate);
        const bool is_nearer = d < best_distance || !best || (begins(candidate) && !begins(*best));
        if (d <= best_distance && is_nearer) {
            best = candidate;
            best_distance = d;
        }
    }
    return longer && (!best || best_distance > 1) ? longer : best;
}

} // namespace flotilla
