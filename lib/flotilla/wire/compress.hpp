// SPDX-License-Identifier: Apache-2.0
//
// Regions: bytes that may be compressed, as a batch of small messages carries them.
//
//     region = algorithm (u8: 0 none, 1 lz4, 2 zstd), size (u32, of the bytes once expanded), bytes
//
// What does not become smaller is carried as it is, so a region is never more than
// region_overhead_bytes longer than its bytes. A reader states how much it is ready to expand;
// nothing is allocated before the stated size was compared with that. Algorithms are build options:
// one that this build lacks is refused as unsupported, and is_available() says so beforehand, which
// is what peers tell each other before they use one.
//
// A Compressor and an Expander keep their memory between calls; one thread at a time each.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/result.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace flotilla::wire {

enum class Compression : std::uint8_t { none = 0, lz4 = 1, zstd = 2 };

std::string_view name(Compression algorithm) noexcept; // "none", "lz4", "zstd"
std::optional<Compression> compression_named(std::string_view name) noexcept;
// Whether this build can do it. none always is.
bool is_available(Compression algorithm) noexcept;

inline constexpr std::size_t region_overhead_bytes = 5;
// The most that one region may hold once expanded, whatever its reader allows.
inline constexpr std::size_t region_bytes_max = std::size_t{256} << 20;

// The head of a region whose `bytes` follow as they are, where the caller has made room.
void write_plain_region_head(char* to, std::size_t bytes) noexcept;

class Compressor {
public:
    // `algorithm` must be available.
    explicit Compressor(Compression algorithm);
    Compressor(Compressor&&) noexcept;
    Compressor& operator=(Compressor&&) noexcept;
    ~Compressor();

    Compression algorithm() const noexcept { return algorithm_; }
    // The region that holds `bytes` (at most region_bytes_max); valid until the next call.
    ByteView region(ByteView bytes);

private:
    struct Rest;
    Compression algorithm_;
    std::string out_;
    std::unique_ptr<Rest> rest_;
};

class Expander {
public:
    Expander();
    Expander(Expander&&) noexcept;
    Expander& operator=(Expander&&) noexcept;
    ~Expander();

    // The bytes that `region` holds, at most `bytes_max`. Valid until the next call and while
    // `region` is. Errors: too_large; malformed (unknown algorithm, damaged, or a size that is not
    // the stated one); unsupported (this build lacks the algorithm).
    Result<ByteView> bytes(ByteView region, std::size_t bytes_max);

private:
    struct Rest;
    std::string out_;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::wire
