// What a test that cannot run under a sanitizer needs to know: INTVIT_ADDRESS_SANITIZER and INTVIT_THREAD_SANITIZER are
// 1 or 0.
#pragma once

#include <cstdlib>
#include <iostream>

#if defined(__has_feature) // clang
#define INTVIT_ADDRESS_SANITIZER __has_feature(address_sanitizer)
#define INTVIT_THREAD_SANITIZER __has_feature(thread_sanitizer)
#else
#ifdef __SANITIZE_ADDRESS__
#define INTVIT_ADDRESS_SANITIZER 1
#else
#define INTVIT_ADDRESS_SANITIZER 0
#endif
#ifdef __SANITIZE_THREAD__
#define INTVIT_THREAD_SANITIZER 1
#else
#define INTVIT_THREAD_SANITIZER 0
#endif
#endif

namespace intvit::test {

// A sanitizer's build takes about ten times as long. Of thousands of cases of one kind it tries one in so many, but all
// where INTVIT_ALL_CASES is set, as scripts/test-all.sh does.
inline const int one_in =
    (INTVIT_ADDRESS_SANITIZER || INTVIT_THREAD_SANITIZER) && std::getenv("INTVIT_ALL_CASES") == nullptr ? 7 : 1;

// Says why a test case does nothing; ctest counts it as skipped.
inline void skip(const char *reason) {
  std::cout << "[skipped] " << reason << "\n";
}

} // namespace intvit::test
