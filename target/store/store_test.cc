// One body of tests for all stores that keep what is written.

#include "target/store/store.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "fabric/epoll_loop.h"
#include "gtest/gtest.h"
#include "target/store/file_store.h"
#include "target/store/lun_spec.h"
#include "target/store/ram_store.h"

namespace pushpull::target {
namespace {

constexpr uint64_t kSize = 1 << 20;
constexpr uint64_t kBlock = 4096;

// A sparse file of kSize bytes in the test's own folder. Its name goes with it, so that it is gone
// with its last descriptor.
std::string MakeFile(const std::string& name) {
  const char* folder = std::getenv("TEST_TMPDIR");
  const std::string path = absl::StrCat(folder == nullptr ? "/tmp" : folder, "/", name, getpid());
  const int fd = open(path.c_str(), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
  EXPECT_GE(fd, 0) << path;
  EXPECT_EQ(ftruncate(fd, kSize), 0);
  close(fd);
  return path;
}

absl::StatusOr<std::unique_ptr<Store>> OpenFile(FileStoreOptions::Engine engine, bool direct) {
  FileStoreOptions options;
  options.path = MakeFile("store");
  options.direct = direct;
  options.engine = engine;
  options.block_size = kBlock;
  auto store = FileStore::Open(options);
  unlink(options.path.c_str());
  if (!store.ok()) return store.status();
  return *std::move(store);
}

struct Kind {
  std::string name;
  std::function<absl::StatusOr<std::unique_ptr<Store>>()> make;
  bool depends_on_kernel = false;  // skipped where that says no
};

std::vector<Kind> Kinds() {
  using Engine = FileStoreOptions::Engine;
  return {
      {"Ram", [] { return MakeStore(*ParseLunSpec("ram:1M")); }},
      {"SlowRam", [] { return MakeStore(*ParseLunSpec("slow:1,slow:0,ram:1M")); }},
      {"FileByUring", [] { return OpenFile(Engine::kUring, false); }, true},
      {"FileByThreads", [] { return OpenFile(Engine::kThreads, false); }},
      {"FileByBest", [] { return OpenFile(Engine::kBest, false); }},
      {"DirectFileByUring", [] { return OpenFile(Engine::kUring, true); }, true},
      {"DirectFileByThreads", [] { return OpenFile(Engine::kThreads, true); }, true},
  };
}

// Runs one I/O to its end on a loop of the calling thread.
absl::Status Run(Store& store, fabric::EpollLoop& loop, Io& io) {
  io.loop = &loop;
  std::optional<absl::Status> result;
  bool within_submit = true;
  io.done = [&](absl::Status status) {
    EXPECT_FALSE(within_submit);
    EXPECT_TRUE(loop.OnThread());
    result = std::move(status);
  };
  std::optional<absl::Status> at_once;
  // On the loop's thread, as timers want it.
  bool submitted = false;
  loop.Post([&] {
    at_once = store.Submit(&io);
    within_submit = false;
    submitted = true;
  });
  loop.RunUntil([&] { return submitted && (at_once.has_value() || result.has_value()); });
  EXPECT_NE(at_once.has_value(), result.has_value()) << "answered twice";
  return at_once.has_value() ? *at_once : *result;
}

absl::Status Transfer(Store& store, fabric::EpollLoop& loop, Io::Op op, uint64_t offset,
                      std::span<const iovec> buffers, bool durable = false) {
  Io io;
  io.op = op;
  io.durable = durable;
  io.offset = offset;
  io.buffers = buffers;
  return Run(store, loop, io);
}

absl::Status Unmap(Store& store, fabric::EpollLoop& loop, uint64_t offset, uint64_t bytes) {
  Io io;
  io.op = Io::Op::kUnmap;
  io.offset = offset;
  io.bytes = bytes;
  return Run(store, loop, io);
}

iovec Buffer(std::vector<uint8_t>& bytes) { return {bytes.data(), bytes.size()}; }

class StoreTest : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    auto store = GetParam().make();
    if (!store.ok() && GetParam().depends_on_kernel) GTEST_SKIP() << store.status();
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  absl::Status Read(uint64_t offset, std::vector<uint8_t>& bytes) {
    const iovec buffer = Buffer(bytes);
    return Transfer(*store_, loop_, Io::Op::kRead, offset, {&buffer, 1});
  }
  absl::Status Write(uint64_t offset, std::vector<uint8_t>& bytes, bool durable = false) {
    const iovec buffer = Buffer(bytes);
    return Transfer(*store_, loop_, Io::Op::kWrite, offset, {&buffer, 1}, durable);
  }

  fabric::EpollLoop loop_;
  std::unique_ptr<Store> store_;
};

TEST_P(StoreTest, HasItsSizeAndIsZeroAtFirst) {
  EXPECT_EQ(store_->size_bytes(), kSize);
  EXPECT_FALSE(store_->read_only());
  std::vector<uint8_t> bytes(kSize, 0xee);
  ASSERT_TRUE(Read(0, bytes).ok());
  EXPECT_EQ(bytes, std::vector<uint8_t>(kSize, 0));
}

TEST_P(StoreTest, RefusesWhatIsBeyondItsEnd) {
  std::vector<uint8_t> bytes(2 * kBlock, 1);
  for (const uint64_t offset :
       {kSize - kBlock, kSize, uint64_t{INT64_MAX} / kBlock * kBlock, UINT64_MAX - kBlock + 1}) {
    EXPECT_EQ(Read(offset, bytes).code(), absl::StatusCode::kOutOfRange) << offset;
    EXPECT_EQ(Write(offset, bytes).code(), absl::StatusCode::kOutOfRange) << offset;
  }
  std::vector<uint8_t> last(kBlock, 0xee);
  ASSERT_TRUE(Read(kSize - kBlock, last).ok());
  EXPECT_EQ(last, std::vector<uint8_t>(kBlock, 0)) << "a refused write moved something";
}

TEST_P(StoreTest, EmptyTransfersAndFlushesSucceed) {
  std::vector<uint8_t> none;
  EXPECT_TRUE(Read(0, none).ok());
  EXPECT_TRUE(Write(kSize, none).ok());
  EXPECT_TRUE(Transfer(*store_, loop_, Io::Op::kFlush, 0, {}).ok());
  std::vector<uint8_t> bytes(kBlock, 7);
  EXPECT_TRUE(Write(kBlock, bytes, /*durable=*/true).ok());
  bytes.assign(kBlock, 0);
  ASSERT_TRUE(Read(kBlock, bytes).ok());
  EXPECT_EQ(bytes, std::vector<uint8_t>(kBlock, 7));
}

TEST_P(StoreTest, KeepsWhatIsWrittenHoweverTheMemoryIsCut) {
  base::Random random(1);
  std::vector<uint8_t> model(kSize, 0);
  for (int round = 0; round < 60; ++round) {
    const uint64_t blocks = random.Between(1, 20);
    const uint64_t offset = random.Below(kSize / kBlock - blocks) * kBlock;
    const uint64_t bytes = blocks * kBlock;
    // Pieces of odd sizes, at odd addresses, some of them empty.
    std::vector<std::vector<uint8_t>> pieces;
    std::vector<iovec> buffers;
    for (uint64_t left = bytes; left > 0;) {
      const uint64_t part = random.Chance(10) ? 0 : std::min(left, random.Between(1, 9000));
      std::vector<uint8_t> piece(part + 1);
      for (uint8_t& byte : piece) byte = static_cast<uint8_t>(random.Next());
      pieces.push_back(std::move(piece));
      buffers.push_back({pieces.back().data() + 1, part});
      left -= part;
    }
    const bool write = random.Chance(60);
    const auto op = write ? Io::Op::kWrite : Io::Op::kRead;
    ASSERT_TRUE(Transfer(*store_, loop_, op, offset, buffers, random.Chance(10)).ok());
    uint64_t at = offset;
    for (const iovec& buffer : buffers) {
      const auto* memory = static_cast<const uint8_t*>(buffer.iov_base);
      if (write) {
        std::copy(memory, memory + buffer.iov_len, model.begin() + static_cast<int64_t>(at));
      } else {
        ASSERT_TRUE(
            std::equal(memory, memory + buffer.iov_len, model.begin() + static_cast<int64_t>(at)))
            << "round " << round;
      }
      at += buffer.iov_len;
    }
  }
}

// From `offset` to the end, extents of one kind put together.
std::vector<Store::Extent> Extents(const Store& store, uint64_t offset) {
  std::vector<Store::Extent> extents;
  while (offset < store.size_bytes()) {
    const Store::Extent next = store.ExtentAt(offset);
    EXPECT_GT(next.bytes, 0u);
    EXPECT_LE(next.bytes, store.size_bytes() - offset);
    if (next.bytes == 0) break;
    offset += next.bytes;
    if (!extents.empty() && extents.back().mapped == next.mapped) {
      extents.back().bytes += next.bytes;
    } else {
      extents.push_back(next);
    }
  }
  return extents;
}

TEST_P(StoreTest, GivesSpaceBackAndTellsWhatIsMapped) {
  if (!store_->can_unmap()) GTEST_SKIP() << "the file system has no holes";
  using Extent = Store::Extent;
  EXPECT_EQ(Extents(*store_, 0), (std::vector<Extent>{{false, kSize}}));
  std::vector<uint8_t> bytes(64 * kBlock, 7);
  ASSERT_TRUE(Write(32 * kBlock, bytes).ok());
  ASSERT_TRUE(Transfer(*store_, loop_, Io::Op::kFlush, 0, {}).ok());
  EXPECT_EQ(Extents(*store_, 0),
            (std::vector<Extent>{
                {false, 32 * kBlock}, {true, 64 * kBlock}, {false, kSize - 96 * kBlock}}));
  ASSERT_TRUE(Unmap(*store_, loop_, 40 * kBlock, 8 * kBlock).ok());
  ASSERT_TRUE(Unmap(*store_, loop_, 0, 33 * kBlock).ok());
  ASSERT_TRUE(Unmap(*store_, loop_, kSize - 4 * kBlock, 4 * kBlock).ok());
  ASSERT_TRUE(Unmap(*store_, loop_, 50 * kBlock, 0).ok()) << "nothing";
  EXPECT_EQ(Extents(*store_, kBlock), (std::vector<Extent>{{false, 32 * kBlock},
                                                           {true, 7 * kBlock},
                                                           {false, 8 * kBlock},
                                                           {true, 48 * kBlock},
                                                           {false, kSize - 96 * kBlock}}));
  std::fill_n(bytes.begin(), kBlock, 0);
  std::fill_n(bytes.begin() + 8 * kBlock, 8 * kBlock, 0);
  std::vector<uint8_t> read(bytes.size());
  ASSERT_TRUE(Read(32 * kBlock, read).ok());
  EXPECT_EQ(read, bytes);
  EXPECT_EQ(store_->size_bytes(), kSize);
  EXPECT_EQ(Unmap(*store_, loop_, kSize - kBlock, 2 * kBlock).code(),
            absl::StatusCode::kOutOfRange);
}

TEST_P(StoreTest, PartsOfAPageThatAreUnmappedAreZero) {
  if (!store_->can_unmap()) GTEST_SKIP() << "the file system has no holes";
  base::Random random(2);
  std::vector<uint8_t> model(32 * kBlock, 5);
  ASSERT_TRUE(Write(0, model).ok());
  for (int i = 0; i < 40; ++i) {
    const uint64_t first = random.Below(model.size() / 512);
    const uint64_t end = random.Between(first, std::min(first + 40, model.size() / 512));
    ASSERT_TRUE(Unmap(*store_, loop_, first * 512, (end - first) * 512).ok());
    std::fill(model.begin() + static_cast<int64_t>(first * 512),
              model.begin() + static_cast<int64_t>(end * 512), 0);
    std::vector<uint8_t> bytes(model.size());
    ASSERT_TRUE(Read(0, bytes).ok());
    ASSERT_EQ(bytes, model) << i;
  }
}

TEST_P(StoreTest, ReadsPartsOfBlocks) {
  std::vector<uint8_t> bytes(kBlock);
  for (size_t i = 0; i < kBlock; ++i) bytes[i] = static_cast<uint8_t>(i * 7);
  ASSERT_TRUE(Write(kBlock, bytes).ok());
  std::vector<uint8_t> some(100);
  ASSERT_TRUE(Read(kBlock, some).ok());
  EXPECT_TRUE(std::equal(some.begin(), some.end(), bytes.begin()));
}

// Many loops, many I/Os in flight on each: its own area, and one that all of them write.
TEST_P(StoreTest, ServesSeveralLoopsAtOnce) {
  constexpr int kLoops = 3;
  constexpr int kDepth = 60;  // more in all than an engine takes at a time
  struct Worker {
    fabric::LoopThread thread;
    std::vector<std::vector<uint8_t>> memory;
    std::vector<iovec> buffers;
    std::vector<Io> ios = std::vector<Io>(2 * kDepth);
    std::atomic<int> left{2 * kDepth};
    std::atomic<int> failed{0};
  };
  std::vector<std::unique_ptr<Worker>> workers;
  for (int w = 0; w < kLoops; ++w) {
    auto worker = std::make_unique<Worker>();
    for (int i = 0; i < 2 * kDepth; ++i) {
      worker->memory.emplace_back(kBlock, static_cast<uint8_t>(w + 1));
    }
    for (auto& memory : worker->memory) worker->buffers.push_back(Buffer(memory));
    workers.push_back(std::move(worker));
  }
  for (int w = 0; w < kLoops; ++w) {
    Worker* worker = workers[static_cast<size_t>(w)].get();
    worker->thread.loop()->Post([this, w, worker] {
      for (size_t i = 0; i < worker->ios.size(); ++i) {
        Io& io = worker->ios[i];
        const bool own = i % 2 == 0;
        io.loop = worker->thread.loop();
        io.op = Io::Op::kWrite;
        io.offset = (own ? i / 2 * kLoops + static_cast<size_t>(w) + 8 : i % 8) * kBlock;
        io.buffers = {&worker->buffers[i], 1};
        io.done = [worker](const absl::Status& status) {
          if (!status.ok()) ++worker->failed;
          --worker->left;
        };
        if (const auto status = store_->Submit(&io)) FinishIo(&io, *status);
      }
    });
  }
  loop_.RunUntil([&] {
    int left = 0;
    for (const auto& worker : workers) left += worker->left;
    loop_.Post([] {});  // asks again
    return left == 0;
  });
  for (int w = 0; w < kLoops; ++w) {
    EXPECT_EQ(workers[static_cast<size_t>(w)]->failed, 0);
    for (size_t i = 0; i < kDepth; ++i) {
      std::vector<uint8_t> bytes(kBlock);
      ASSERT_TRUE(Read((i * kLoops + static_cast<size_t>(w) + 8) * kBlock, bytes).ok());
      EXPECT_EQ(bytes, std::vector<uint8_t>(kBlock, static_cast<uint8_t>(w + 1))) << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, StoreTest, testing::ValuesIn(Kinds()),
                         [](const auto& info) { return info.param.name; });

TEST(RamStoreTest, ShowsItsMemory) {
  const auto store = *RamStore::Create(kSize);
  fabric::EpollLoop loop;
  std::vector<uint8_t> bytes(3, 9);
  const iovec buffer = Buffer(bytes);
  ASSERT_TRUE(Transfer(*store, loop, Io::Op::kWrite, 5, {&buffer, 1}).ok());
  ASSERT_EQ(store->Memory().size(), kSize);
  EXPECT_EQ(store->Memory()[4], 0);
  EXPECT_EQ(store->Memory()[7], 9);
}

// How many pages of a store have memory.
size_t ResidentPages(RamStore& store) {
  std::vector<unsigned char> pages(kSize / kBlock);
  EXPECT_EQ(mincore(store.Memory().data(), kSize, pages.data()), 0);
  return static_cast<size_t>(std::count_if(pages.begin(), pages.end(),
                                           [](unsigned char page) { return (page & 1) != 0; }));
}

TEST(RamStoreTest, GivesMemoryBackUnlessADeviceHasIt) {
  for (const bool pinned : {false, true}) {
    const auto store = *RamStore::Create(kSize);
    fabric::EpollLoop loop;
    std::vector<uint8_t> bytes(64 * kBlock, 9);
    const iovec buffer = Buffer(bytes);
    ASSERT_TRUE(Transfer(*store, loop, Io::Op::kWrite, 0, {&buffer, 1}).ok());
    EXPECT_EQ(ResidentPages(*store), 64u);
    if (pinned) store->PinMemory(0, kSize);
    // The last page goes by its last eighth.
    ASSERT_TRUE(Unmap(*store, loop, 0, 64 * kBlock - 512).ok());
    EXPECT_EQ(ResidentPages(*store), pinned ? 64u : 1u);
    ASSERT_TRUE(Unmap(*store, loop, 64 * kBlock - 512, 512).ok());
    EXPECT_EQ(ResidentPages(*store), pinned ? 64u : 0u);
    EXPECT_EQ(store->ExtentAt(0), (Store::Extent{false, kSize}));
    for (const uint8_t byte : store->Memory().first(64 * kBlock)) ASSERT_EQ(byte, 0);
  }
}

TEST(RamStoreTest, WhatWasMovedInPlaceIsMapped) {
  const auto store = *RamStore::Create(kSize);
  fabric::EpollLoop loop;
  const base::MutableBytes place = store->Memory().subspan(8 * kBlock, kBlock);
  std::fill(place.begin(), place.end(), uint8_t{3});
  const iovec buffer{place.data(), place.size()};
  ASSERT_TRUE(Transfer(*store, loop, Io::Op::kWrite, 8 * kBlock, {&buffer, 1}).ok());
  EXPECT_EQ(store->bytes_copied(), 0u);
  EXPECT_EQ(store->ExtentAt(0), (Store::Extent{false, 8 * kBlock}));
  EXPECT_EQ(store->ExtentAt(8 * kBlock), (Store::Extent{true, kBlock}));
  ASSERT_TRUE(Unmap(*store, loop, 0, kSize).ok());
  EXPECT_EQ(store->Memory()[8 * kBlock], 0);
}

// As by a device, before the command was aborted.
TEST(RamStoreTest, WhatWasMovedInPartIsMapped) {
  const auto store = *RamStore::Create(kSize);
  fabric::EpollLoop loop;
  store->Memory()[8 * kBlock] = 3;
  store->NoteWritten(8 * kBlock, 2 * kBlock);
  EXPECT_EQ(store->ExtentAt(8 * kBlock), (Store::Extent{true, 2 * kBlock}));
  ASSERT_TRUE(Unmap(*store, loop, 0, kSize).ok());
  EXPECT_EQ(store->Memory()[8 * kBlock], 0);
}

TEST(RamStoreTest, TakesMemoryOnlyAsItIsWritten) {
  // Far more than any machine has: only addresses are reserved.
  const auto store = RamStore::Create(uint64_t{1} << 40);
  ASSERT_TRUE(store.ok()) << store.status();
  fabric::EpollLoop loop;
  std::vector<uint8_t> bytes(1, 9);
  const iovec buffer = Buffer(bytes);
  EXPECT_TRUE(Transfer(**store, loop, Io::Op::kWrite, (uint64_t{1} << 40) - 1, {&buffer, 1}).ok());
  const auto too_large = RamStore::Create(uint64_t{1} << 60);
  ASSERT_FALSE(too_large.ok());
  EXPECT_NE(too_large.status().message().find("use a smaller size"), std::string::npos);
}

TEST(RamStoreTest, CountsWhatItCopies) {
  const auto store = *RamStore::Create(kSize);
  fabric::EpollLoop loop;
  std::vector<uint8_t> bytes(kBlock, 9);
  const iovec buffers[] = {Buffer(bytes), Buffer(bytes)};
  ASSERT_TRUE(Transfer(*store, loop, Io::Op::kWrite, 0, buffers).ok());
  ASSERT_TRUE(Transfer(*store, loop, Io::Op::kRead, 0, {buffers, 1}).ok());
  EXPECT_EQ(store->bytes_copied(), 3 * kBlock);
}

TEST(RamStoreTest, WhatWasReadInPlaceIsNotMapped) {
  const auto store = *RamStore::Create(kSize);
  fabric::EpollLoop loop;
  const base::MutableBytes place = store->Memory().first(kBlock);
  const iovec buffer{place.data(), place.size()};
  ASSERT_TRUE(Transfer(*store, loop, Io::Op::kRead, 0, {&buffer, 1}).ok());
  EXPECT_EQ(store->ExtentAt(0), (Store::Extent{false, kSize}));
}

// The last sector is shorter than the others, and whole all the same.
TEST(RamStoreTest, AnyByteIsInAnExtent) {
  const auto store = *RamStore::Create(1000);
  fabric::EpollLoop loop;
  std::vector<uint8_t> bytes(1000, 9);
  const iovec buffer = Buffer(bytes);
  ASSERT_TRUE(Transfer(*store, loop, Io::Op::kWrite, 0, {&buffer, 1}).ok());
  EXPECT_EQ(store->ExtentAt(600), (Store::Extent{true, 400}));
  ASSERT_TRUE(Unmap(*store, loop, 512, 488).ok());
  EXPECT_EQ(store->ExtentAt(100), (Store::Extent{true, 412}));
  EXPECT_EQ(store->ExtentAt(512), (Store::Extent{false, 488}));
}

// Pages stay where they are in the pieces that a device has, and go in the others.
TEST(RamStoreTest, PiecesArePinnedThatAreTouched) {
  constexpr uint64_t kPiece = 4 << 20;
  const auto store = *RamStore::Create(4 * kPiece);
  fabric::EpollLoop loop;
  store->PinMemory(kPiece - 1, kPiece + 1);  // ends with the second one
  for (uint64_t piece = 0; piece < 4; ++piece) {
    std::vector<uint8_t> bytes(kBlock, 9);
    const iovec buffer = Buffer(bytes);
    ASSERT_TRUE(Transfer(*store, loop, Io::Op::kWrite, piece * kPiece, {&buffer, 1}).ok());
    ASSERT_TRUE(Unmap(*store, loop, piece * kPiece, kBlock).ok());
    unsigned char page = 0;
    ASSERT_EQ(mincore(store->Memory().data() + piece * kPiece, kBlock, &page), 0);
    EXPECT_EQ(page & 1, piece < 2 ? 1 : 0) << piece;
  }
}

}  // namespace
}  // namespace pushpull::target
