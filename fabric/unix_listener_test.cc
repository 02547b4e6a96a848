#include "fabric/unix_listener.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <future>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/descriptor.h"
#include "fabric/epoll_loop.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {
namespace {

// Paths of sockets are short: a folder of its own, not the test's.
class UnixListenerTest : public ::testing::Test {
 protected:
  UnixListenerTest() {
    char folder[] = "/tmp/unix_listener_XXXXXX";
    folder_ = mkdtemp(folder);
    path_ = folder_ + "/socket";
  }
  ~UnixListenerTest() override {
    unlink(path_.c_str());
    rmdir(folder_.c_str());
  }

  absl::StatusOr<std::unique_ptr<Listener>> Listen() {
    return UnixListen(&loop_, path_,
                      [this](std::unique_ptr<Stream> stream) { stream_ = std::move(stream); });
  }
  int Connect() {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, path_.size());
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }
  bool Exists() { return access(path_.c_str(), F_OK) == 0; }

  std::string folder_;
  std::string path_;
  EpollLoop loop_;
  std::unique_ptr<Stream> stream_;
};

TEST_F(UnixListenerTest, BytesGoBothWaysAndTheFileGoesAtTheEnd) {
  auto listener = Listen();
  ASSERT_TRUE(listener.ok()) << listener.status();
  struct stat file = {};
  ASSERT_EQ(stat(path_.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
  const int fd = Connect();
  ASSERT_EQ(write(fd, "ping", 4), 4);
  loop_.RunUntil([this] { return stream_ != nullptr; });
  char bytes[8];
  iovec buffer{bytes, sizeof bytes};
  EXPECT_EQ(stream_->TryRead({&buffer, 1}).bytes, 4u);
  buffer.iov_len = 4;
  EXPECT_EQ(stream_->TryWrite({&buffer, 1}).bytes, 4u);
  EXPECT_EQ(read(fd, bytes, sizeof bytes), 4);
  EXPECT_EQ(stream_->peer(), Address());
  close(fd);
  stream_.reset();
  listener->reset();
  EXPECT_FALSE(Exists());
}

// Two that begin at once would take away each other's socket.
TEST_F(UnixListenerTest, OneAfterTheOther) {
  const base::Descriptor folder(open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(flock(folder.get(), LOCK_EX), 0);
  auto listener = std::async(std::launch::async, [this] { return Listen(); });
  EXPECT_EQ(listener.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  EXPECT_FALSE(Exists());
  ASSERT_EQ(flock(folder.get(), LOCK_UN), 0);
  EXPECT_TRUE(listener.get().ok());
}

// Of many that find the same stale socket one has the path, and the others are told so: none takes
// away what another has just made.
TEST_F(UnixListenerTest, OfManyAtOnceOneListens) {
  constexpr int kThreads = 8;
  for (int round = 0; round < 10; ++round) {
    const int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, path_.size());
    ASSERT_EQ(bind(dead, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    close(dead);
    std::latch start(kThreads);
    std::atomic<int> listening = 0;
    std::latch tried(kThreads);
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        EpollLoop loop;
        start.arrive_and_wait();
        const auto listener = UnixListen(&loop, path_, [](std::unique_ptr<Stream>) {});
        if (listener.ok()) ++listening;
        tried.arrive_and_wait();
      });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(listening, 1) << "round " << round;
    ASSERT_FALSE(Exists());
  }
}

TEST_F(UnixListenerTest, AStaleSocketIsReplaced) {
  const int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, path_.size());
  ASSERT_EQ(bind(dead, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  close(dead);
  ASSERT_TRUE(Exists());
  EXPECT_TRUE(Listen().ok());
}

TEST_F(UnixListenerTest, OneThatIsInUseIsNot) {
  const auto first = Listen();
  ASSERT_TRUE(first.ok());
  const auto second = Listen();
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists) << second.status();
  close(Connect());
}

TEST_F(UnixListenerTest, NorIsAFile) {
  std::ofstream(path_) << "mine";
  const auto listener = Listen();
  EXPECT_FALSE(listener.ok());
  EXPECT_NE(listener.status().message().find("no socket"), absl::string_view::npos);
  EXPECT_TRUE(Exists());
}

TEST_F(UnixListenerTest, WhatIsNotItsOwnIsLeft) {
  auto listener = Listen();
  ASSERT_TRUE(listener.ok());
  unlink(path_.c_str());
  std::ofstream(path_) << "another's";
  listener->reset();
  EXPECT_TRUE(Exists());
}

TEST_F(UnixListenerTest, PathsThatCannotBe) {
  const std::string own = path_;
  path_ = std::string(200, 'x');
  EXPECT_EQ(Listen().status().code(), absl::StatusCode::kInvalidArgument);
  path_ = folder_ + "/missing/socket";
  EXPECT_NE(Listen().status().message().find("make its folder"), absl::string_view::npos);
  path_ = own;
}

}  // namespace
}  // namespace pushpull::fabric
