// SPDX-License-Identifier: Apache-2.0
// The small files that something was read from: reads them, and knows afterwards whether any may
// have changed, and what all of them said as one number. Private to net.
#pragma once

#include <flotilla/base/result.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::net::detail {

class FilesSeen {
public:
    // As read_text_file() and read_secret_file(). What could not be read was seen too.
    Result<std::string> read(const std::filesystem::path& file);
    Result<std::string> read_secret(const std::filesystem::path& file);
    // Its ordinary files by name. Errors: io.
    Result<std::vector<std::filesystem::path>> list(const std::filesystem::path& folder);

    // Of all that was read, in its order: equal for equal content.
    std::uint64_t fingerprint() const noexcept { return fingerprint_; }
    // Whether some file has other stamps than when it was read, or had such fresh ones that a
    // change behind them would not show. Looks at the first ones, and at `looks_max` of the others
    // in turn, call by call.
    bool may_have_changed(std::size_t looks_max);

private:
    // What a change of a file or folder moves.
    struct Stamps {
        std::uint64_t device = 0;
        std::uint64_t inode = 0; // 0: it is not there
        std::int64_t bytes = 0;
        std::int64_t modified_ns = 0;
        std::int64_t changed_ns = 0;
        friend bool operator==(const Stamps&, const Stamps&) = default;
    };
    struct Seen {
        std::filesystem::path path{};
        Stamps stamps{};
    };
    static Stamps look(const std::filesystem::path& path) noexcept;
    void see(const std::filesystem::path& path);
    void add(std::string_view content);
    Result<std::string> noted(Result<std::string> text);

    std::vector<Seen> seen_{};
    std::uint64_t fingerprint_ = 0;
    bool is_fresh_ = false;
    std::size_t next_ = 0;
};

} // namespace flotilla::net::detail
