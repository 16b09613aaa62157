// SPDX-License-Identifier: Apache-2.0
//
// ListLock: one change of an allow-list at a time. Two that read the same content would undo each
// other, and a key that somebody revoked would be allowed again. Locks the list's folder (itself,
// where it is one), so that nothing is left behind.
#pragma once

#include <flotilla/base/result.hpp>

#include <string>

namespace flotilla::cli::keys {

class ListLock {
public:
    // Waits up to 10 s for somebody else's change. A folder that cannot be opened or locked locks
    // nothing: what is wrong with it shows when the list is read. Errors: timeout.
    static Result<ListLock> take(const std::string& list);
    ListLock(ListLock&& other) noexcept;
    ListLock& operator=(ListLock&&) = delete;
    ~ListLock();

private:
    explicit ListLock(int descriptor) noexcept : descriptor_(descriptor) {}
    int descriptor_;
};

} // namespace flotilla::cli::keys
