// Whether this build has a sanitizer, for tests that would take too long under one.

#ifndef BASE_SANITIZED_H_
#define BASE_SANITIZED_H_

namespace pushpull::base {

#if defined(__has_feature)  // clang; asked alone, for other compilers can't read what follows
inline constexpr bool kSanitized = __has_feature(address_sanitizer) ||
                                   __has_feature(thread_sanitizer) ||
                                   __has_feature(undefined_behavior_sanitizer);
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)  // GCC
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace pushpull::base

#endif  // BASE_SANITIZED_H_
