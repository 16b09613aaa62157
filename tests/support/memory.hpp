// SPDX-License-Identifier: Apache-2.0
// How much memory a process has of its own: a test asks before and behind what must not grow.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>

namespace flotilla::test {

// Without what it maps of files.
inline std::uint64_t memory_bytes(pid_t process = ::getpid()) {
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    std::string word;
    while (status >> word)
        if (word == "RssAnon:" && status >> word)
            return std::stoull(word) * 1024;
    throw std::runtime_error("a process tells nothing of its memory");
}

// Not with a sanitizer, which keeps what was freed and has shadows of its own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool is_memory_told = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool is_memory_told = false;
#else
inline constexpr bool is_memory_told = true;
#endif
#else
inline constexpr bool is_memory_told = true;
#endif

// True where nothing is told.
inline bool uses_less_than(std::uint64_t bytes, pid_t process = ::getpid()) {
    return !is_memory_told || memory_bytes(process) < bytes;
}

inline constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

} // namespace flotilla::test
