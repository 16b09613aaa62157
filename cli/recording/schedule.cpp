// SPDX-License-Identifier: Apache-2.0
#include <cli/recording/schedule.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

namespace flotilla::cli::recording {

Result<Speed> parse_speed(std::string_view text) {
    if (text == "max")
        return Speed{0.0};
    std::string number(text);
    if (!number.empty() && number.back() == 'x')
        number.pop_back();
    const bool plain =
        !number.empty() && number.find_first_not_of("0123456789.") == std::string::npos;
    char* end = nullptr;
    const double factor = plain ? std::strtod(number.c_str(), &end) : 0.0;
    if (!plain || *end != '\0' || !(factor >= 0.001) || !(factor <= 1000.0))
        return fail(Errc::bad_option,
                    "'" + std::string(text) +
                        "' is no speed; write 1, 2x, 0.5x (0.001 to 1000) or max");
    return Speed{factor};
}

Instant Schedule::due(Duration offset) noexcept {
    if (speed_.is_unlimited())
        return start_;
    if (!first_)
        first_ = offset;
    const double wait = static_cast<double>((offset - *first_).count()) / speed_.factor;
    // Beyond what a Duration holds (slow motion of years): never.
    if (wait >= 9.0e18)
        return never;
    return deadline_after(start_, Duration{std::max<Duration::rep>(0, std::llround(wait))});
}

void Schedule::sent(Instant due, Instant now) noexcept {
    if (!speed_.is_unlimited() && now > due)
        lateness_max_ = std::max(lateness_max_, now - due);
}

} // namespace flotilla::cli::recording
