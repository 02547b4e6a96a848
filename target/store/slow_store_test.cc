#include "target/store/slow_store.h"

#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "fabric/sim_world.h"
#include "gtest/gtest.h"
#include "target/store/ram_store.h"

namespace pushpull::target {
namespace {

using Outcome = fabric::SimWorld::Outcome;

class SlowStoreTest : public testing::Test {
 protected:
  SlowStoreTest() {
    std::unique_ptr<RamStore> ram = *RamStore::Create(4096);
    memory_ = ram->Memory();
    store_ = std::make_unique<SlowStore>(
        absl::Milliseconds(100),
        std::make_unique<SlowStore>(absl::Milliseconds(50), std::move(ram)));
    io_.loop = loop_;
    io_.op = Io::Op::kWrite;
    io_.buffers = {&buffer_, 1};
    io_.done = [this](absl::Status status) { result_ = std::move(status); };
  }

  fabric::SimWorld world_{1};
  fabric::Loop* loop_ = world_.NewLoop();
  base::MutableBytes memory_;
  std::unique_ptr<SlowStore> store_;
  std::vector<uint8_t> data_ = std::vector<uint8_t>(10, 3);
  iovec buffer_{data_.data(), data_.size()};
  Io io_;
  std::optional<absl::Status> result_;
};

TEST_F(SlowStoreTest, HoldsEachIoForItsTime) {
  ASSERT_FALSE(store_->Submit(&io_).has_value());
  world_.RunFor(absl::Milliseconds(149));
  EXPECT_FALSE(result_.has_value());
  EXPECT_EQ(memory_[0], 0);
  world_.RunFor(absl::Milliseconds(1));
  ASSERT_TRUE(result_.has_value());
  EXPECT_TRUE(result_->ok());
  EXPECT_EQ(memory_[9], 3);
}

TEST_F(SlowStoreTest, CancelledIoNeverReachesTheStore) {
  for (const int after_ms : {0, 99, 120}) {
    result_.reset();
    io_.done = [this](absl::Status status) { result_ = std::move(status); };
    ASSERT_FALSE(store_->Submit(&io_).has_value());
    world_.RunFor(absl::Milliseconds(after_ms));
    store_->Cancel(&io_);
    store_->Cancel(&io_);  // once is enough, twice does no harm
    EXPECT_FALSE(result_.has_value()) << "called within Cancel";
    const absl::Time before = world_.now();
    EXPECT_EQ(world_.RunUntilIdle(), Outcome::kIdle);
    ASSERT_TRUE(result_.has_value()) << after_ms;
    EXPECT_EQ(result_->code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(world_.now(), before) << "it took time";
    EXPECT_EQ(memory_[0], 0);
  }
}

}  // namespace
}  // namespace pushpull::target
