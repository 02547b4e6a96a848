#include "target/store/ram_store.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace pushpull::target {
namespace {

// How far ExtentAt looks: 256 KiB of the map.
constexpr uint64_t kMaxExtentBytes = 1 << 30;

uint64_t PageBytes() {
  static const auto bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

absl::Status NoMemory(uint64_t size_bytes, int error) {
  return absl::ResourceExhaustedError(
      absl::StrCat("no ", size_bytes, " bytes of memory for a ram: store (", std::strerror(error),
                   "): use a smaller size, or file:, pattern: or null:"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<RamStore>> RamStore::Create(uint64_t size_bytes) {
  void* bytes = mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (bytes == MAP_FAILED) return NoMemory(size_bytes, errno);
  std::unique_ptr<WrittenMap> written = WrittenMap::Create(size_bytes);
  if (written == nullptr) {
    CHECK_EQ(munmap(bytes, size_bytes), 0);
    return NoMemory(size_bytes, ENOMEM);
  }
  return std::unique_ptr<RamStore>(
      new RamStore(static_cast<uint8_t*>(bytes), size_bytes, std::move(written)));
}

RamStore::~RamStore() { CHECK_EQ(munmap(bytes_, size_bytes_), 0); }

std::optional<absl::Status> RamStore::Submit(Io* io) {
  absl::Status status = Check(*io);
  if (!status.ok() || io->op == Io::Op::kFlush) return status;
  if (io->op == Io::Op::kUnmap) {
    Unmap(io->offset, io->bytes);
    return status;
  }
  uint64_t at = io->offset;
  for (const iovec& buffer : io->buffers) {
    if (buffer.iov_base == bytes_ + at) {  // moved in place (Memory())
      if (io->op == Io::Op::kWrite) written_->Mark(at, buffer.iov_len);
    } else {
      Copy(io->op, at, buffer);
    }
    at += buffer.iov_len;
  }
  return status;
}

void RamStore::Copy(Io::Op op, uint64_t at, const iovec& buffer) {
  bytes_copied_.fetch_add(buffer.iov_len, std::memory_order_relaxed);
  auto* memory = static_cast<uint8_t*>(buffer.iov_base);
  for (uint64_t left = buffer.iov_len; left > 0;) {
    const uint64_t part = std::min(left, kStripeBytes - at % kStripeBytes);
    std::lock_guard lock(LockOf(at));
    if (op == Io::Op::kRead) {
      std::memcpy(memory, bytes_ + at, part);
    } else {
      std::memcpy(bytes_ + at, memory, part);
      written_->Mark(at, part);
    }
    memory += part;
    at += part;
    left -= part;
  }
}

void RamStore::NoteWritten(uint64_t offset, uint64_t bytes) {
  for (uint64_t at = offset; at < offset + bytes;) {
    const uint64_t part = std::min(offset + bytes - at, kStripeBytes - at % kStripeBytes);
    std::lock_guard lock(LockOf(at));
    written_->Mark(at, part);
    at += part;
  }
}

// ---- giving back -----------------------------------------------------------------------------

void RamStore::Unmap(uint64_t offset, uint64_t bytes) {
  const uint64_t end = offset + bytes;
  // What was never written is zero.
  for (uint64_t at = written_->Find(true, offset, end); at < end;
       at = written_->Find(true, at, end)) {
    const uint64_t part = std::min(end - at, kStripeBytes - at % kStripeBytes);
    std::lock_guard lock(LockOf(at));
    UnmapLocked(at, part);
    at += part;
  }
}

void RamStore::UnmapLocked(uint64_t at, uint64_t bytes) {
  written_->Clear(at, bytes);
  // Pages at either end go back if nothing else of them is in use; the system doesn't have the rest
  // of the last page of all.
  const uint64_t first = at / PageBytes() * PageBytes();
  const uint64_t last = (at + bytes + PageBytes() - 1) / PageBytes() * PageBytes();
  uint64_t begin = at;
  uint64_t end = at + bytes;
  const uint64_t after = std::min(last, size_bytes_);
  if (!written_->AnyMarked(first, std::min(first + PageBytes(), after) - first)) begin = first;
  if (!written_->AnyMarked(last - PageBytes(), after - (last - PageBytes()))) end = last;
  const uint64_t first_whole = (begin + PageBytes() - 1) / PageBytes() * PageBytes();
  const uint64_t last_whole = end / PageBytes() * PageBytes();
  std::lock_guard lock(pins_mutex_);
  if (first_whole >= last_whole || pinned_.contains(at / kPinBytes)) {
    std::memset(bytes_ + at, 0, bytes);
    return;
  }
  if (at < first_whole) std::memset(bytes_ + at, 0, first_whole - at);
  if (at + bytes > last_whole) std::memset(bytes_ + last_whole, 0, at + bytes - last_whole);
  Release(first_whole, last_whole - first_whole);
}

void RamStore::Release(uint64_t at, uint64_t bytes) {
  // Locked pages (mlockall) don't go.
  if (madvise(bytes_ + at, bytes, MADV_DONTNEED) != 0) std::memset(bytes_ + at, 0, bytes);
}

void RamStore::PinMemory(uint64_t offset, uint64_t bytes) {
  if (bytes == 0) return;
  std::lock_guard lock(pins_mutex_);
  for (uint64_t piece = offset / kPinBytes; piece * kPinBytes < offset + bytes; ++piece) {
    pinned_.insert(piece);
  }
}

Store::Extent RamStore::ExtentAt(uint64_t offset) const {
  const uint64_t end = offset + std::min(size_bytes_ - offset, kMaxExtentBytes);
  const bool mapped = written_->Find(true, offset, offset + 1) == offset;
  return {mapped, written_->Find(!mapped, offset, end) - offset};
}

}  // namespace pushpull::target
