#include "target/store/store.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace pushpull::target {

uint64_t IoBytes(std::span<const iovec> buffers) {
  uint64_t bytes = 0;
  for (const iovec& buffer : buffers) bytes += buffer.iov_len;
  return bytes;
}

uint64_t IoLength(const Io& io) { return io.op == Io::Op::kUnmap ? io.bytes : IoBytes(io.buffers); }

void FinishIo(Io* io, absl::Status status) {
  // It may free or reuse the Io, and with it the function.
  auto done = std::move(io->done);
  done(std::move(status));
}

absl::Status Store::Check(const Io& io) const {
  if (io.op == Io::Op::kFlush) return absl::OkStatus();
  const uint64_t bytes = IoLength(io);
  if (io.offset > size_bytes() || bytes > size_bytes() - io.offset) {
    return absl::OutOfRangeError(
        absl::StrCat(bytes, " bytes at ", io.offset, " of a store of ", size_bytes(), " bytes"));
  }
  if (io.op != Io::Op::kRead && read_only()) {
    return absl::PermissionDeniedError("the store is read-only");
  }
  if (io.op == Io::Op::kUnmap && !can_unmap()) {
    return absl::UnimplementedError("the store can't give space back");
  }
  return absl::OkStatus();
}

}  // namespace pushpull::target
