// `file:PATH[,direct][,ro]`: a file or a block device. Its size is the store's.

#ifndef TARGET_STORE_FILE_STORE_H_
#define TARGET_STORE_FILE_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "target/store/io_engine.h"
#include "target/store/store.h"

namespace pushpull::target {

struct FileStoreOptions {
  std::string path;
  bool direct = false;  // O_DIRECT: past the page cache
  bool read_only = false;
  uint32_t block_size = 512;  // what offsets and lengths of writes are multiples of

  enum class Engine : uint8_t {
    kBest,  // io_uring if it can be had
    kUring,
    kThreads,
  };
  Engine engine = Engine::kBest;
};

class FileStore final : public Store {
 public:
  // Errors say what to do: create the file, give it a size, drop `direct`...
  static absl::StatusOr<std::unique_ptr<FileStore>> Open(const FileStoreOptions& options);
  ~FileStore() override;
  FileStore(const FileStore&) = delete;
  FileStore& operator=(const FileStore&) = delete;

  std::optional<absl::Status> Submit(Io* io) override;
  uint64_t size_bytes() const override { return size_bytes_; }
  bool read_only() const override { return options_.read_only; }
  bool has_volatile_cache() const override { return !options_.read_only; }

 private:
  FileStore(const FileStoreOptions& options, int fd) : options_(options), fd_(fd) {}

  absl::Status FindSize();
  absl::Status FindAlignment();
  absl::Status StartEngine();
  bool NeedsBounce(const Io& io) const;

  const FileStoreOptions options_;
  const int fd_;
  uint64_t size_bytes_ = 0;
  uint32_t memory_alignment_ = 1;  // what O_DIRECT asks for
  uint32_t offset_alignment_ = 1;
  std::unique_ptr<IoEngine> engine_;
};

}  // namespace pushpull::target

#endif  // TARGET_STORE_FILE_STORE_H_
