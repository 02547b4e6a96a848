#include "target/store/computed_store.h"

#include <cstring>

namespace pushpull::target {
namespace {

uint8_t PatternByte(uint64_t address) {
  return static_cast<uint8_t>((address & ~uint64_t{7}) >> (8 * (7 - address % 8)));
}

}  // namespace

void FillPattern(uint64_t address, base::MutableBytes bytes) {
  size_t i = 0;
  for (; i < bytes.size() && (address + i) % 8 != 0; ++i) bytes[i] = PatternByte(address + i);
  for (; i + 8 <= bytes.size(); i += 8) base::StoreBe64(&bytes[i], address + i);
  for (; i < bytes.size(); ++i) bytes[i] = PatternByte(address + i);
}

std::optional<absl::Status> NullStore::Submit(Io* io) {
  absl::Status status = Check(*io);
  if (!status.ok() || io->op != Io::Op::kRead) return status;
  for (const iovec& buffer : io->buffers) {
    if (buffer.iov_len > 0) std::memset(buffer.iov_base, 0, buffer.iov_len);
  }
  return status;
}

std::optional<absl::Status> PatternStore::Submit(Io* io) {
  absl::Status status = Check(*io);
  if (!status.ok() || io->op != Io::Op::kRead) return status;
  uint64_t address = io->offset;
  for (const iovec& buffer : io->buffers) {
    FillPattern(address, {static_cast<uint8_t*>(buffer.iov_base), buffer.iov_len});
    address += buffer.iov_len;
  }
  return status;
}

}  // namespace pushpull::target
