// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/wire/compress.hpp>
#include <flotilla/wire/pack.hpp>

#ifdef FLOTILLA_WITH_LZ4
#include <lz4.h>
#endif
#ifdef FLOTILLA_WITH_ZSTD
#include <zstd.h>
#endif

#include <algorithm>
#include <climits>

namespace flotilla::wire {
namespace {

// Fast enough to pay for itself on a local network.
[[maybe_unused]] constexpr int zstd_level = 1;

} // namespace

std::string_view name(Compression algorithm) noexcept {
    switch (algorithm) {
    case Compression::none:
        return "none";
    case Compression::lz4:
        return "lz4";
    case Compression::zstd:
        return "zstd";
    }
    return "unknown";
}

std::optional<Compression> compression_named(std::string_view text) noexcept {
    for (const Compression each : {Compression::none, Compression::lz4, Compression::zstd})
        if (name(each) == text)
            return each;
    return std::nullopt;
}

bool is_available(Compression algorithm) noexcept {
    switch (algorithm) {
    case Compression::none:
        return true;
    case Compression::lz4:
#ifdef FLOTILLA_WITH_LZ4
        return true;
#else
        return false;
#endif
    case Compression::zstd:
#ifdef FLOTILLA_WITH_ZSTD
        return true;
#else
        return false;
#endif
    }
    return false;
}

// ---- writing -----------------------------------------------------------------------------------

struct Compressor::Rest {
#ifdef FLOTILLA_WITH_ZSTD
    std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> zstd{ZSTD_createCCtx(), ZSTD_freeCCtx};
#endif
    // How many bytes were written into `room`; 0 when they did not fit.
    std::size_t compress(Compression algorithm, ByteView bytes, char* room, std::size_t room_bytes);
};

std::size_t Compressor::Rest::compress([[maybe_unused]] Compression algorithm,
                                       [[maybe_unused]] ByteView bytes, [[maybe_unused]] char* room,
                                       [[maybe_unused]] std::size_t room_bytes) {
#ifdef FLOTILLA_WITH_LZ4
    if (algorithm == Compression::lz4) {
        const int written = LZ4_compress_default(bytes.data(), room, static_cast<int>(bytes.size()),
                                                 static_cast<int>(room_bytes));
        return written > 0 ? static_cast<std::size_t>(written) : 0;
    }
#endif
#ifdef FLOTILLA_WITH_ZSTD
    if (algorithm == Compression::zstd) {
        const std::size_t written =
            ZSTD_compressCCtx(zstd.get(), room, room_bytes, bytes.data(), bytes.size(), zstd_level);
        return ZSTD_isError(written) != 0U ? 0 : written;
    }
#endif
    return 0;
}

Compressor::Compressor(Compression algorithm) : algorithm_(algorithm) {
    FLOTILLA_CHECK(is_available(algorithm), "this build lacks the compression algorithm");
    if (algorithm != Compression::none)
        rest_ = std::make_unique<Rest>();
}
Compressor::Compressor(Compressor&&) noexcept = default;
Compressor& Compressor::operator=(Compressor&&) noexcept = default;
Compressor::~Compressor() = default;

void write_plain_region_head(char* to, std::size_t bytes) noexcept {
    to[0] = static_cast<char>(Compression::none);
    store_u32(to + 1, static_cast<std::uint32_t>(bytes));
}

ByteView Compressor::region(ByteView bytes) {
    FLOTILLA_CHECK(bytes.size() <= region_bytes_max, "a region is over its limit");
    static_assert(region_bytes_max <= INT_MAX);
    std::size_t body = 0;
    if (rest_ && !bytes.empty()) {
        // Room for less than the bytes themselves: what would not shrink is given up early.
        out_.resize(region_overhead_bytes + bytes.size());
        body = rest_->compress(algorithm_, bytes, out_.data() + region_overhead_bytes,
                               bytes.size() - 1);
    }
    if (body == 0) {
        out_.resize(region_overhead_bytes);
        out_.append(bytes);
        out_[0] = static_cast<char>(Compression::none);
    } else {
        out_.resize(region_overhead_bytes + body);
        out_[0] = static_cast<char>(algorithm_);
    }
    store_u32(out_.data() + 1, static_cast<std::uint32_t>(bytes.size()));
    return out_;
}

// ---- reading -----------------------------------------------------------------------------------

struct Expander::Rest {
#ifdef FLOTILLA_WITH_ZSTD
    std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> zstd{nullptr, ZSTD_freeDCtx};
#endif
    // Whether `body` expanded to exactly room_bytes bytes.
    bool expand(Compression algorithm, ByteView body, char* room, std::size_t room_bytes);
};

bool Expander::Rest::expand([[maybe_unused]] Compression algorithm, [[maybe_unused]] ByteView body,
                            [[maybe_unused]] char* room, [[maybe_unused]] std::size_t room_bytes) {
#ifdef FLOTILLA_WITH_LZ4
    if (algorithm == Compression::lz4) {
        if (body.size() > region_bytes_max)
            return false;
        const int written = LZ4_decompress_safe(body.data(), room, static_cast<int>(body.size()),
                                                static_cast<int>(room_bytes));
        return written >= 0 && static_cast<std::size_t>(written) == room_bytes;
    }
#endif
#ifdef FLOTILLA_WITH_ZSTD
    if (algorithm == Compression::zstd) {
        if (!zstd)
            zstd.reset(ZSTD_createDCtx());
        return ZSTD_decompressDCtx(zstd.get(), room, room_bytes, body.data(), body.size()) ==
               room_bytes;
    }
#endif
    return false;
}

Expander::Expander() : rest_(std::make_unique<Rest>()) {}
Expander::Expander(Expander&&) noexcept = default;
Expander& Expander::operator=(Expander&&) noexcept = default;
Expander::~Expander() = default;

Result<ByteView> Expander::bytes(ByteView region, std::size_t bytes_max) {
    Reader reader(region);
    const std::uint8_t code = reader.u8();
    const std::size_t size = reader.u32();
    if (!reader.ok())
        return fail(Errc::malformed, "a region is shorter than its 5 bytes of header");
    if (code > static_cast<std::uint8_t>(Compression::zstd))
        return fail(Errc::malformed, "a region names compression algorithm " +
                                         std::to_string(code) +
                                         "; known are 0 (none), 1 (lz4) and 2 (zstd)");
    const auto algorithm = static_cast<Compression>(code);
    if (size > std::min(bytes_max, region_bytes_max))
        return fail(Errc::too_large, "a region expands to " + std::to_string(size) +
                                         " bytes; the limit is " +
                                         std::to_string(std::min(bytes_max, region_bytes_max)));
    if (algorithm == Compression::none) {
        if (reader.left() != size)
            return fail(Errc::malformed, "a region's size is not the stated one");
        return reader.rest();
    }
    if (!is_available(algorithm))
        return fail(Errc::unsupported,
                    "a region is compressed with " + std::string(name(algorithm)) +
                        ", which this build lacks; the receiver must not ask for it");
    if (size == 0)
        return fail(Errc::malformed, "an empty region is compressed");
    out_.resize(size);
    if (!rest_->expand(algorithm, reader.rest(), out_.data(), size))
        return fail(Errc::malformed,
                    "a region does not expand to the stated " + std::to_string(size) + " bytes");
    return ByteView{out_};
}

} // namespace flotilla::wire
