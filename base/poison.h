// Memory that nobody may touch for now: AddressSanitizer reports whoever does. For pools, which
// keep memory that the sanitizer would know as freed otherwise. Nothing in other builds.

#ifndef BASE_POISON_H_
#define BASE_POISON_H_

#include <cstddef>

#if defined(__has_feature)  // clang; asked alone, for other compilers can't read what follows
#if __has_feature(address_sanitizer)
#define PUSHPULL_POISON 1
#endif
#elif defined(__SANITIZE_ADDRESS__)  // GCC
#define PUSHPULL_POISON 1
#endif

#ifdef PUSHPULL_POISON
#include <sanitizer/asan_interface.h>
#endif

namespace pushpull::base {

// Whether this build sees who reads or writes what isn't his.
#ifdef PUSHPULL_POISON
inline constexpr bool kSeesMemoryErrors = true;
#else
inline constexpr bool kSeesMemoryErrors = false;
#endif

inline void Poison([[maybe_unused]] const void* memory, [[maybe_unused]] size_t bytes) {
#ifdef PUSHPULL_POISON
  __asan_poison_memory_region(memory, bytes);
#endif
}

inline void Unpoison([[maybe_unused]] const void* memory, [[maybe_unused]] size_t bytes) {
#ifdef PUSHPULL_POISON
  __asan_unpoison_memory_region(memory, bytes);
#endif
}

}  // namespace pushpull::base

#endif  // BASE_POISON_H_
