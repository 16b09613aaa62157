// SPDX-License-Identifier: Apache-2.0
// Tells the thread sanitizer what it cannot see in libzmq, which is not instrumented: bytes that
// were lent to it by one thread are in order when another receives them at the same address.
// Nothing in other builds. Private to net.
#pragma once

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FLOTILLA_THREAD_SANITIZER
#endif
#elif defined(__SANITIZE_THREAD__)
#define FLOTILLA_THREAD_SANITIZER
#endif

#ifdef FLOTILLA_THREAD_SANITIZER
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
#endif

namespace flotilla::net::detail {

inline void lent_to_transport([[maybe_unused]] void* bytes) noexcept {
#ifdef FLOTILLA_THREAD_SANITIZER
    __tsan_release(bytes);
#endif
}

inline void received_from_transport([[maybe_unused]] void* bytes) noexcept {
#ifdef FLOTILLA_THREAD_SANITIZER
    __tsan_acquire(bytes);
#endif
}

} // namespace flotilla::net::detail
