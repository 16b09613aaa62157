// SPDX-License-Identifier: Apache-2.0
//
// The bytes of an OutboxLog's segments, for its two halves. Private to the component.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/queue/outbox_log.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace flotilla::queue::outbox {

inline constexpr std::string_view magic = "FLOBOX1\n";
inline constexpr std::size_t header_bytes = 16;
inline constexpr std::size_t entry_head_bytes = 9; // size, check, kind
inline constexpr std::uint8_t kind_lane = 1;
inline constexpr std::uint8_t kind_message = 2;
inline constexpr std::uint8_t kind_settled = 3;
inline constexpr std::uint8_t kind_segment = 4;
inline constexpr std::size_t lane_entry_bytes_max = 1024;
inline constexpr std::uint64_t segment_bytes_min = 64ULL << 10;

inline std::size_t padded(std::size_t bytes) noexcept {
    return (bytes + 3) & ~std::size_t{3};
}
inline std::size_t entry_bytes(std::size_t payload) noexcept {
    return padded(entry_head_bytes + payload);
}

std::uint32_t check_of(std::uint64_t segment, std::size_t offset, std::uint8_t kind,
                       ByteView payload) noexcept;
// What has to be told of a system call on `path` that failed with errno.
Error failure(const char* what, const std::filesystem::path& path);
Error damage(const std::filesystem::path& path, std::size_t offset, const std::string& what);
std::string segment_name(std::uint64_t number);

} // namespace flotilla::queue::outbox
