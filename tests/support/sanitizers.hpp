// What a test that cannot run under a sanitizer needs to know.
#pragma once

#include <iostream>

namespace intvit::test {

#if defined(__has_feature)
#define INTVIT_HAS_FEATURE(feature) __has_feature(feature)
#else
#define INTVIT_HAS_FEATURE(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || INTVIT_HAS_FEATURE(address_sanitizer)
inline constexpr bool has_address_sanitizer = true;
#else
inline constexpr bool has_address_sanitizer = false;
#endif

#if defined(__SANITIZE_THREAD__) || INTVIT_HAS_FEATURE(thread_sanitizer)
inline constexpr bool has_thread_sanitizer = true;
#else
inline constexpr bool has_thread_sanitizer = false;
#endif

#undef INTVIT_HAS_FEATURE

// Says why a test case does nothing; ctest counts it as skipped.
inline void skip(const char *reason) {
  std::cout << "[skipped] " << reason << "\n";
}

} // namespace intvit::test
