// SPDX-License-Identifier: Apache-2.0
#include <cli/ledger.hpp>

#include <cstdlib>
#include <cstring>
#include <new>

namespace flotilla::cli {

net::Part Ledger::lend(ByteView bytes) {
    void* const copy = std::malloc(bytes.size() + 1);
    if (!copy)
        throw std::bad_alloc();
    std::memcpy(copy, bytes.data(), bytes.size());
    ++lent_;
    return net::Part::adopt(
        copy, bytes.size(),
        [](void* data, void* ledger) {
            std::free(data);
            ++static_cast<Ledger*>(ledger)->returned_;
        },
        this);
}

} // namespace flotilla::cli
