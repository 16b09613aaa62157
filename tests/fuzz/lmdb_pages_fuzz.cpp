// SPDX-License-Identifier: Apache-2.0
// A data file with changed bytes: the walk over its pages ends, reads nothing outside of them, and
// counts no page twice. The input is where and what: offset (u16, in a file of 16 pages), byte.
#include <flotilla/base/blob.hpp>
#include <flotilla/base/check.hpp>
#include <flotilla/queue/engine/lmdb_pages.hpp>
#include <flotilla/queue/engine/lmdb_store.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace flotilla;
using namespace flotilla::queue;

namespace {

// A store with trees of two levels, values with pages of their own, and free pages.
std::string make_file() {
    std::string pattern = (std::filesystem::temp_directory_path() / "flotilla-XXXXXX").string();
    FLOTILLA_CHECK(::mkdtemp(pattern.data()), "no folder for the file");
    const std::filesystem::path folder(pattern);
    {
        LmdbOptions options;
        options.write_ahead_bytes = 0;
        auto store = LmdbStore::open(folder / "data", options);
        FLOTILLA_CHECK(store.has_value(), "no store");
        for (int turn = 0; turn < 3; ++turn) {
            Mutations mutations;
            for (int row = 0; row < 60; ++row)
                mutations.put(Table::name, "name-" + std::to_string(row), std::string(80, 'v'));
            mutations.put(Table::block, "large", std::string(10'000, 'l'));
            FLOTILLA_CHECK((*store)->commit(mutations).has_value(), "no commit");
        }
    }
    std::ifstream file(folder / "data" / "data.mdb", std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(file)), {});
    bytes.resize(std::min<std::size_t>(bytes.size(), 64 * 4096));
    std::filesystem::remove_all(folder);
    return bytes;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::string whole = make_file();
    static const int file = ::memfd_create("pages", MFD_CLOEXEC);
    std::string bytes = whole;
    for (std::size_t i = 0; i + 3 <= size; i += 3)
        bytes[(std::size_t{data[i]} << 8 | data[i + 1]) % (40 * 4096)] =
            static_cast<char>(data[i + 2]);
    FLOTILLA_CHECK(::pwrite(file, bytes.data(), bytes.size(), 0) ==
                       static_cast<ssize_t>(bytes.size()),
                   "no file");
    bool is_whole = false;
    for (std::uint64_t transaction = 0; transaction < 8; ++transaction) {
        const auto report = lmdb::look_through(file, transaction, {});
        if (!report)
            continue;
        is_whole = is_whole || report->damaged == 0;
        FLOTILLA_CHECK(report->damaged > 0 || report->used + report->free <= report->pages,
                       "more pages than there are");
    }
    FLOTILLA_CHECK(is_whole || size >= 3, "a whole file is found damaged");
    return 0;
}
