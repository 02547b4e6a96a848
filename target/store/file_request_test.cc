// One I/O of a file store, however the system moves its bytes: all of them, in their place; and
// what becomes of each error.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "fabric/sim_world.h"
#include "gtest/gtest.h"
#include "target/store/file_store.h"

namespace pushpull::target {
namespace {

constexpr size_t kSize = 16384;

// A disk in memory, which moves what it is told to, at once.
struct Disk {
  std::vector<uint8_t> bytes = std::vector<uint8_t>(kSize);
  std::deque<int64_t> results;  // the most that the next ones move, or errors; then: all
  size_t operations = 0;
  size_t most_buffers = 0;
  std::vector<const void*> places;  // memory that the last operation is about
};

class DiskEngine final : public IoEngine {
 public:
  explicit DiskEngine(std::shared_ptr<Disk> disk) : disk_(std::move(disk)) {}

  void Start(FileOperation* operation) override {
    ++disk_->operations;
    disk_->most_buffers = std::max(disk_->most_buffers, operation->buffers.size());
    disk_->places.clear();
    for (const iovec& buffer : operation->buffers) disk_->places.push_back(buffer.iov_base);
    int64_t most = INT64_MAX;
    if (!disk_->results.empty()) {
      most = disk_->results.front();
      disk_->results.pop_front();
    }
    operation->OnResult(most < 0 ? most : Move(*operation, most));
  }

 private:
  int64_t Move(const FileOperation& operation, int64_t most) {
    int64_t moved = 0;
    for (const iovec& buffer : operation.buffers) {
      const auto size = static_cast<size_t>(
          std::min<int64_t>(static_cast<int64_t>(buffer.iov_len), most - moved));
      uint8_t* const at = disk_->bytes.data() + operation.offset + moved;
      EXPECT_LE(operation.offset + static_cast<uint64_t>(moved) + size, kSize);
      if (operation.kind == FileOperation::Kind::kRead) {
        std::memcpy(buffer.iov_base, at, size);
      } else {
        std::memcpy(at, buffer.iov_base, size);
      }
      moved += static_cast<int64_t>(size);
    }
    return moved;
  }

  const std::shared_ptr<Disk> disk_;
};

class FileRequestTest : public testing::Test {
 protected:
  explicit FileRequestTest(bool direct = false) {
    const char* folder = std::getenv("TEST_TMPDIR");
    FileStoreOptions options;
    options.path = absl::StrCat(folder == nullptr ? "/tmp" : folder, "/request", getpid());
    options.direct = direct;
    if (direct) options.block_size = 4096;
    const int fd = open(options.path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    EXPECT_EQ(ftruncate(fd, kSize), 0);
    close(fd);
    auto store = FileStore::Open(options, std::make_unique<DiskEngine>(disk_));
    unlink(options.path.c_str());
    // Some file systems have no O_DIRECT.
    EXPECT_TRUE(store.ok() || direct) << store.status();
    if (store.ok()) store_ = *std::move(store);
  }

  // `sizes`: of the buffers, which stand in `memory` one behind the other.
  absl::Status Do(Io::Op op, uint64_t offset, const std::vector<size_t>& sizes,
                  std::vector<uint8_t>& memory, bool durable = false) {
    std::vector<iovec> buffers;
    size_t at = 0;
    for (const size_t size : sizes) {
      buffers.push_back({memory.data() + at, size});
      at += size;
    }
    return DoBuffers(op, offset, buffers, durable);
  }

  absl::Status DoBuffers(Io::Op op, uint64_t offset, const std::vector<iovec>& buffers,
                         bool durable = false) {
    std::optional<absl::Status> status;
    Io io;
    io.loop = loop_;
    io.op = op;
    io.durable = durable;
    io.offset = offset;
    io.buffers = buffers;
    io.done = [&status](absl::Status result) { status = std::move(result); };
    if (const auto now = store_->Submit(&io); now.has_value()) return *now;
    world_.RunUntilIdle();
    EXPECT_TRUE(status.has_value());
    return status.value_or(absl::InternalError("never done"));
  }

  fabric::SimWorld world_{1};
  fabric::Loop* loop_ = world_.NewLoop();
  std::shared_ptr<Disk> disk_ = std::make_shared<Disk>();
  std::unique_ptr<FileStore> store_;
};

TEST_F(FileRequestTest, PartsOfAnySizeComeTogether) {
  const std::vector<std::vector<size_t>> shapes = {
      {512}, {100, 412}, {0, 200, 0, 312, 0}, {1, 511}};
  for (const bool write : {true, false}) {
    for (const std::vector<size_t>& sizes : shapes) {
      for (const int64_t part : {1, 99, 100, 101, 200, 511, 512, 600}) {
        std::ranges::fill(disk_->bytes, 0);
        std::vector<uint8_t> memory(512);
        std::vector<uint8_t> due(512);
        std::iota(due.begin(), due.end(), uint8_t{1});
        const auto place = disk_->bytes.begin() + 4096;
        if (write) {
          memory = due;
        } else {
          std::ranges::copy(due, place);
        }
        disk_->results.assign(600, part);
        disk_->operations = 0;
        EXPECT_EQ(Do(write ? Io::Op::kWrite : Io::Op::kRead, 4096, sizes, memory),
                  absl::OkStatus());
        EXPECT_EQ(memory, due) << part;
        EXPECT_TRUE(std::equal(due.begin(), due.end(), place)) << part;
        EXPECT_EQ(std::count(disk_->bytes.begin(), disk_->bytes.end(), 0),
                  static_cast<int64_t>(kSize - 512 + 2))
            << "nothing else was written";
        const auto parts = static_cast<size_t>((512 + part - 1) / part);
        EXPECT_EQ(disk_->operations, parts) << part;
      }
    }
  }
}

TEST_F(FileRequestTest, InterruptedOnesGoOn) {
  std::vector<uint8_t> memory(512, 'a');
  disk_->results = {-EINTR, 100, -EAGAIN, -EINTR, 400};
  EXPECT_EQ(Do(Io::Op::kWrite, 0, {512}, memory), absl::OkStatus());
  EXPECT_EQ(disk_->operations, 6u);
  EXPECT_EQ(std::count(disk_->bytes.begin(), disk_->bytes.end(), 'a'), 512);
}

TEST_F(FileRequestTest, ManyBuffersGoInSeveralOperations) {
  std::vector<uint8_t> memory(2 * IOV_MAX + 2, 'b');
  const std::vector<size_t> sizes(memory.size(), 1);
  EXPECT_EQ(Do(Io::Op::kWrite, 512, sizes, memory), absl::OkStatus());
  EXPECT_EQ(disk_->operations, 3u);
  EXPECT_EQ(disk_->most_buffers, static_cast<size_t>(IOV_MAX));
  EXPECT_EQ(std::count(disk_->bytes.begin(), disk_->bytes.end(), 'b'),
            static_cast<int64_t>(memory.size()));
}

TEST_F(FileRequestTest, EachErrorHasItsMeaning) {
  const std::pair<int, absl::StatusCode> kErrors[] = {
      {ENOSPC, absl::StatusCode::kResourceExhausted},
      {EDQUOT, absl::StatusCode::kResourceExhausted},
      {EFBIG, absl::StatusCode::kResourceExhausted},
      {EROFS, absl::StatusCode::kPermissionDenied},
      {EPERM, absl::StatusCode::kPermissionDenied},
      {EACCES, absl::StatusCode::kPermissionDenied},
      {EBADF, absl::StatusCode::kPermissionDenied},
      {EIO, absl::StatusCode::kDataLoss},
      {EILSEQ, absl::StatusCode::kDataLoss},
      {EOPNOTSUPP, absl::StatusCode::kUnimplemented},
      {ENXIO, absl::StatusCode::kUnavailable},
  };
  std::vector<uint8_t> memory(512, 'c');
  for (const auto& [error, code] : kErrors) {
    disk_->results = {100, -error};
    const absl::Status status = Do(Io::Op::kWrite, 0, {512}, memory);
    EXPECT_EQ(status.code(), code) << std::strerror(error);
    EXPECT_EQ(status.message(), std::strerror(error));
  }
  disk_->results = {100, 0};
  const absl::Status cut = Do(Io::Op::kRead, 4096, {512}, memory);
  EXPECT_TRUE(absl::IsDataLoss(cut));
  EXPECT_TRUE(absl::StartsWith(cut.message(), "the file ends at 4196: ")) << cut;
}

// What was durable and was lost at the disk takes earlier writes with it: no flush may say OK. Of
// other writes and other errors nobody else learns.
TEST_F(FileRequestTest, LossesOfDurableWritesAreTheFlushesToo) {
  std::vector<uint8_t> memory(512, 'd');
  disk_->results = {-EIO};
  EXPECT_TRUE(absl::IsDataLoss(Do(Io::Op::kWrite, 0, {512}, memory)));
  disk_->results = {-ENOSPC};
  EXPECT_TRUE(absl::IsResourceExhausted(Do(Io::Op::kWrite, 0, {512}, memory, /*durable=*/true)));
  EXPECT_EQ(Do(Io::Op::kFlush, 0, {}, memory), absl::OkStatus());
  disk_->results = {-EIO};
  EXPECT_TRUE(absl::IsDataLoss(Do(Io::Op::kWrite, 0, {512}, memory, /*durable=*/true)));
  EXPECT_TRUE(absl::IsDataLoss(Do(Io::Op::kFlush, 0, {}, memory)));
}

// O_DIRECT takes whole units from aligned memory: what isn't goes through memory of the request's.
class DirectRequestTest : public FileRequestTest {
 protected:
  DirectRequestTest() : FileRequestTest(/*direct=*/true) {}
  void SetUp() override {
    if (store_ == nullptr) GTEST_SKIP() << "this file system has no O_DIRECT";
    memory_.resize(3 * kUnit);
    const auto at = reinterpret_cast<uintptr_t>(memory_.data());
    aligned_ = memory_.data() + (kUnit - at % kUnit) % kUnit;
  }

  // In buffers of these sizes from `place` on.
  absl::Status At(uint8_t* place, Io::Op op, uint64_t offset, const std::vector<size_t>& sizes) {
    std::vector<iovec> buffers;
    size_t at = 0;
    for (const size_t size : sizes) {
      buffers.push_back({place + at, size});
      at += size;
    }
    return DoBuffers(op, offset, buffers);
  }

  static constexpr size_t kUnit = 4096;
  std::vector<uint8_t> memory_;
  uint8_t* aligned_ = nullptr;
};

TEST_F(DirectRequestTest, AlignedMemoryIsUsedAsItIs) {
  std::fill_n(aligned_, kUnit, 'e');
  EXPECT_EQ(At(aligned_, Io::Op::kWrite, kUnit, {kUnit}), absl::OkStatus());
  EXPECT_EQ(disk_->places, (std::vector<const void*>{aligned_}));
  EXPECT_EQ(std::count(disk_->bytes.begin() + kUnit, disk_->bytes.begin() + 2 * kUnit, 'e'),
            static_cast<int64_t>(kUnit));
  EXPECT_EQ(At(aligned_, Io::Op::kRead, 0, {kUnit}), absl::OkStatus());
  EXPECT_EQ(disk_->places, (std::vector<const void*>{aligned_}));
}

TEST_F(DirectRequestTest, OtherMemoryIsCopied) {
  for (const std::vector<size_t>& sizes :
       std::vector<std::vector<size_t>>{{kUnit}, {100, 0, kUnit - 100}, {kUnit - 1, 1}}) {
    uint8_t* const place = sizes.size() == 1 ? aligned_ + 1 : aligned_;
    std::ranges::fill(disk_->bytes, 0);
    std::iota(place, place + kUnit, uint8_t{1});
    const std::vector<uint8_t> due(place, place + kUnit);
    disk_->results = {512};
    EXPECT_EQ(At(place, Io::Op::kWrite, kUnit, sizes), absl::OkStatus());
    ASSERT_EQ(disk_->places.size(), 1u);
    EXPECT_TRUE(disk_->places[0] < memory_.data() ||
                disk_->places[0] >= memory_.data() + memory_.size());
    EXPECT_TRUE(std::equal(due.begin(), due.end(), disk_->bytes.begin() + kUnit));
    std::fill(place, place + kUnit, 0);
    disk_->results = {1024};
    EXPECT_EQ(At(place, Io::Op::kRead, kUnit, sizes), absl::OkStatus());
    EXPECT_TRUE(std::equal(due.begin(), due.end(), place));
  }
}

// Of a read that is cut the buffers stay as they were; a read may end within a unit, a write not.
TEST_F(DirectRequestTest, UnitsAreWhole) {
  std::ranges::fill(disk_->bytes, 'f');
  std::fill_n(aligned_, kUnit, 'o');
  EXPECT_EQ(At(aligned_, Io::Op::kRead, 0, {1000}), absl::OkStatus());
  EXPECT_EQ(std::count(aligned_, aligned_ + kUnit, 'f'), 1000);
  EXPECT_EQ(std::count(aligned_, aligned_ + 1000, 'f'), 1000);
  disk_->results = {-EIO};
  EXPECT_TRUE(absl::IsDataLoss(At(aligned_ + 1, Io::Op::kRead, 0, {kUnit})));
  EXPECT_EQ(aligned_[kUnit - 1], 'o');
  EXPECT_TRUE(absl::IsInvalidArgument(At(aligned_, Io::Op::kWrite, 0, {1000})));
  for (const Io::Op op : {Io::Op::kRead, Io::Op::kWrite}) {
    EXPECT_TRUE(absl::IsInvalidArgument(At(aligned_, op, 100, {kUnit})));
  }
}

}  // namespace
}  // namespace pushpull::target
