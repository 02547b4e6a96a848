#include "target/store/ram_store.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace pushpull::target {

absl::StatusOr<std::unique_ptr<RamStore>> RamStore::Create(uint64_t size_bytes) {
  void* bytes = mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (bytes == MAP_FAILED) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no ", size_bytes, " bytes of memory for a ram: store (", std::strerror(errno),
                     "): use a smaller size, or file:, pattern: or null:"));
  }
  return std::unique_ptr<RamStore>(new RamStore(static_cast<uint8_t*>(bytes), size_bytes));
}

RamStore::~RamStore() { CHECK_EQ(munmap(bytes_, size_bytes_), 0); }

std::optional<absl::Status> RamStore::Submit(Io* io) {
  absl::Status status = Check(*io);
  if (!status.ok() || io->op == Io::Op::kFlush) return status;
  uint64_t at = io->offset;
  for (const iovec& buffer : io->buffers) {
    auto* memory = static_cast<uint8_t*>(buffer.iov_base);
    if (memory == bytes_ + at) {  // moved in place (Memory())
      at += buffer.iov_len;
      continue;
    }
    bytes_copied_.fetch_add(buffer.iov_len, std::memory_order_relaxed);
    for (uint64_t left = buffer.iov_len; left > 0;) {
      const uint64_t part = std::min(left, kStripeBytes - at % kStripeBytes);
      std::lock_guard lock(locks_[at / kStripeBytes % kLocks]);
      if (io->op == Io::Op::kRead) {
        std::memcpy(memory, bytes_ + at, part);
      } else {
        std::memcpy(bytes_ + at, memory, part);
      }
      memory += part;
      at += part;
      left -= part;
    }
  }
  return status;
}

}  // namespace pushpull::target
