// A session that is warm allocates nothing for a command.

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/allocation_counter.h"
#include "gtest/gtest.h"
#include "target/portal/tcp_target.h"
#include "target/portal/testing/blocking_client.h"
#include "target/store/ram_store.h"

namespace pushpull::target {
namespace {

// Tells the target's thread to count.
class CountingStore final : public Store {
 public:
  explicit CountingStore(std::unique_ptr<Store> behind) : behind_(std::move(behind)) {}
  std::optional<absl::Status> Submit(Io* io) override {
    base::CountThisThread();
    return behind_->Submit(io);
  }
  uint64_t size_bytes() const override { return behind_->size_bytes(); }

 private:
  const std::unique_ptr<Store> behind_;
};

TEST(AllocationTest, AWarmSessionAllocatesNothing) {
  TargetOptions options;
  LogicalUnitOptions unit;
  auto ram = RamStore::Create(1 << 20);
  ASSERT_TRUE(ram.ok());
  unit.store = std::make_shared<CountingStore>(*std::move(ram));
  options.logical_units.push_back(std::move(unit));
  auto target = TcpTarget::Create(std::move(options), 1);
  ASSERT_TRUE(target.ok());
  const auto address = (*target)->Listen({"127.0.0.1", 0});
  ASSERT_TRUE(address.ok());
  testing::BlockingClient client(address->port, 1);
  ASSERT_TRUE(client.Login());
  std::vector<uint8_t> data(64 * 512, 7);
  client.Run(0, 0, 0, 0, &data);  // takes the unit attention condition
  const auto round = [&] {
    EXPECT_EQ(client.Run(0, 0, 0, 0, &data), 0);
    EXPECT_EQ(client.Run(0x2a, 0, 64, 0, &data), 0);
    EXPECT_EQ(client.Run(0x28, 0, 64, 0, &data), 0);
    EXPECT_EQ(client.Run(0x2a, 0, 1, 0, &data), 0);
    EXPECT_EQ(client.Run(0x28, 0, 1, 0, &data), 0);
  };
  for (int i = 0; i < 20; ++i) round();
  const int64_t before = base::CountedAllocations();
  EXPECT_GT(before, 0) << "nothing is counted";
  for (int i = 0; i < 50; ++i) round();
  EXPECT_EQ(base::CountedAllocations() - before, 0);
}

}  // namespace
}  // namespace pushpull::target
