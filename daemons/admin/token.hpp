// SPDX-License-Identifier: Apache-2.0
//
// Token: the secret that changes and message bodies need. Read from a file that nobody else may
// read.
#pragma once

#include <flotilla/base/result.hpp>

#include <string>
#include <string_view>

namespace flotilla::admin {

class Token {
public:
    static constexpr std::size_t bytes_min = 16;
    static constexpr std::size_t bytes_max = 512;

    // No token at all: fits nothing.
    Token() = default;
    // The first line of a file. Errors: not_found; unsafe_file (others may read it; how to mend
    // it); bad_option (too short, too long, or with blanks); io.
    static Result<Token> load(const std::string& path);

    bool is_set() const noexcept { return !text_.empty(); }
    // Takes as long whatever is right in `given`.
    bool fits(std::string_view given) const noexcept;
    friend bool operator==(const Token&, const Token&) = default;

private:
    std::string text_{};
};

} // namespace flotilla::admin
