// SPDX-License-Identifier: Apache-2.0
// What stands for LmdbStore in a build without LMDB (FLOTILLA_WITH_LMDB=OFF).
#include <flotilla/queue/engine/lmdb_store.hpp>

#include <utility>

namespace flotilla::queue {
namespace {

Error absent() {
    return {Errc::unsupported, "this build has no LMDB (FLOTILLA_WITH_LMDB=OFF), so queues last "
                               "only as long as the process"};
}

} // namespace

struct LmdbStore::Rest {};
LmdbStore::LmdbStore(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
LmdbStore::~LmdbStore() = default;
bool LmdbStore::is_available() noexcept {
    return false;
}
Result<std::unique_ptr<LmdbStore>> LmdbStore::open(const std::filesystem::path& /*directory*/,
                                                   LmdbOptions /*options*/) {
    return fail(absent());
}
Result<std::unique_ptr<Snapshot>> LmdbStore::read() const {
    return fail(absent());
}
std::uint64_t LmdbStore::room() const {
    return 0;
}
void LmdbStore::housekeep() {}
const TimeHistogram* LmdbStore::commit_times() const noexcept {
    return nullptr;
}
bool LmdbStore::is_deleted() const noexcept {
    return false;
}
LmdbLevels LmdbStore::levels() const {
    return {};
}
std::optional<JournalGivenUp> LmdbStore::given_up() const {
    return {};
}
Status LmdbStore::write(const Mutations& /*mutations*/) {
    return fail(absent());
}

Result<VerifyReport> verify_store(const std::filesystem::path& /*directory*/,
                                  const StoreProgress& /*progress*/) {
    return fail(absent());
}
Status back_up_store(const std::filesystem::path& /*directory*/,
                     const std::filesystem::path& /*target*/, const StoreProgress& /*progress*/) {
    return fail(absent());
}
Status restore_store(const std::filesystem::path& /*backup*/,
                     const std::filesystem::path& /*directory*/,
                     const StoreProgress& /*progress*/) {
    return fail(absent());
}

Result<GivenUp> give_up_journal(const std::filesystem::path& /*directory*/,
                                LmdbOptions /*options*/) {
    return fail(absent());
}

} // namespace flotilla::queue
