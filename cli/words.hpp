// SPDX-License-Identifier: Apache-2.0
//
// Sentences with a number in them, and lists, for people.
#pragma once

#include <flotilla/wire/frames.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::cli {

// "1 message", "2 messages".
inline std::string counted(std::uint64_t count, const std::string& what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}
// The same as a subject: "1 message is", "2 messages are".
inline std::string counted_are(std::uint64_t count, const std::string& what) {
    return counted(count, what) + (count == 1 ? " is" : " are");
}

inline std::string counted_were(std::uint64_t count, const std::string& what) {
    return counted(count, what) + (count == 1 ? " was" : " were");
}

// "a, b, c" for ", ".
inline std::string joined(const std::vector<std::string>& words, const char* separator) {
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : separator) + word;
    return text;
}

// Those from `from` on.
inline std::string joined(const wire::Frames& frames, std::string_view separator,
                          std::size_t from = 0) {
    std::string text;
    for (std::size_t i = from; i < frames.size(); ++i) {
        if (i > from)
            text += separator;
        text += frames[i].view();
    }
    return text;
}

} // namespace flotilla::cli
