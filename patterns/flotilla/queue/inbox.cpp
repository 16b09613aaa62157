// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/inbox.hpp>
#include <flotilla/wire/pack.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unordered_set>
#include <utility>
#include <vector>

namespace flotilla::queue {

namespace {

// The file is a ring of slots behind a head of one slot:
//     head = "FLINBOX1" slots(u64) zeros       slot = hash(u64, u64) sequence(u64) check(u64)
// The slot of an id is its sequence modulo slots; check is XXH3 of what is before it.
constexpr std::string_view inbox_magic = "FLINBOX1";
constexpr std::size_t slot_bytes = 32;

struct Key {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    friend bool operator==(const Key&, const Key&) = default;
};
struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept { return key.low; }
};

Key key_of(ByteView id) {
    const XXH128_hash_t hash = XXH3_128bits(id.data(), id.size());
    return {hash.high64, hash.low64};
}

auto failed(const char* what, const std::filesystem::path& path) {
    const int error = errno;
    return fail(error == ENOSPC || error == EDQUOT ? Errc::disk_full : Errc::io,
                std::string(what) + " '" + path.string() + "': " + std::strerror(error));
}

} // namespace

std::string message_key(std::string_view queue, MessageId id) {
    return std::string(queue) + '\n' + std::to_string(id);
}

struct Inbox::Rest {
    ~Rest() {
        if (data)
            ::munmap(data, bytes);
        if (file >= 0)
            ::close(file);
    }
    Status map();
    void load();
    void remember(const Key& key);
    void write(std::uint64_t sequence, const Key& key);

    InboxOptions options;
    std::vector<Key> ring; // slot of sequence modulo its size
    std::unordered_set<Key, KeyHash> keys;
    std::uint64_t next = 0; // sequence
    std::uint64_t repeats = 0;
    int file = -1;
    char* data = nullptr;
    std::size_t bytes = 0;
};

Status Inbox::Rest::map() {
    const auto& path = options.file;
    file = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (file < 0)
        return failed("cannot open", path);
    if (::flock(file, LOCK_EX | LOCK_NB) != 0)
        return fail(Errc::address_in_use, "the inbox '" + path.string() + "' is in use");
    bytes = slot_bytes * (std::size_t{options.ids_max} + 1);
    errno = ::posix_fallocate(file, 0, static_cast<off_t>(bytes));
    if (errno != 0)
        return failed("no room for", path);
    void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (at == MAP_FAILED)
        return failed("cannot map", path);
    data = static_cast<char*>(at);
    const ByteView head{data, inbox_magic.size()};
    if (head == inbox_magic && wire::load_u64(data + inbox_magic.size()) != options.ids_max)
        return fail(Errc::bad_option,
                    "the inbox '" + path.string() + "' was made for " +
                        std::to_string(wire::load_u64(data + inbox_magic.size())) +
                        " ids; open it with this ids_max");
    if (head != inbox_magic && head.find_first_not_of('\0') != head.npos)
        return fail(Errc::malformed, "'" + path.string() + "' is not an inbox");
    wire::store_u64(data + inbox_magic.size(), options.ids_max);
    std::memcpy(data, inbox_magic.data(), inbox_magic.size());
    load();
    return {};
}

// Slots that fail their check were being written when the machine went down.
void Inbox::Rest::load() {
    for (std::size_t offset = slot_bytes; offset < bytes; offset += slot_bytes) {
        const char* const slot = data + offset;
        const std::uint64_t sequence = wire::load_u64(slot + 16);
        if (wire::load_u64(slot + 24) != XXH3_64bits(slot, 24))
            continue;
        const Key key{wire::load_u64(slot), wire::load_u64(slot + 8)};
        ring[sequence % options.ids_max] = key;
        keys.insert(key);
        next = std::max(next, sequence + 1);
    }
}

void Inbox::Rest::write(std::uint64_t sequence, const Key& key) {
    char* const slot = data + slot_bytes * (1 + sequence % options.ids_max);
    wire::store_u64(slot, key.high);
    wire::store_u64(slot + 8, key.low);
    wire::store_u64(slot + 16, sequence);
    wire::store_u64(slot + 24, XXH3_64bits(slot, 24));
}

void Inbox::Rest::remember(const Key& key) {
    if (!keys.insert(key).second)
        return;
    Key& slot = ring[next % options.ids_max];
    if (next >= options.ids_max)
        keys.erase(slot); // the oldest
    slot = key;
    if (data)
        write(next, key);
    ++next;
}

Inbox::Inbox(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
Inbox::Inbox(Inbox&&) noexcept = default;
Inbox& Inbox::operator=(Inbox&&) noexcept = default;
Inbox::~Inbox() = default;

Result<Inbox> Inbox::open(InboxOptions options) {
    if (options.ids_max < 1 || options.ids_max > 10'000'000)
        return fail(Errc::bad_option, "ids_max must be 1 to 10,000,000");
    auto rest = std::make_unique<Rest>();
    rest->options = std::move(options);
    rest->ring.resize(rest->options.ids_max);
    if (!rest->options.file.empty())
        if (const Status mapped = rest->map(); !mapped)
            return fail(mapped.error());
    return Inbox{std::move(rest)};
}

Status Inbox::once(ByteView id, const std::function<Status()>& effect) {
    const Key key = key_of(id);
    if (rest_->keys.contains(key)) {
        ++rest_->repeats;
        return {};
    }
    Status done = effect();
    if (done)
        rest_->remember(key);
    return done;
}

bool Inbox::has(ByteView id) const {
    return rest_->keys.contains(key_of(id));
}
void Inbox::add(ByteView id) {
    rest_->remember(key_of(id));
}
Status Inbox::sync() {
    if (rest_->data && ::msync(rest_->data, rest_->bytes, MS_SYNC) != 0)
        return failed("cannot sync", rest_->options.file);
    return {};
}
std::size_t Inbox::size() const noexcept {
    return rest_->keys.size();
}
std::uint64_t Inbox::repeats_total() const noexcept {
    return rest_->repeats;
}

} // namespace flotilla::queue
