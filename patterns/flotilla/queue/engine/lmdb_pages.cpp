// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/blob.hpp>
#include <flotilla/queue/engine/lmdb_pages.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>

namespace flotilla::queue::lmdb {
namespace {

using PageNumber = std::uint64_t;

constexpr std::size_t findings_max = 100;
constexpr std::size_t page_bytes_max = 32'768;
constexpr std::size_t page_head_bytes = 16; // of a page: number, pad, flags, lower and upper
constexpr std::uint32_t lmdb_magic = 0xBEEFC0DE;
constexpr std::uint32_t file_version = 1;
constexpr PageNumber no_page = ~PageNumber{0};
constexpr PageNumber heads = 2; // pages 0 and 1: of the last two commits
constexpr unsigned depth_max = 32;

constexpr std::uint16_t page_branch = 0x01;
constexpr std::uint16_t page_leaf = 0x02;
constexpr std::uint16_t page_overflow = 0x04;
constexpr std::uint16_t page_head = 0x08;
constexpr std::uint16_t page_kinds = 0x6f;

constexpr std::uint16_t node_large = 0x01; // its value has pages of its own
constexpr std::uint16_t node_tree = 0x02;  // its value is the head of a tree
constexpr std::size_t node_head_bytes = 8;

// As they lie in the file: numbers are the machine's own, aligned naturally.
struct TreeRecord {
    std::uint32_t page_bytes; // of the first tree: of all pages
    std::uint16_t flags;
    std::uint16_t depth;
    std::uint64_t branch_pages;
    std::uint64_t leaf_pages;
    std::uint64_t overflow_pages;
    std::uint64_t entries;
    PageNumber root;
};
static_assert(sizeof(TreeRecord) == 48);
struct Head {
    std::uint32_t magic;
    std::uint32_t version;
    std::uint64_t address;
    std::uint64_t map_bytes;
    std::array<TreeRecord, 2> trees; // of free pages, and of tables
    PageNumber last_page;
    std::uint64_t transaction;
};
static_assert(sizeof(Head) == 24 + 2 * 48 + 16);

template <class T>
T load(const char* at) noexcept {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

// One page of a tree, checked as far as it can be by itself.
class Page {
public:
    explicit Page(ByteView bytes) : bytes_(bytes) {}
    PageNumber number() const noexcept { return load<PageNumber>(bytes_.data()); }
    std::uint16_t flags() const noexcept { return load<std::uint16_t>(bytes_.data() + 10); }
    std::uint32_t overflow_pages() const noexcept {
        return load<std::uint32_t>(bytes_.data() + 12);
    }
    bool is_leaf() const noexcept { return (flags() & page_leaf) != 0; }
    std::size_t nodes() const noexcept { return (lower() - page_head_bytes) / 2; }

    // What is wrong with it as a page of a tree; nothing: it can be read.
    const char* fault() const noexcept {
        const std::uint16_t kind = flags() & page_kinds;
        if (kind != page_branch && kind != page_leaf)
            return "is not a page of a tree";
        if (lower() < page_head_bytes || lower() % 2 != 0 || lower() > upper() ||
            upper() > bytes_.size())
            return "has no sense in its head";
        for (std::size_t i = 0; i < nodes(); ++i) {
            const std::size_t at = node_at(i);
            if (at < upper() || at + node_head_bytes > bytes_.size())
                return "has a node outside of it";
            const std::size_t end = at + node_head_bytes + key_bytes(i) +
                                    (is_leaf() ? (is_large(i) ? 8 : value_bytes(i)) : 0);
            if (end > bytes_.size())
                return "has a node that ends outside of it";
        }
        if (!is_leaf() && nodes() < 2)
            return "leads to one page only";
        return nullptr;
    }
    ByteView key(std::size_t index) const noexcept {
        return bytes_.substr(node_at(index) + node_head_bytes, key_bytes(index));
    }
    PageNumber child(std::size_t index) const noexcept {
        return field(index, 0) | PageNumber{field(index, 2)} << 16 |
               PageNumber{field(index, 4)} << 32;
    }
    std::uint16_t node_flags(std::size_t index) const noexcept { return field(index, 4); }
    bool is_large(std::size_t index) const noexcept {
        return (node_flags(index) & node_large) != 0;
    }
    std::size_t value_bytes(std::size_t index) const noexcept {
        return field(index, 0) | std::size_t{field(index, 2)} << 16;
    }
    const char* value(std::size_t index) const noexcept {
        return bytes_.data() + node_at(index) + node_head_bytes + key_bytes(index);
    }

private:
    std::size_t lower() const noexcept { return load<std::uint16_t>(bytes_.data() + 12); }
    std::size_t upper() const noexcept { return load<std::uint16_t>(bytes_.data() + 14); }
    std::size_t node_at(std::size_t index) const noexcept {
        return load<std::uint16_t>(bytes_.data() + page_head_bytes + 2 * index);
    }
    std::uint16_t field(std::size_t index, std::size_t offset) const noexcept {
        return load<std::uint16_t>(bytes_.data() + node_at(index) + offset);
    }
    std::size_t key_bytes(std::size_t index) const noexcept { return field(index, 6); }
    ByteView bytes_;
};

enum class Order : std::uint8_t { bytes, number }; // how keys of a tree compare

class Walk {
public:
    using Progress = std::function<void(std::uint64_t, std::uint64_t)>;
    Walk(int descriptor, const Progress& progress) : descriptor_(descriptor), progress_(progress) {}

    Result<PageReport> run(std::uint64_t transaction) {
        const auto head = find_head(transaction);
        if (!head)
            return fail(head.error());
        struct stat file {};
        if (::fstat(descriptor_, &file) != 0 ||
            head->last_page >= static_cast<std::uint64_t>(file.st_size) / page_bytes_)
            return fail(Errc::damaged, "the data file is shorter than its head says");
        report_.pages = head->last_page + 1;
        seen_.assign(static_cast<std::size_t>(report_.pages), false);
        seen_[0] = seen_[1] = true;
        report_.used = heads;
        // Tables first, so that a free page that is in use is told of as free, not as in use.
        if (const Status walked = tree("the list of tables", head->trees[1], Order::bytes); !walked)
            return fail(walked.error());
        for (std::size_t i = 0; i < tables_.size(); ++i) {
            const auto [name, table] = tables_[i];
            if (table.flags != 0)
                damaged("table " + name + " is not of plain keys and values");
            if (const Status walked = tree("table " + name, table, Order::bytes); !walked)
                return fail(walked.error());
        }
        is_free_list_ = true;
        if (const Status walked = tree("the list of free pages", head->trees[0], Order::number);
            !walked)
            return fail(walked.error());
        return std::move(report_);
    }

private:
    void damaged(std::string what) {
        ++report_.damaged;
        if (report_.findings.size() < findings_max)
            report_.findings.push_back(std::move(what));
    }
    Status read(std::uint64_t offset, char* to, std::size_t size) const {
        while (size > 0) {
            const ssize_t got = ::pread(descriptor_, to, size, static_cast<off_t>(offset));
            if (got < 0 && errno == EINTR)
                continue;
            if (got <= 0)
                return fail(Errc::io, "cannot read the data file at " + std::to_string(offset) +
                                          ": " +
                                          (got < 0 ? std::generic_category().message(errno)
                                                   : std::string("it ends there")));
            to += got;
            offset += static_cast<std::uint64_t>(got);
            size -= static_cast<std::size_t>(got);
        }
        return {};
    }

    Result<Head> find_head(std::uint64_t transaction) {
        std::uint64_t at = 0;
        bool is_there = false;
        for (PageNumber number = 0; number < heads; ++number, at += page_bytes_) {
            char bytes[page_head_bytes + sizeof(Head)];
            if (const Status got = read(at, bytes, sizeof bytes); !got)
                return fail(got.error());
            const Page page({bytes, sizeof bytes});
            const auto head = load<Head>(bytes + page_head_bytes);
            if (number == 0)
                page_bytes_ = head.trees[0].page_bytes;
            if ((page.flags() & page_head) == 0 || head.magic != lmdb_magic ||
                head.version != file_version || page_bytes_ < 512 || page_bytes_ > page_bytes_max ||
                (page_bytes_ & (page_bytes_ - 1)) != 0)
                return fail(Errc::damaged, "the head of the data file is not one of LMDB 0.9");
            is_there = true;
            if (head.transaction == transaction)
                return head;
        }
        return fail(is_there ? Errc::would_block : Errc::damaged,
                    "the head of the commit that is looked through has been replaced");
    }

    // Whether the run of pages may be used here: within the file, and not in use elsewhere.
    bool take(const std::string& where, PageNumber first, std::uint64_t count) {
        if (first < heads || first >= report_.pages || count > report_.pages - first) {
            damaged(where + ": page " + std::to_string(first) + " is not in the file");
            return false;
        }
        for (PageNumber number = first; number < first + count; ++number) {
            if (seen_[static_cast<std::size_t>(number)]) {
                damaged(where + ": page " + std::to_string(number) + " is in use twice");
                return false;
            }
            seen_[static_cast<std::size_t>(number)] = true;
        }
        return true;
    }

    struct Counts {
        std::uint64_t branch_pages = 0;
        std::uint64_t leaf_pages = 0;
        std::uint64_t overflow_pages = 0;
        std::uint64_t entries = 0;
    };

    Status tree(const std::string& where, const TreeRecord& head, Order order) {
        if (head.root == no_page)
            return {};
        if (head.depth == 0 || head.depth > depth_max) {
            damaged(where + ": its depth is " + std::to_string(head.depth));
            return {};
        }
        counts_ = {};
        const std::uint64_t before = report_.damaged;
        last_key_.reset();
        if (const Status walked = page(where, head.root, head.depth, order); !walked)
            return walked;
        if (report_.damaged == before &&
            (counts_.branch_pages != head.branch_pages || counts_.leaf_pages != head.leaf_pages ||
             counts_.overflow_pages != head.overflow_pages || counts_.entries != head.entries))
            damaged(where + ": it does not have as many pages or rows as its head says");
        return {};
    }

    Status page(const std::string& where, PageNumber number, unsigned depth, Order order) {
        if (!take(where, number, 1))
            return {};
        ++report_.used;
        std::string bytes(page_bytes_, '\0');
        if (const Status got = read(number * page_bytes_, bytes.data(), bytes.size()); !got) {
            damaged(where + ": " + got.error().detail);
            return {};
        }
        tell();
        const Page page(bytes);
        const auto fault = [&](const char* what) {
            damaged(where + ": page " + std::to_string(number) + " " + what);
        };
        if (page.number() != number) {
            fault("has the number of another page");
            return {};
        }
        if (const char* const wrong = page.fault()) {
            fault(wrong);
            return {};
        }
        if (page.is_leaf() != (depth == 1)) {
            fault("lies at the wrong depth of its tree");
            return {};
        }
        ++(page.is_leaf() ? counts_.leaf_pages : counts_.branch_pages);
        for (std::size_t i = 0; i < page.nodes(); ++i) {
            if (!page.is_leaf()) {
                if (const Status walked = this->page(where, page.child(i), depth - 1, order);
                    !walked)
                    return walked;
                continue;
            }
            if (last_key_ && !rises(*last_key_, page.key(i), order))
                fault("has keys that do not rise");
            last_key_.emplace(page.key(i));
            ++counts_.entries;
            if (const Status valued = value(where, page, i); !valued)
                return valued;
        }
        return {};
    }

    static bool rises(ByteView a, ByteView b, Order order) {
        if (order == Order::bytes)
            return a < b;
        return a.size() == 8 && b.size() == 8 &&
               load<std::uint64_t>(a.data()) < load<std::uint64_t>(b.data());
    }

    Status value(const std::string& where, const Page& page, std::size_t index) {
        const std::size_t size = page.value_bytes(index);
        if (!page.is_large(index)) {
            if ((page.node_flags(index) & node_tree) != 0 && size == sizeof(TreeRecord))
                tables_.emplace_back(page.key(index), load<TreeRecord>(page.value(index)));
            else if (is_free_list_)
                free_pages(where, {page.value(index), size});
            return {};
        }
        const auto first = load<PageNumber>(page.value(index));
        const std::uint64_t count = (page_head_bytes + size + page_bytes_ - 1) / page_bytes_;
        if (!take(where, first, count))
            return {};
        report_.used += count;
        counts_.overflow_pages += count;
        std::string bytes(is_free_list_ ? page_head_bytes + size : page_head_bytes, '\0');
        if (const Status got = read(first * page_bytes_, bytes.data(), bytes.size()); !got) {
            damaged(where + ": " + got.error().detail);
            return {};
        }
        const Page head(bytes);
        if (head.number() != first || (head.flags() & page_kinds) != page_overflow ||
            head.overflow_pages() != count)
            damaged(where + ": page " + std::to_string(first) +
                    " does not begin the value that it should");
        else if (is_free_list_)
            free_pages(where, ByteView{bytes}.substr(page_head_bytes));
        return {};
    }

    void free_pages(const std::string& where, ByteView list) {
        const std::uint64_t count = list.size() >= 8 ? load<std::uint64_t>(list.data()) : 0;
        if (list.size() < 8 || count > list.size() / 8 - 1) {
            damaged(where + ": a row of it has no sense");
            return;
        }
        for (std::uint64_t i = 1; i <= count; ++i)
            if (take(where, load<PageNumber>(list.data() + 8 * i), 1))
                ++report_.free;
    }

    void tell() {
        constexpr std::uint64_t every = 4096; // pages
        if (progress_ && report_.used / every != told_) {
            told_ = report_.used / every;
            progress_(report_.used * page_bytes_, report_.pages * page_bytes_);
        }
    }

    int descriptor_;
    const Progress& progress_;
    std::size_t page_bytes_ = 4096;
    PageReport report_{};
    std::vector<bool> seen_{};
    std::vector<std::pair<std::string, TreeRecord>> tables_{};
    Counts counts_{};
    std::optional<std::string> last_key_{};
    bool is_free_list_ = false;
    std::uint64_t told_ = 0;
};

} // namespace

Result<PageReport>
look_through(int descriptor, std::uint64_t transaction,
             const std::function<void(std::uint64_t done, std::uint64_t all)>& progress) {
    return Walk(descriptor, progress).run(transaction);
}

} // namespace flotilla::queue::lmdb
