#include "target/store/file_request.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"

namespace pushpull::target {
namespace {

FileOperation::Kind KindOf(const Io& io) {
  switch (io.op) {
    case Io::Op::kRead:
      return FileOperation::Kind::kRead;
    case Io::Op::kWrite:
      return io.durable ? FileOperation::Kind::kDurableWrite : FileOperation::Kind::kWrite;
    case Io::Op::kUnmap:
      return FileOperation::Kind::kPunch;
    case Io::Op::kFlush:
      break;  // SyncQueue's
  }
  return FileOperation::Kind::kSync;
}

// Between the I/O's own buffers and one piece of memory.
void Gather(std::span<const iovec> buffers, uint8_t* to) {
  for (const iovec& buffer : buffers) {
    if (buffer.iov_len == 0) continue;
    std::memcpy(to, buffer.iov_base, buffer.iov_len);
    to += buffer.iov_len;
  }
}

void Scatter(const uint8_t* from, std::span<const iovec> buffers) {
  for (const iovec& buffer : buffers) {
    if (buffer.iov_len == 0) continue;
    std::memcpy(buffer.iov_base, from, buffer.iov_len);
    from += buffer.iov_len;
  }
}

}  // namespace

absl::Status FileErrorStatus(int error) {
  const char* text = std::strerror(error);
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return absl::ResourceExhaustedError(text);
    case EROFS:
    case EPERM:
    case EACCES:
    case EBADF:  // opened for reading
      return absl::PermissionDeniedError(text);
    case EIO:
    case EILSEQ:
      return absl::DataLossError(text);
    case EOPNOTSUPP:  // a file system or device without holes
      return absl::UnimplementedError(text);
    default:
      return absl::UnavailableError(text);
  }
}

FileRequest::FileRequest(Io* io, int fd, IoEngine* engine, SyncQueue* syncs)
    : io_(io), engine_(engine), syncs_(syncs), wanted_(IoBytes(io->buffers)) {
  kind = KindOf(*io);
  this->fd = fd;
  offset = io->offset;
  bytes = io->bytes;
  left_.assign(io->buffers.begin(), io->buffers.end());
}

bool FileRequest::UseBounce(size_t memory_alignment, size_t offset_alignment) {
  const size_t whole = (wanted_ + offset_alignment - 1) / offset_alignment * offset_alignment;
  void* memory = nullptr;
  if (posix_memalign(&memory, memory_alignment, whole) != 0) return false;
  bounce_.reset(static_cast<uint8_t*>(memory));
  if (io_->op == Io::Op::kWrite) Gather(io_->buffers, bounce_.get());
  left_ = {{bounce_.get(), whole}};
  return true;
}

void FileRequest::Start() {
  buffers = std::span<const iovec>(left_).subspan(first_);
  if (buffers.size() > IOV_MAX) buffers = buffers.first(IOV_MAX);
  engine_->Start(this);
}

void FileRequest::Advance(uint64_t moved) {
  moved_ += moved;
  offset += moved;
  while (first_ < left_.size()) {
    iovec& buffer = left_[first_];
    const size_t part = std::min<uint64_t>(moved, buffer.iov_len);
    buffer.iov_base = static_cast<uint8_t*>(buffer.iov_base) + part;
    buffer.iov_len -= part;
    moved -= part;
    if (buffer.iov_len != 0) return;
    ++first_;
  }
}

void FileRequest::OnResult(int64_t result) {
  if (result == -EINTR || result == -EAGAIN) return Start();
  if (result < 0) return Finish(FileErrorStatus(static_cast<int>(-result)));
  if (kind == Kind::kPunch) return Finish(absl::OkStatus());
  if (result == 0) {
    return Finish(absl::DataLossError(
        absl::StrCat("the file ends at ", offset, ": it was made shorter while it was served")));
  }
  Advance(static_cast<uint64_t>(result));
  if (moved_ < wanted_) return Start();
  Finish(absl::OkStatus());
}

void FileRequest::Finish(absl::Status status) {
  // Before `done` is posted: afterwards the buffers may be gone.
  if (status.ok() && bounce_ != nullptr && io_->op == Io::Op::kRead) {
    Scatter(bounce_.get(), io_->buffers);
  }
  if (kind == Kind::kDurableWrite && absl::IsDataLoss(status)) syncs_->Fail(status);
  Io* io = io_;
  delete this;
  io->loop->Post([io, status = std::move(status)] { FinishIo(io, status); });
}

}  // namespace pushpull::target
