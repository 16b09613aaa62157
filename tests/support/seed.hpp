// SPDX-License-Identifier: Apache-2.0
// The seed of a randomised test: FLOTILLA_TEST_SEED when set, else the test's own default, so that
// a plain run is repeatable and a failure can be run again. Print it with INFO.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace flotilla::test {

inline std::uint64_t seed(std::uint64_t fallback) {
    const char* given = std::getenv("FLOTILLA_TEST_SEED");
    return given ? std::stoull(given) : fallback;
}

// The seeds of a case of a simulator, to be gone through: `usual` many, or FLOTILLA_SIM_SEEDS, or,
// where a sanitizer makes each step ten times as long, an eighth. FLOTILLA_TEST_SEED chooses
// another series, of other seeds; FLOTILLA_SIM_SEED is one seed alone, as a failure names it.
class Seeds {
public:
    explicit Seeds(std::uint64_t usual) : count_(count_of(usual)) {
        if (const char* one = std::getenv("FLOTILLA_SIM_SEED")) {
            first_ = std::stoull(one);
            count_ = 1;
        }
    }
    std::uint64_t count() const noexcept { return count_; }
    // Whether what happens now and then must have happened.
    bool are_many() const noexcept { return count_ >= 20; }
    struct Iterator { // std::views::iota is beyond Clang 14
        std::uint64_t seed;
        std::uint64_t operator*() const noexcept { return seed; }
        Iterator& operator++() noexcept {
            ++seed;
            return *this;
        }
        bool operator!=(const Iterator& other) const noexcept { return seed != other.seed; }
    };
    Iterator begin() const noexcept { return {first_}; }
    Iterator end() const noexcept { return {first_ + count_}; }
    void limit(std::uint64_t min, std::uint64_t max) { count_ = std::clamp(count_, min, max); }

private:
    static std::uint64_t count_of(std::uint64_t usual) {
        if (const char* given = std::getenv("FLOTILLA_SIM_SEEDS"))
            return std::stoull(given);
        return is_sanitized ? std::max(usual / 8, std::min<std::uint64_t>(usual, 40)) : usual;
    }
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    static constexpr bool is_sanitized = true;
#elif defined(__has_feature)
    static constexpr bool is_sanitized =
        __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
    static constexpr bool is_sanitized = false;
#endif

    std::uint64_t first_ = seed(1) * 1'000'000;
    std::uint64_t count_;
};

} // namespace flotilla::test
