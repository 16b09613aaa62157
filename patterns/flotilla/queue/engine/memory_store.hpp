// SPDX-License-Identifier: Apache-2.0
//
// MemoryStore: a Store that ends with the process: for queues with durability=memory, for tests,
// and for trying things out. Bounded by bytes_max; room() says what is left.
#pragma once

#include <flotilla/queue/engine/store.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace flotilla::queue {

class MemoryStore final : public Store {
public:
    explicit MemoryStore(std::uint64_t bytes_max = 256ULL << 20) : bytes_max_(bytes_max) {}
    Result<std::unique_ptr<Snapshot>> read() const override;
    std::uint64_t room() const override;

protected:
    Status write(const Mutations& mutations) override;

private:
    friend class MemorySnapshot;
    std::uint64_t bytes_max_;
    std::uint64_t bytes_ = 0;
    std::array<std::map<std::string, std::string, std::less<>>, tables> tables_{};
};

} // namespace flotilla::queue
