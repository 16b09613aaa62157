// SPDX-License-Identifier: Apache-2.0
//
// Tree: the part of LmdbStore that LMDB is: every commit is a transaction, synced twice (its pages,
// then the head of the file).
#pragma once

#include <flotilla/queue/engine/lmdb_store.hpp>
#include <flotilla/queue/engine/store.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>

namespace flotilla::queue::lmdb {

class Tree final : public Store {
public:
    // As LmdbStore::open, which checks the options.
    static Result<std::unique_ptr<Tree>> open(const std::filesystem::path& directory,
                                              LmdbOptions options);
    ~Tree() override;

    Result<std::unique_ptr<Snapshot>> read() const override;
    std::uint64_t room() const override;
    void housekeep() override;
    LmdbLevels levels() const;
    bool is_deleted() const noexcept; // data.mdb has no name any more
    // Both in one transaction, in this order; as commit() otherwise.
    Status write_both(const Mutations& first, const Mutations& second);

protected:
    Status write(const Mutations& mutations) override;

private:
    friend class TreeSnapshot;
    struct Rest;
    explicit Tree(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::queue::lmdb
