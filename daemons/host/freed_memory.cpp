// SPDX-License-Identifier: Apache-2.0
#include "host/freed_memory.hpp"

#include <cstdlib> // for __GLIBC_PREREQ, and before it is asked for

#if defined(__GLIBC__) && defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 33) // mallinfo2
#define FLOTILLA_ALLOCATOR_TELLS
#include <malloc.h>
#endif
#endif

namespace flotilla::host {

void keep_freed_memory() noexcept {
#ifdef FLOTILLA_ALLOCATOR_TELLS
    constexpr int mapped_bytes_min = 8 << 20; // of one allocation: larger ones go back at once
    if (std::getenv("GLIBC_TUNABLES") != nullptr)
        return;
    ::mallopt(M_TRIM_THRESHOLD, static_cast<int>(FreedMemory::kept_bytes));
    ::mallopt(M_MMAP_THRESHOLD, mapped_bytes_min);
#endif
}

void FreedMemory::turned(Instant now) noexcept {
    if (now - looked_ < look_every)
        return;
    looked_ = now;
#ifdef FLOTILLA_ALLOCATOR_TELLS
    const struct mallinfo2 all = ::mallinfo2();
    if (is_worth_it(all.fordblks, all.uordblks))
        ::malloc_trim(0);
#endif
}

} // namespace flotilla::host
