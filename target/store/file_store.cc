#include "target/store/file_store.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fstream>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/shell_quote.h"
#include "base/status.h"
#include "target/store/file_lock.h"
#include "target/store/file_request.h"

namespace pushpull::target {
namespace {

constexpr int kThreads = 4;
constexpr int64_t kMaxGranularity = 1 << 20;
// More is copied by another thread, while the loop does something else.
constexpr uint64_t kMostAtOnce = 256 << 10;

std::string Quoted(const std::string& path) { return absl::StrCat("file '", path, "'"); }

// A command line that gives the file this size.
std::string ResizeCommand(const std::string& size, const std::string& path) {
  return absl::StrCat("`truncate -s ", size, path[0] == '-' ? " -- " : " ", base::ShellQuoted(path),
                      "`");
}

// There is nothing of this name. What helps depends on what there is above it.
absl::Status MissingError(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  struct stat status;
  if (stat(folder.c_str(), &status) != 0) {
    return absl::NotFoundError(absl::StrCat(Quoted(path),
                                            " does not exist, nor does the directory ", "'", folder,
                                            "': check the path"));
  }
  if (slash != std::string::npos && slash + 1 == path.size()) {
    return absl::NotFoundError(absl::StrCat(Quoted(path), " is no name of a file"));
  }
  if (lstat(path.c_str(), &status) == 0) {
    return absl::NotFoundError(
        absl::StrCat(Quoted(path), " is a symbolic link to what does not exist"));
  }
  return absl::NotFoundError(
      absl::StrCat(Quoted(path), " does not exist: create it with ", ResizeCommand("1G", path)));
}

// What the user can do about a file that can't be opened.
absl::Status OpenError(const FileStoreOptions& options, int error) {
  const std::string file = Quoted(options.path);
  const std::string what = absl::StrCat(file, " can't be opened: ", std::strerror(error));
  switch (error) {
    case ENOENT:
      return MissingError(options.path);
    case ENOTDIR:
      return absl::NotFoundError(
          absl::StrCat(file, " can't be there: a part of its path is a file, not a directory"));
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(absl::StrCat(
          what, options.read_only ? "" : "; ',ro' after its name opens it for reading"));
    case EBUSY:
      return absl::FailedPreconditionError(
          absl::StrCat(file,
                       " is in use: mounted, a part of another device, or served already "
                       "(`lsblk` may tell); end that, or serve another"));
    case EISDIR:
      return absl::InvalidArgumentError(absl::StrCat(file, " is a directory: name a file in it"));
    case EINVAL:
      if (options.direct) {
        return absl::InvalidArgumentError(
            absl::StrCat(file, " lies on a file system without O_DIRECT: leave ',direct' out"));
      }
      break;
    default:
      break;
  }
  return absl::UnavailableError(what);
}

// A block device that is to be written must not be mounted, nor anybody else's.
int ExclusiveFlag(const FileStoreOptions& options) {
  struct stat status;
  if (options.read_only || stat(options.path.c_str(), &status) != 0) return 0;
  return S_ISBLK(status.st_mode) ? O_EXCL : 0;
}

// What the system says of a block device, or of the disk that a partition is on. 0: nothing.
uint64_t QueueLimit(dev_t device, const char* name) {
  const std::string folder =
      absl::StrCat("/sys/dev/block/", major(device), ":", minor(device), "/");
  for (const char* queue : {"queue/", "../queue/"}) {
    std::ifstream file(absl::StrCat(folder, queue, name));
    uint64_t value = 0;
    if (file >> value) return value;
  }
  return 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileStore>> FileStore::Open(const FileStoreOptions& options,
                                                           std::unique_ptr<IoEngine> engine) {
  const int flags = O_CLOEXEC | (options.read_only ? O_RDONLY : O_RDWR) |
                    (options.direct ? O_DIRECT : 0) | ExclusiveFlag(options);
  const int fd = open(options.path.c_str(), flags);
  if (fd < 0) return OpenError(options, errno);
  std::unique_ptr<FileStore> store(new FileStore(options, fd));
  PUSHPULL_RETURN_IF_ERROR(store->FindSize());
  PUSHPULL_RETURN_IF_ERROR(LockFile(fd, options.path, options.read_only, options.wait));
  if (options.direct) PUSHPULL_RETURN_IF_ERROR(store->FindAlignment());
  if (!options.read_only) {
    store->FindUnmapping();
    PUSHPULL_RETURN_IF_ERROR(store->OpenForSyncs());
  }
  if (engine == nullptr && options.engine == FileStoreOptions::Engine::kBest && !options.direct) {
    store->FindWhatGoesAtOnce();
  }
  store->engine_ = std::move(engine);
  if (store->engine_ == nullptr) PUSHPULL_RETURN_IF_ERROR(store->StartEngine());
  store->syncs_ = std::make_unique<SyncQueue>(store->sync_fd_, store->engine_.get());
  return store;
}

FileStore::~FileStore() {
  engine_.reset();
  if (sync_fd_ >= 0) close(sync_fd_);
  close(fd_);
}

absl::Status FileStore::FindSize() {
  struct stat status;
  if (fstat(fd_, &status) != 0) return OpenError(options_, errno);
  const std::string file = Quoted(options_.path);
  if (S_ISBLK(status.st_mode)) {
    if (ioctl(fd_, BLKGETSIZE64, &size_bytes_) != 0) return OpenError(options_, errno);
  } else if (S_ISREG(status.st_mode)) {
    size_bytes_ = static_cast<uint64_t>(status.st_size);
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat(file, " is neither a regular file nor a block device"));
  }
  if (size_bytes_ == 0) {
    return absl::InvalidArgumentError(
        S_ISBLK(status.st_mode)
            ? absl::StrCat(file, " is a block device of size 0: is there a medium in it?")
            : absl::StrCat(file, " is empty: give it a size with ",
                           ResizeCommand("1G", options_.path)));
  }
  if (size_bytes_ % options_.block_size != 0) {
    const uint64_t whole = size_bytes_ - size_bytes_ % options_.block_size;
    // Nobody is told to lengthen a file that was never meant to be a disk.
    return absl::InvalidArgumentError(
        absl::StrCat(file, " has ", size_bytes_, " bytes, which is no multiple of the block size ",
                     options_.block_size, "; if it is meant to be a disk, resize it with ",
                     ResizeCommand(absl::StrCat(whole + options_.block_size), options_.path)));
  }
  return absl::OkStatus();
}

absl::Status FileStore::FindAlignment() {
  memory_alignment_ = offset_alignment_ = 4096;  // enough for all, where the kernel doesn't say
#ifdef STATX_DIOALIGN
  struct statx extended;
  if (statx(fd_, "", AT_EMPTY_PATH, STATX_DIOALIGN, &extended) == 0 &&
      (extended.stx_mask & STATX_DIOALIGN) != 0) {
    if (extended.stx_dio_offset_align == 0) return OpenError(options_, EINVAL);
    memory_alignment_ = std::max<uint32_t>(extended.stx_dio_mem_align, sizeof(void*));
    offset_alignment_ = extended.stx_dio_offset_align;
  }
#endif
  if (options_.block_size % offset_alignment_ != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(Quoted(options_.path), " takes direct I/O in units of ", offset_alignment_,
                     " bytes, and the block size is ", options_.block_size,
                     ": use blocks of 4096 bytes, or leave ',direct' out"));
  }
  return absl::OkStatus();
}

// The system answers ENOTSUP where it can't make holes; asked about what lies behind the end of a
// file, it changes nothing. Of devices it says what they can do (blkdev_fallocate()).
void FileStore::FindUnmapping() {
  struct stat status;
  if (fstat(fd_, &status) != 0) return;
  if (S_ISBLK(status.st_mode)) {
    can_unmap_ = QueueLimit(status.st_rdev, "write_zeroes_max_bytes") > 0;
    const uint64_t granularity = QueueLimit(status.st_rdev, "discard_granularity");
    if (granularity >= 512 && granularity <= kMaxGranularity) {
      unmap_granularity_ = static_cast<uint32_t>(granularity);
    }
    return;
  }
  if (status.st_blksize >= 512 && status.st_blksize <= kMaxGranularity) {
    unmap_granularity_ = static_cast<uint32_t>(status.st_blksize);
  }
  const auto end = static_cast<off_t>(size_bytes_);
  can_unmap_ = fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, end, 4096) == 0;
}

// By its path, and not through fd_: what is told to one open file isn't told to another.
absl::Status FileStore::OpenForSyncs() {
  sync_fd_ = open(options_.path.c_str(), O_CLOEXEC | O_RDWR);
  if (sync_fd_ < 0) return OpenError(options_, errno);
  struct stat first, second;
  if (fstat(fd_, &first) != 0 || fstat(sync_fd_, &second) != 0) return OpenError(options_, errno);
  if (first.st_dev == second.st_dev && first.st_ino == second.st_ino) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(Quoted(options_.path), " was replaced while it was opened: try again"));
}

// tmpfs doesn't know the flag, and needs none: the file is in memory, and nothing else.
void FileStore::FindWhatGoesAtOnce() {
  struct statfs system;
  const bool in_memory = fstatfs(fd_, &system) == 0 && system.f_type == TMPFS_MAGIC;
  at_once_flags_ = in_memory ? 0 : RWF_NOWAIT;
  reads_at_once_ = writes_at_once_ = true;
}

absl::Status FileStore::StartEngine() {
  if (options_.engine != FileStoreOptions::Engine::kThreads) {
    absl::StatusOr<std::unique_ptr<IoEngine>> uring = MakeUringEngine();
    if (uring.ok()) {
      engine_ = *std::move(uring);
      return absl::OkStatus();
    }
    if (options_.engine == FileStoreOptions::Engine::kUring) return uring.status();
  }
  engine_ = MakeThreadEngine(kThreads);
  return absl::OkStatus();
}

// Whether memory or lengths don't suit O_DIRECT.
bool FileStore::NeedsBounce(const Io& io) const {
  return std::any_of(io.buffers.begin(), io.buffers.end(), [this](const iovec& buffer) {
    return reinterpret_cast<uintptr_t>(buffer.iov_base) % memory_alignment_ != 0 ||
           buffer.iov_len % offset_alignment_ != 0;
  });
}

// Anything else than all of it, an error too, is for the engine to find out.
bool FileStore::DoneAtOnce(const Io& io, uint64_t bytes) {
  const bool read = io.op == Io::Op::kRead;
  if (!read && (io.op != Io::Op::kWrite || io.durable)) return false;
  std::atomic<bool>& can = read ? reads_at_once_ : writes_at_once_;
  if (!can.load(std::memory_order_relaxed)) return false;
  if (bytes > kMostAtOnce || io.buffers.size() > IOV_MAX) return false;
  const auto count = static_cast<int>(io.buffers.size());
  const auto at = static_cast<off_t>(io.offset);
  const ssize_t moved = read ? preadv2(fd_, io.buffers.data(), count, at, at_once_flags_)
                             : pwritev2(fd_, io.buffers.data(), count, at, at_once_flags_);
  if (moved < 0 && errno == EOPNOTSUPP) can.store(false, std::memory_order_relaxed);
  return moved >= 0 && static_cast<uint64_t>(moved) == bytes;
}

std::optional<absl::Status> FileStore::Submit(Io* io) {
  absl::Status status = Check(*io);
  const uint64_t bytes = IoLength(*io);
  if (!status.ok()) return status;
  if (io->op == Io::Op::kFlush) {
    if (options_.read_only) return status;
    syncs_->Add(io);
    return std::nullopt;
  }
  if (bytes == 0) return status;
  const bool moves = io->op != Io::Op::kUnmap;
  const bool unaligned = io->offset % offset_alignment_ != 0 ||
                         (io->op == Io::Op::kWrite && bytes % offset_alignment_ != 0);
  if (options_.direct && moves && unaligned) {
    return absl::InvalidArgumentError("direct I/O of parts of blocks");
  }
  if (moves && DoneAtOnce(*io, bytes)) return status;
  auto* request = new FileRequest(io, fd_, engine_.get(), syncs_.get());
  if (options_.direct && moves && NeedsBounce(*io)) {
    if (!request->UseBounce(memory_alignment_, offset_alignment_)) {
      delete request;
      return absl::UnavailableError(absl::StrCat("no memory for a transfer of ", bytes, " bytes"));
    }
  }
  request->Start();
  return std::nullopt;
}

// Answered from what the file system has in memory, as a rule; devices don't say (EINVAL).
Store::Extent FileStore::ExtentAt(uint64_t offset) const {
  const uint64_t rest = size_bytes_ - offset;
  const auto at = static_cast<off_t>(offset);
  const off_t data = lseek(fd_, at, SEEK_DATA);
  if (data < 0) return {errno != ENXIO || !can_unmap_, rest};
  if (data > at) return {false, std::min(rest, static_cast<uint64_t>(data - at))};
  const off_t hole = lseek(fd_, at, SEEK_HOLE);
  if (hole <= at) return {true, rest};
  return {true, std::min(rest, static_cast<uint64_t>(hole - at))};
}

}  // namespace pushpull::target
