// SPDX-License-Identifier: Apache-2.0
//
// Looks through the pages of an LMDB file without LMDB, which trusts every page and ends the
// process, or worse, when one is not what it should be. Reads the file of LMDB 0.9 on a little- or
// big-endian machine of 64 bits, as this process's own is.
//
// Checked: pages are what is pointed to, once; nodes lie within their page and keys rise; trees
// have the depth and the counts that their head states; pages held to be free are not in use.
#pragma once

#include <flotilla/base/result.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace flotilla::queue::lmdb {

struct PageReport {
    std::uint64_t pages = 0; // up to the last one
    std::uint64_t used = 0;
    std::uint64_t free = 0;
    std::uint64_t damaged = 0;
    std::vector<std::string> findings{}; // the first 100
};

// Of the commit `transaction`, whose pages nobody may change meanwhile (a reader of it is open).
// Errors: would_block (that commit's head has been replaced; begin again); damaged (no head); io.
// `progress` gets bytes of pages seen, and all.
Result<PageReport>
look_through(int descriptor, std::uint64_t transaction,
             const std::function<void(std::uint64_t done, std::uint64_t all)>& progress);

} // namespace flotilla::queue::lmdb
