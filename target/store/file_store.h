// `file:PATH[,direct][,ro]`: a file or a block device. Its size is the store's. While it is open
// nobody else opens it so, unless both only read it (file_lock.h).

#ifndef TARGET_STORE_FILE_STORE_H_
#define TARGET_STORE_FILE_STORE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "target/store/io_engine.h"
#include "target/store/store.h"
#include "target/store/sync_queue.h"

namespace pushpull::target {

struct FileStoreOptions {
  std::string path;
  bool direct = false;  // O_DIRECT: past the page cache
  bool read_only = false;
  uint32_t block_size = 512;  // what offsets and lengths of writes are multiples of

  enum class Engine : uint8_t {
    // What the page cache can do without waiting is done at once by who submits it, the rest by
    // io_uring if it can be had.
    kBest,
    kUring,
    kThreads,
  };
  Engine engine = Engine::kBest;
  // Passes time, while the file is still held by what is left of a process that was killed.
  std::function<void(absl::Duration)> wait = [](absl::Duration time) { absl::SleepFor(time); };
};

class FileStore final : public Store {
 public:
  // Errors say what to do: create the file, give it a size, drop `direct`... With an `engine`, that
  // one does all the file's I/O, whatever the options say.
  static absl::StatusOr<std::unique_ptr<FileStore>> Open(
      const FileStoreOptions& options, std::unique_ptr<IoEngine> engine = nullptr);
  ~FileStore() override;
  FileStore(const FileStore&) = delete;
  FileStore& operator=(const FileStore&) = delete;

  std::optional<absl::Status> Submit(Io* io) override;
  uint64_t size_bytes() const override { return size_bytes_; }
  bool read_only() const override { return options_.read_only; }
  bool has_volatile_cache() const override { return !options_.read_only; }
  bool can_unmap() const override { return can_unmap_; }
  uint32_t unmap_granularity_bytes() const override { return unmap_granularity_; }
  Extent ExtentAt(uint64_t offset) const override;

 private:
  FileStore(const FileStoreOptions& options, int fd) : options_(options), fd_(fd) {}

  absl::Status FindSize();
  absl::Status FindAlignment();
  void FindUnmapping();
  absl::Status OpenForSyncs();
  absl::Status StartEngine();
  bool NeedsBounce(const Io& io) const;
  // Whether all of it was done.
  bool DoneAtOnce(const Io& io, uint64_t bytes);
  void FindWhatGoesAtOnce();

  const FileStoreOptions options_;
  const int fd_;
  int sync_fd_ = -1;  // of SyncQueue alone
  uint64_t size_bytes_ = 0;
  bool can_unmap_ = false;
  uint32_t unmap_granularity_ = 4096;
  uint32_t memory_alignment_ = 1;  // what O_DIRECT asks for
  uint32_t offset_alignment_ = 1;
  int at_once_flags_ = 0;
  // Until the file system says that it can't.
  std::atomic<bool> reads_at_once_ = false;
  std::atomic<bool> writes_at_once_ = false;
  std::unique_ptr<IoEngine> engine_;
  std::unique_ptr<SyncQueue> syncs_;
};

}  // namespace pushpull::target

#endif  // TARGET_STORE_FILE_STORE_H_
