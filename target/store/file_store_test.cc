#include "target/store/file_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "fabric/epoll_loop.h"
#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

using Engine = FileStoreOptions::Engine;

class FileStoreTest : public testing::TestWithParam<Engine> {
 protected:
  FileStoreTest() {
    const char* folder = std::getenv("TEST_TMPDIR");
    folder_ = folder == nullptr ? "/tmp" : folder;
    path_ = absl::StrCat(folder_, "/disk", getpid());
  }
  ~FileStoreTest() override { unlink(path_.c_str()); }

  // The kernel may have no io_uring, or forbid it; all else is to be there.
  void SetUp() override {
    Resize(4096);
    const auto store = Open();
    if (!store.ok() && GetParam() == Engine::kUring) GTEST_SKIP() << store.status();
    ASSERT_TRUE(store.ok()) << store.status();
    unlink(path_.c_str());
  }

  void Resize(off_t bytes) {
    const int fd = open(path_.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    ASSERT_GE(fd, 0);
    ASSERT_EQ(ftruncate(fd, bytes), 0);
    close(fd);
  }

  absl::StatusOr<std::unique_ptr<FileStore>> Open(bool read_only = false,
                                                  uint32_t block_size = 512) {
    FileStoreOptions options;
    options.path = path_;
    options.read_only = read_only;
    options.block_size = block_size;
    options.engine = GetParam();
    options.wait = [this](absl::Duration time) {
      waited_ += time;
      if (on_wait_) on_wait_();
    };
    return FileStore::Open(options);
  }

  absl::Status Transfer(Store& store, Io::Op op, uint64_t offset, size_t bytes) {
    std::vector<uint8_t> memory(bytes, 0x77);
    const iovec buffer{memory.data(), memory.size()};
    Io io;
    io.loop = &loop_;
    io.op = op;
    io.offset = offset;
    io.buffers = {&buffer, 1};
    std::optional<absl::Status> result;
    io.done = [&](absl::Status status) { result = std::move(status); };
    if (auto status = store.Submit(&io)) return *status;
    loop_.RunUntil([&] { return result.has_value(); });
    return *result;
  }

  std::string folder_;
  std::string path_;
  absl::Duration waited_;  // for locks
  std::function<void()> on_wait_;
  fabric::EpollLoop loop_;
};

void ExpectError(const absl::Status& status, absl::StatusCode code, const std::string& advice) {
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_NE(status.message().find(advice), std::string::npos) << status;
}

TEST_P(FileStoreTest, ErrorsSayWhatToDo) {
  ExpectError(Open().status(), absl::StatusCode::kNotFound,
              "does not exist: create it with `truncate -s 1G ");
  Resize(0);
  ExpectError(Open().status(), absl::StatusCode::kInvalidArgument, "is empty: give it a size");
  Resize(1000);
  ExpectError(Open().status(), absl::StatusCode::kInvalidArgument,
              "resize it with `truncate -s 1024 ");
  Resize(1024);
  ExpectError(Open(false, 4096).status(), absl::StatusCode::kInvalidArgument,
              "no multiple of the block size 4096");
  unlink(path_.c_str());
  path_ = absl::StrCat(folder_, "/it's odd");
  ExpectError(Open().status(), absl::StatusCode::kNotFound,
              absl::StrCat("`truncate -s 1G '", folder_, "/it'\\''s odd'`"));
  for (const auto& [path, advice] : {
           std::pair("/no/such/folder/disk", "nor does the directory '/no/such/folder/'"),
           std::pair("/no_such_folder/", "nor does the directory '/no_such_folder/'"),
           std::pair("/dev/null/disk", "is a file, not a directory"),
       }) {
    path_ = path;
    const absl::Status status = Open().status();
    ExpectError(status, absl::StatusCode::kNotFound, advice);
    EXPECT_EQ(status.message().find("truncate"), std::string::npos) << status;
  }
  path_ = folder_;
  ExpectError(Open().status(), absl::StatusCode::kInvalidArgument, "is a directory");
  path_ = "/dev/null";
  ExpectError(Open().status(), absl::StatusCode::kInvalidArgument, "neither a regular file");
  path_ = absl::StrCat(folder_, "/unlinked-by-the-fixture");
}

TEST_P(FileStoreTest, ReadOnlyMeansIt) {
  Resize(4096);
  const auto store = Open(/*read_only=*/true);
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_TRUE((*store)->read_only());
  EXPECT_FALSE((*store)->has_volatile_cache());
  EXPECT_TRUE(Transfer(**store, Io::Op::kRead, 0, 4096).ok());
  EXPECT_EQ(Transfer(**store, Io::Op::kWrite, 0, 512).code(), absl::StatusCode::kPermissionDenied);
  EXPECT_TRUE(Transfer(**store, Io::Op::kFlush, 0, 0).ok());
}

// By whatever name: two that write it would lose each other's data.
TEST_P(FileStoreTest, AFileIsServedOnce) {
  Resize(4096);
  auto store = Open();
  ASSERT_TRUE(store.ok()) << store.status();
  const std::string name = path_, other_name = absl::StrCat(path_, "-link");
  ASSERT_EQ(symlink(name.c_str(), other_name.c_str()), 0);
  for (const bool read_only : {false, true}) {
    path_ = other_name;
    ExpectError(Open(read_only).status(), absl::StatusCode::kFailedPrecondition,
                "-link' is served by another LUN of this process");
    path_ = name;
  }
  unlink(other_name.c_str());
  store->reset();
  EXPECT_TRUE(Open().ok()) << "nobody has it any more";
}

TEST_P(FileStoreTest, ReadersShareAFile) {
  Resize(4096);
  const auto store = Open(/*read_only=*/true);
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_TRUE(Open(/*read_only=*/true).ok());
  ExpectError(Open().status(), absl::StatusCode::kFailedPrecondition, "or ',ro' to both");
}

// Locks the file in another process, until that is ended.
class OtherProcess {
 public:
  OtherProcess(const std::string& path, int how) {
    int ready[2];
    EXPECT_EQ(pipe2(ready, O_CLOEXEC), 0);
    pid_ = fork();
    if (pid_ == 0) {
      const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
      const bool locked = flock(fd, how) == 0;
      if (!locked || write(ready[1], "x", 1) != 1) _exit(1);
      while (true) pause();
    }
    close(ready[1]);
    char byte = 0;
    EXPECT_EQ(read(ready[0], &byte, 1), 1);
    close(ready[0]);
  }
  ~OtherProcess() { End(); }
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;

  void End() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

TEST_P(FileStoreTest, WhoHasTheFileIsNamed) {
  Resize(4096);
  OtherProcess writer(path_, LOCK_EX);
  const std::string who = absl::StrCat("is in use by process ", writer.pid(), " (");
  ExpectError(Open().status(), absl::StatusCode::kFailedPrecondition, who);
  ExpectError(Open(/*read_only=*/true).status(), absl::StatusCode::kFailedPrecondition, who);
  writer.End();
  EXPECT_TRUE(Open().ok());
  OtherProcess reader(path_, LOCK_SH);
  EXPECT_TRUE(Open(/*read_only=*/true).ok());
  ExpectError(Open().status(), absl::StatusCode::kFailedPrecondition,
              "with ',ro' after its name both may read it");
}

// What is left of a process that was killed has the file a little longer: its lock stands there
// under the name of nobody who lives.
TEST_P(FileStoreTest, WhatADeadProcessLeftIsWaitedFor) {
  Resize(4096);
  int fd = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  const pid_t child = fork();
  if (child == 0) _exit(flock(fd, LOCK_EX) == 0 ? 0 : 1);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  ExpectError(Open().status(), absl::StatusCode::kFailedPrecondition,
              "is locked by another process");
  EXPECT_GT(waited_, absl::Milliseconds(500));
  EXPECT_LE(waited_, absl::Seconds(1));
  int waits = 0;
  on_wait_ = [&] {
    if (++waits == 3) close(fd);
  };
  EXPECT_TRUE(Open().ok());
  EXPECT_EQ(waits, 3);
}

TEST_P(FileStoreTest, AFileThatBecameShorterIsLostData) {
  Resize(1 << 20);
  const auto store = Open();
  ASSERT_TRUE(store.ok()) << store.status();
  Resize(700);
  ExpectError(Transfer(**store, Io::Op::kRead, 0, 4096), absl::StatusCode::kDataLoss,
              "it was made shorter while it was served");
  EXPECT_TRUE(Transfer(**store, Io::Op::kRead, 0, 512).ok());
  EXPECT_TRUE(Transfer(**store, Io::Op::kWrite, 4096, 4096).ok()) << "which makes it longer again";
}

TEST_P(FileStoreTest, AFullMediumIsAnErrorOfItsOwn) {
  // /dev/full answers writes with ENOSPC; it is reached by a limit of the file size instead, which
  // regular files know, too.
  Resize(1 << 20);
  const auto store = Open();
  ASSERT_TRUE(store.ok()) << store.status();
  Resize(4096);
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit limit{8192, before.rlim_max};
  auto* handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  EXPECT_TRUE(Transfer(**store, Io::Op::kWrite, 0, 512).ok());
  EXPECT_EQ(Transfer(**store, Io::Op::kWrite, 65536, 512).code(),
            absl::StatusCode::kResourceExhausted);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
}

INSTANTIATE_TEST_SUITE_P(Engines, FileStoreTest, testing::Values(Engine::kUring, Engine::kThreads),
                         [](const auto& info) {
                           return info.param == Engine::kUring ? "Uring" : "Threads";
                         });

// A file in memory, by a path.
class MemoryFileTest : public testing::Test {
 protected:
  MemoryFileTest() {
    fd_ = memfd_create("disk", MFD_CLOEXEC);
    EXPECT_EQ(ftruncate(fd_, 1 << 20), 0);
  }
  ~MemoryFileTest() override { close(fd_); }

  // Whether it was done at once.
  bool Submit(Store& store, Io::Op op, std::vector<uint8_t>& memory, bool durable = false) {
    const iovec buffer{memory.data(), memory.size()};
    Io io;
    io.loop = &loop_;
    io.op = op;
    io.offset = 4096;
    io.durable = durable;
    io.buffers = {&buffer, 1};
    bool done = false;
    io.done = [&](const absl::Status& status) {
      EXPECT_TRUE(status.ok()) << status;
      done = true;
    };
    if (const auto status = store.Submit(&io)) {
      EXPECT_TRUE(status->ok()) << *status;
      return true;
    }
    loop_.RunUntil([&] { return done; });
    return false;
  }

  int fd_ = -1;
  fabric::EpollLoop loop_;
};

TEST_F(MemoryFileTest, WhatNeverWaitsIsDoneAtOnce) {
  FileStoreOptions options;
  options.path = absl::StrCat("/proc/self/fd/", fd_);
  const auto store = FileStore::Open(options);
  ASSERT_TRUE(store.ok()) << store.status();
  std::vector<uint8_t> written(8192, 0x3c), read(8192);
  EXPECT_TRUE(Submit(**store, Io::Op::kWrite, written));
  EXPECT_TRUE(Submit(**store, Io::Op::kRead, read));
  EXPECT_EQ(read, written);
  EXPECT_FALSE(Submit(**store, Io::Op::kWrite, written, /*durable=*/true));
  std::vector<uint8_t> large(512 << 10, 0x11);
  EXPECT_FALSE(Submit(**store, Io::Op::kWrite, large)) << "the loop would copy for too long";
}

TEST_F(MemoryFileTest, AnEngineThatIsAskedForDoesAllOfIt) {
  FileStoreOptions options;
  options.path = absl::StrCat("/proc/self/fd/", fd_);
  options.engine = Engine::kThreads;
  const auto store = FileStore::Open(options);
  ASSERT_TRUE(store.ok()) << store.status();
  std::vector<uint8_t> bytes(4096, 0x3c);
  EXPECT_FALSE(Submit(**store, Io::Op::kWrite, bytes));
}

}  // namespace
}  // namespace pushpull::target
