// SPDX-License-Identifier: Apache-2.0
// An outbox on disk of which something is wrong: told, and left as it is.
#include <flotilla/queue/outbox.hpp>

#include <support/catch.hpp>
#include <support/scratch.hpp>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::queue;

namespace {

using Path = std::filesystem::path;

void append_one(Outbox& outbox, std::uint32_t lane, std::string_view body) {
    const ByteView frames[] = {body};
    REQUIRE(outbox.append(lane, {}, frames));
}

Result<Outbox> open_outbox(const Path& directory) {
    return Outbox::open({1'000'000, 512 << 10, directory, 1 << 20});
}

std::vector<Path> segment_paths(const Path& directory) {
    std::vector<Path> found;
    for (const auto& each : std::filesystem::directory_iterator(directory))
        if (each.path().extension() == ".outbox")
            found.push_back(each.path());
    std::sort(found.begin(), found.end());
    return found;
}

std::string content(const Path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write(const Path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// One with messages for two queues, some of them settled.
void fill(const Path& directory, int messages, std::size_t bytes) {
    auto outbox = open_outbox(directory);
    REQUIRE(outbox);
    REQUIRE(outbox->add_lane("q"));
    REQUIRE(outbox->add_lane("other"));
    for (int i = 1; i <= messages; ++i)
        append_one(*outbox, i % 3 == 0, std::to_string(i) + std::string(bytes, 'x'));
    REQUIRE(outbox->settle(0, 1));
}

// Opening it says that it is damaged, with this in the text, and changes no file.
void check_is_damaged(const Path& directory, const std::string& text) {
    std::vector<std::string> before;
    const auto files = segment_paths(directory);
    for (const Path& path : files)
        before.push_back(content(path));
    const auto opened = open_outbox(directory);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Errc::damaged);
    CAPTURE(opened.error().detail, text);
    CHECK(opened.error().detail.find(text) != std::string::npos);
    REQUIRE(segment_paths(directory) == files);
    for (std::size_t i = 0; i < files.size(); ++i)
        CHECK(content(files[i]) == before[i]);
}

} // namespace

TEST_CASE("outbox: whatever byte is changed, no message goes without a word", "[unit][queue]") {
    const test::ScratchFolder directory;
    fill(directory.path(), 12, 20);
    const Path path = segment_paths(directory.path()).at(0);
    const std::string whole = content(path);
    const std::size_t end = whole.find_last_not_of('\0') + 1;
    std::size_t damaged = 0;
    for (std::size_t at = 0; at < end + 40; ++at) {
        for (const int bit : {0, 3, 7}) {
            std::string bytes = whole;
            bytes[at] = static_cast<char>(bytes[at] ^ 1 << bit);
            write(path, bytes);
            const auto opened = open_outbox(directory.path());
            CAPTURE(at, bit, end);
            if (!opened) {
                ++damaged;
                REQUIRE(opened.error().code == Errc::damaged);
                REQUIRE(opened.error().detail.find(path.string()) != std::string::npos);
                REQUIRE(content(path) == bytes);
            } else if (opened->cut().empty()) { // padding is in no entry
                REQUIRE(opened->messages() == 11);
            } else {
                REQUIRE(opened->messages() >= 10);
                REQUIRE(opened->cut().find(path.string()) != std::string::npos);
            }
        }
    }
    CHECK(damaged > 2 * end); // nearly all
}

TEST_CASE("outbox: wherever its last file is cut short, it is told", "[unit][queue]") {
    const test::ScratchFolder directory;
    fill(directory.path(), 12, 20);
    const Path path = segment_paths(directory.path()).at(0);
    const std::string whole = content(path);
    const std::size_t end = whole.find_last_not_of('\0') + 1;
    for (std::size_t size = 1; size < end + 40; ++size) {
        CAPTURE(size, end);
        write(path, whole.substr(0, size));
        check_is_damaged(directory.path(), path.string());
    }
}

TEST_CASE("outbox: a file that lacks only zeros at its end was cut short too", "[unit][queue]") {
    const test::ScratchFolder directory;
    {
        auto outbox = Outbox::open({1'000, 8 << 20, directory.path(), 1 << 20});
        REQUIRE(outbox);
        REQUIRE(outbox->add_lane("q"));
        append_one(*outbox, 0, "a message");
    }
    const Path path = segment_paths(directory.path()).at(0);
    REQUIRE(std::filesystem::file_size(path) > (128 << 10));
    std::filesystem::resize_file(path, 128 << 10);
    check_is_damaged(directory.path(), "it has not the size with which it was made");
}

TEST_CASE("outbox: a file with a wrong beginning, number, name, or none, is told and left",
          "[unit][queue]") {
    const test::ScratchFolder directory;
    fill(directory.path(), 3000, 100);
    const auto files = segment_paths(directory.path());
    REQUIRE(files.size() > 4);
    const std::vector<std::size_t> places{0, 2, files.size() - 1};
    const auto changed = [&](std::size_t which, const std::string& text,
                             const std::function<void(std::string&)>& change) {
        CAPTURE(which);
        const std::string whole = content(files[which]);
        std::string bytes = whole;
        change(bytes);
        write(files[which], bytes);
        check_is_damaged(directory.path(), text);
        write(files[which], whole);
    };
    for (const std::size_t which : places) {
        const std::string name = files[which].string();
        changed(which, "'" + name + "' is damaged at byte 0", [](auto& b) { b[3] = 'x'; });
        changed(which, "'" + name + "' is damaged at byte 8", [](auto& b) { ++b[15]; });
        changed(which, "'" + name + "' is damaged at byte ", [](auto& b) { b[30'000] ^= 1; });
    }
    changed(2, "'" + files[2].string() + "' is damaged at byte 0",
            [](auto& b) { b.assign(b.size(), '\0'); });
    // One is missing: the first, or one in the middle.
    for (const std::size_t which : {std::size_t{0}, std::size_t{2}}) {
        const Path away = directory.path() / "away";
        std::filesystem::rename(files[which], away);
        check_is_damaged(directory.path(),
                         which == 0 ? "lacks messages 2 to " : files[which].filename().string());
        std::filesystem::rename(away, files[which]);
    }
    const Path foreign = directory.path() / "notes.outbox";
    write(foreign, "what somebody wrote\n");
    check_is_damaged(directory.path(), foreign.string());
    std::filesystem::remove(foreign);
    const auto opened = open_outbox(directory.path()); // and nothing of all that harmed it
    REQUIRE(opened);
    CHECK(opened->messages() == 2999);
    CHECK(opened->cut().empty());
}

TEST_CASE("outbox: a file that was made and never written goes, and that is told",
          "[unit][queue]") {
    const test::ScratchFolder directory;
    fill(directory.path(), 1, 10);
    const Path next = directory.path() / "0000000000000002.outbox";
    std::string numbered(64 << 10, '\0');
    numbered[15] = 2; // its number is written before the rest of its header
    for (const std::string& bytes : {std::string(), std::string(64 << 10, '\0'), numbered}) {
        write(next, bytes);
        auto opened = open_outbox(directory.path());
        REQUIRE(opened);
        CHECK(opened->cut().find(next.string()) != std::string::npos);
        CHECK_FALSE(std::filesystem::exists(next));
        append_one(*opened, 0, "goes on");
    }
}

TEST_CASE("outbox: what a power failure tears of the last entry is cut, and that is told",
          "[unit][queue]") {
    const test::ScratchFolder directory;
    {
        auto outbox = open_outbox(directory.path());
        REQUIRE(outbox);
        REQUIRE(outbox->add_lane("q"));
        append_one(*outbox, 0, "first");
        append_one(*outbox, 0, std::string(10'000, 'x')); // over pages
    }
    const Path path = segment_paths(directory.path()).at(0);
    const std::string whole = content(path);
    for (const std::size_t page : {std::size_t{4096}, std::size_t{8192}}) {
        std::string bytes = whole;
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(page), 4096, '\0');
        write(path, bytes);
        const auto opened = open_outbox(directory.path());
        REQUIRE(opened);
        CHECK(opened->messages() == 1);
        CHECK(opened->cut().find("'" + path.string() + "' was cut at byte ") == 0);
    }
    std::string bytes = whole;
    bytes[6000] = 'y';
    write(path, bytes);
    check_is_damaged(directory.path(), "an entry was changed");
}

TEST_CASE("outbox: settled files may go when the newest has no room to say so", "[unit][queue]") {
    const test::ScratchFolder directory;
    fill(directory.path(), 3000, 100);
    std::uint64_t left = 0;
    {
        // Smaller than what is there, so that no further file is made.
        auto outbox = Outbox::open({1'000'000, 128 << 10, directory.path(), 1 << 20});
        REQUIRE(outbox);
        for (std::uint64_t number = 2; number <= 1500; ++number) {
            REQUIRE(outbox->measure(0, number, 1, 1 << 20));
            REQUIRE(outbox->settle(0, number));
        }
        left = outbox->messages();
    }
    const auto again = open_outbox(directory.path());
    if (!again)
        FAIL(to_string(again.error()));
    CHECK(again->messages() >= left);
}
