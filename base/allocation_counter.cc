#include "base/allocation_counter.h"

#include <malloc.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#include <sanitizer/allocator_interface.h>
#define PUSHPULL_ALLOCATION_HOOKS
#endif
#endif

namespace pushpull::base {
namespace {

thread_local int64_t of_this_thread = 0;
thread_local bool counted = false;
std::atomic<int64_t> of_counted_threads{0};
std::atomic<int64_t> live_bytes{0};

void CountOne(size_t usable_bytes) {
  ++of_this_thread;
  if (counted) of_counted_threads.fetch_add(1, std::memory_order_relaxed);
  live_bytes.fetch_add(static_cast<int64_t>(usable_bytes), std::memory_order_relaxed);
}
void DropOne(size_t usable_bytes) {
  live_bytes.fetch_sub(static_cast<int64_t>(usable_bytes), std::memory_order_relaxed);
}

#ifdef PUSHPULL_ALLOCATION_HOOKS

// Nothing in here may be watched: the runtime calls it from within.
__attribute__((no_sanitize("thread"))) void OnMalloc(const volatile void* memory, size_t) {
  CountOne(__sanitizer_get_allocated_size(memory));
}
__attribute__((no_sanitize("thread"))) void OnFree(const volatile void* memory) {
  if (memory != nullptr) DropOne(__sanitizer_get_allocated_size(memory));
}
const int hooks = __sanitizer_install_malloc_and_free_hooks(&OnMalloc, &OnFree);

#else

void* Allocate(size_t bytes, size_t alignment) {
  if (bytes == 0) bytes = 1;
  void* const memory =
      alignment <= alignof(std::max_align_t)
          ? std::malloc(bytes)
          : std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (memory == nullptr) std::abort();
  CountOne(malloc_usable_size(memory));
  return memory;
}

void Free(void* memory) {
  if (memory == nullptr) return;
  DropOne(malloc_usable_size(memory));
  std::free(memory);
}

#endif

}  // namespace

int64_t ThreadAllocations() { return of_this_thread; }
void CountThisThread() { counted = true; }
int64_t CountedAllocations() { return of_counted_threads.load(std::memory_order_relaxed); }
int64_t LiveBytes() { return live_bytes.load(std::memory_order_relaxed); }

}  // namespace pushpull::base

#ifndef PUSHPULL_ALLOCATION_HOOKS

using pushpull::base::Allocate;
using pushpull::base::Free;

// The forms without exceptions call these.
void* operator new(size_t bytes) { return Allocate(bytes, 1); }
void* operator new[](size_t bytes) { return Allocate(bytes, 1); }
void* operator new(size_t bytes, std::align_val_t alignment) {
  return Allocate(bytes, static_cast<size_t>(alignment));
}
void* operator new[](size_t bytes, std::align_val_t alignment) {
  return Allocate(bytes, static_cast<size_t>(alignment));
}
void operator delete(void* memory) noexcept { Free(memory); }
void operator delete[](void* memory) noexcept { Free(memory); }
void operator delete(void* memory, size_t) noexcept { Free(memory); }
void operator delete[](void* memory, size_t) noexcept { Free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { Free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { Free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { Free(memory); }
void operator delete[](void* memory, size_t, std::align_val_t) noexcept { Free(memory); }

#endif
