// SPDX-License-Identifier: Apache-2.0
//
// ConsoleFile: the web console, page by page as the build embedded it, and the headers that every
// answer with one of them carries. Constants of the program; any thread may read them.
#pragma once

#include <array>
#include <string_view>

namespace flotilla::admin {

struct ConsoleFile {
    std::string_view path; // "/console/main.js"
    std::string_view type; // for Content-Type
    std::string_view body;
    std::string_view tag; // for ETag, quotes included; another body has another
};

// "/console/" is the page itself, and the only path that ends in a slash. Null: no such file.
// "/" and "/console" are to be redirected to "/console/": the page names its files relatively, so
// that it also works behind a proxy that puts a folder in front.
const ConsoleFile* console_file(std::string_view path) noexcept;

struct ConsoleHeader {
    const char* name;
    const char* value;
};

// The page needs nothing from elsewhere, runs no script that is not one of its files, and is in no
// frame: what a message says in the browser stays text even if the page had a fault.
inline constexpr std::array console_headers{
    ConsoleHeader{"Content-Security-Policy",
                  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
                  "connect-src 'self'; base-uri 'none'; form-action 'none'; "
                  "frame-ancestors 'none'"},
    ConsoleHeader{"X-Content-Type-Options", "nosniff"},
    ConsoleHeader{"Referrer-Policy", "no-referrer"},
    ConsoleHeader{"Cross-Origin-Opener-Policy", "same-origin"},
    ConsoleHeader{"Cross-Origin-Resource-Policy", "same-origin"},
    ConsoleHeader{"Cache-Control", "no-cache"}, // asked for by tag each time
};

} // namespace flotilla::admin
