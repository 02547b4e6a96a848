// What a file store asks of the system, and in which order, for what must survive a power failure.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fabric/sim_world.h"
#include "gtest/gtest.h"
#include "target/store/file_store.h"

namespace pushpull::target {
namespace {

constexpr uint64_t kSize = 1 << 20;

// Writes down what it is asked for, and answers when it is told to, from the caller's thread.
class RecordingEngine final : public IoEngine {
 public:
  struct Record {
    std::vector<std::string> asked;
    std::deque<FileOperation*> open;

    // Ends the oldest operation that is open.
    void Answer(int64_t result) {
      FileOperation* operation = open.front();
      open.pop_front();
      operation->OnResult(result);
    }
  };

  explicit RecordingEngine(std::shared_ptr<Record> record) : record_(std::move(record)) {}

  void Start(FileOperation* operation) override {
    using Kind = FileOperation::Kind;
    static constexpr const char* kNames[] = {"read", "write", "durable", "sync", "punch"};
    std::string text = kNames[static_cast<size_t>(operation->kind)];
    if (operation->kind != Kind::kSync) absl::StrAppend(&text, " ", operation->offset);
    if (operation->kind == Kind::kPunch) absl::StrAppend(&text, "+", operation->bytes);
    record_->asked.push_back(text);
    record_->open.push_back(operation);
    fds.push_back(operation->fd);
  }

  std::vector<int> fds;

 private:
  const std::shared_ptr<Record> record_;
};

class DurabilityTest : public testing::Test {
 protected:
  DurabilityTest() {
    const char* folder = std::getenv("TEST_TMPDIR");
    FileStoreOptions options;
    options.path = absl::StrCat(folder == nullptr ? "/tmp" : folder, "/durability", getpid());
    const int fd = open(options.path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    EXPECT_EQ(ftruncate(fd, kSize), 0);
    close(fd);
    auto engine = std::make_unique<RecordingEngine>(record_);
    engine_ = engine.get();
    auto store = FileStore::Open(options, std::move(engine));
    unlink(options.path.c_str());
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  struct Pending {
    Io io;
    std::vector<uint8_t> memory = std::vector<uint8_t>(4096);
    iovec buffer{};
    std::optional<absl::Status> status;
  };

  std::shared_ptr<Pending> Submit(Io::Op op, uint64_t offset = 0, bool durable = false) {
    auto pending = std::make_shared<Pending>();
    pending->buffer = {pending->memory.data(), pending->memory.size()};
    pending->io.loop = loop_;
    pending->io.op = op;
    pending->io.durable = durable;
    pending->io.offset = offset;
    if (op == Io::Op::kUnmap) {
      pending->io.bytes = 8192;
    } else if (op != Io::Op::kFlush) {
      pending->io.buffers = {&pending->buffer, 1};
    }
    pending->io.done = [pending](absl::Status status) { pending->status = std::move(status); };
    EXPECT_FALSE(store_->Submit(&pending->io).has_value());
    return pending;
  }
  void Answer(int64_t result) {
    record_->Answer(result);
    world_.RunUntilIdle();
  }
  const std::vector<std::string>& asked() const { return record_->asked; }

  fabric::SimWorld world_{1};
  fabric::Loop* loop_ = world_.NewLoop();
  std::shared_ptr<RecordingEngine::Record> record_ = std::make_shared<RecordingEngine::Record>();
  RecordingEngine* engine_ = nullptr;
  std::unique_ptr<FileStore> store_;
};

using Asked = std::vector<std::string>;

TEST_F(DurabilityTest, EachKindOfIoAsksForItsOwn) {
  const auto write = Submit(Io::Op::kWrite, 4096);
  const auto durable = Submit(Io::Op::kWrite, 8192, true);
  const auto unmap = Submit(Io::Op::kUnmap, 16384);
  const auto flush = Submit(Io::Op::kFlush);
  EXPECT_EQ(asked(), (Asked{"write 4096", "durable 8192", "punch 16384+8192", "sync"}));
  EXPECT_NE(engine_->fds[3], engine_->fds[1]) << "its errors would be told to somebody else";
  for (const int result : {4096, 4096, 0, 0}) Answer(result);
  for (const auto& io : {write, durable, unmap, flush}) EXPECT_EQ(io->status, absl::OkStatus());
}

TEST_F(DurabilityTest, TheRestOfADurableWriteIsDurableToo) {
  const auto durable = Submit(Io::Op::kWrite, 8192, true);
  Answer(512);
  Answer(-EINTR);
  EXPECT_FALSE(durable->status.has_value());
  EXPECT_EQ(asked(), (Asked{"durable 8192", "durable 8704", "durable 8704"}));
  Answer(3584);
  EXPECT_EQ(durable->status, absl::OkStatus());
}

TEST_F(DurabilityTest, AFlushThatComesWhileOneRunsIsNotAnsweredByIt) {
  const auto first = Submit(Io::Op::kFlush);
  // Written and answered after the sync began: it needs another one.
  const auto write = Submit(Io::Op::kWrite, 0);
  record_->open.push_back(record_->open.front());
  record_->open.pop_front();
  Answer(4096);
  EXPECT_EQ(write->status, absl::OkStatus());
  const auto second = Submit(Io::Op::kFlush);
  const auto third = Submit(Io::Op::kFlush);
  EXPECT_EQ(asked(), (Asked{"sync", "write 0"}));
  Answer(0);
  EXPECT_EQ(first->status, absl::OkStatus());
  EXPECT_FALSE(second->status.has_value());
  EXPECT_EQ(asked(), (Asked{"sync", "write 0", "sync"}));
  Answer(-EINTR);
  Answer(0);
  EXPECT_EQ(second->status, absl::OkStatus());
  EXPECT_EQ(third->status, absl::OkStatus()) << "one sync serves all that waited";
  EXPECT_TRUE(record_->open.empty());
}

TEST_F(DurabilityTest, AFailedFlushIsNotForgotten) {
  const auto first = Submit(Io::Op::kFlush);
  const auto second = Submit(Io::Op::kFlush);
  Answer(-EIO);
  EXPECT_EQ(first->status->code(), absl::StatusCode::kDataLoss);
  // The system has told of it, and says now that all is well.
  Answer(0);
  EXPECT_EQ(second->status->code(), absl::StatusCode::kDataLoss);
  const auto third = Submit(Io::Op::kFlush);
  Answer(0);
  EXPECT_EQ(third->status->code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(third->status->message().find("may be lost"), std::string::npos) << *third->status;
  const auto durable = Submit(Io::Op::kWrite, 0, true);
  Answer(4096);
  EXPECT_EQ(durable->status, absl::OkStatus()) << "it was not among what was lost";
}

TEST_F(DurabilityTest, ADurableWriteThatTheDiskRefusedSpoilsFlushes) {
  const auto full = Submit(Io::Op::kWrite, 0, true);
  Answer(-ENOSPC);
  EXPECT_EQ(full->status->code(), absl::StatusCode::kResourceExhausted);
  const auto fine = Submit(Io::Op::kFlush);
  Answer(0);
  EXPECT_EQ(fine->status, absl::OkStatus()) << "nothing was lost where there was no room";
  const auto failed = Submit(Io::Op::kWrite, 0, true);
  Answer(-EIO);
  EXPECT_EQ(failed->status->code(), absl::StatusCode::kDataLoss);
  const auto flush = Submit(Io::Op::kFlush);
  Answer(0);
  EXPECT_EQ(flush->status->code(), absl::StatusCode::kDataLoss);
}

TEST_F(DurabilityTest, PlainErrorsAreTheirOwnOperationsAlone) {
  const auto write = Submit(Io::Op::kWrite, 0);
  Answer(-EIO);
  EXPECT_EQ(write->status->code(), absl::StatusCode::kDataLoss);
  const auto unmap = Submit(Io::Op::kUnmap, 0);
  Answer(-EOPNOTSUPP);
  EXPECT_EQ(unmap->status->code(), absl::StatusCode::kUnimplemented);
  const auto flush = Submit(Io::Op::kFlush);
  Answer(0);
  EXPECT_EQ(flush->status, absl::OkStatus());
}

}  // namespace
}  // namespace pushpull::target
