// SANITIZE: what it leaves, what is refused meanwhile, and that it outlives who asked for it.

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/bytes.h"
#include "base/hex.h"
#include "gtest/gtest.h"
#include "target/scsi/device_server.h"
#include "target/scsi/testing/bench.h"
#include "target/store/lun_spec.h"
#include "target/store/store.h"

namespace pushpull::target {
namespace {

constexpr char kBlockErase[] = "48 02 00 00 00 00 00 00 00 00";
constexpr char kBlockEraseAtOnce[] = "48 82 00 00 00 00 00 00 00 00";
constexpr char kExitFailureMode[] = "48 1f 00 00 00 00 00 00 00 00";
constexpr char kTestUnitReady[] = "00 00 00 00 00 00";
constexpr char kRead[] = "28 00 00 00 00 00 00 00 01 00";
constexpr char kReadLast[] = "28 00 00 00 07 ff 00 00 01 00";
constexpr char kWrite[] = "2a 00 00 00 00 00 00 00 01 00";
constexpr char kInProgress[] = "2/04/1b";

CommandOptions With(std::vector<uint8_t> data) {
  CommandOptions options;
  options.data_out = std::move(data);
  return options;
}

Answer Write(Bench& bench, Nexus* nexus, uint8_t fill) {
  return bench.Do(nexus, kWrite, With(std::vector<uint8_t>(512, fill)));
}

// The SANITIZE of a list of parameters: OVERWRITE with AUSE.
Answer Overwrite(Bench& bench, Nexus* nexus, const std::string& list) {
  const std::vector<uint8_t> bytes = FromHex(list);
  std::vector<uint8_t> cdb = FromHex("48 21 00 00 00 00 00 00 00 00");
  base::StoreBe16(&cdb[7], static_cast<uint16_t>(bytes.size()));
  return bench.Do(nexus, cdb, With(bytes));
}

uint16_t ProgressOf(Bench& bench, Nexus* nexus) {
  const auto sense = bench.Do(nexus, "03 00 00 00 12 00").data;
  EXPECT_EQ(base::Hex(base::Bytes(sense).first(3)), "700002");
  EXPECT_EQ(sense[15], 0x80);
  return base::LoadBe16(&sense[16]);
}

TEST(SanitizeTest, ErasesAllBlocks) {
  for (const char* spec : {"ram:1M", "slow:1,ram:1M"}) {
    Bench bench({{0, spec}});
    Nexus* nexus = bench.Open();
    Write(bench, nexus, 0xaa);
    EXPECT_EQ(bench.Do(nexus, kBlockErase).Summary(), "GOOD");
    EXPECT_EQ(bench.Do(nexus, kRead).data, std::vector<uint8_t>(512));
    EXPECT_EQ(bench.Do(nexus, kTestUnitReady).Summary(), "GOOD");
  }
}

TEST(SanitizeTest, OverwritesWithThePattern) {
  struct Case {
    const char* list;
    std::vector<uint8_t> begin;
  };
  const Case cases[] = {
      {"01 00 00 01 5a", {0x5a, 0x5a, 0x5a, 0x5a}},
      {"02 00 00 03 01 02 03", {1, 2, 3, 1}},
      {"81 00 00 02 0f f0", {0x0f, 0xf0, 0x0f, 0xf0}},
      {"82 00 00 02 0f f0", {0xf0, 0x0f, 0xf0, 0x0f}},  // inverted between two passes
      {"83 00 00 02 0f f0", {0x0f, 0xf0, 0x0f, 0xf0}},
  };
  for (const Case& c : cases) {
    Bench bench;
    Nexus* nexus = bench.Open();
    EXPECT_EQ(Overwrite(bench, nexus, c.list).Summary(), "GOOD") << c.list;
    for (const char* read : {kRead, kReadLast}) {
      auto data = bench.Do(nexus, read).data;
      data.resize(4);
      EXPECT_EQ(data, c.begin) << c.list;
    }
  }
}

TEST(SanitizeTest, RefusesBadFields) {
  Bench bench;
  Nexus* nexus = bench.Open();
  Write(bench, nexus, 0xaa);
  EXPECT_EQ(Overwrite(bench, nexus, "00 00 00 01 5a").Summary(), "5/26/00 list 0.4");
  EXPECT_EQ(Overwrite(bench, nexus, "21 00 00 01 5a").Summary(), "5/26/00 list 0.6");
  EXPECT_EQ(Overwrite(bench, nexus, "01 00 00 00 5a").Summary(), "5/26/00 list 2");
  EXPECT_EQ(Overwrite(bench, nexus, "01 00 00 02 5a").Summary(), "5/26/00 list 2");
  EXPECT_EQ(Overwrite(bench, nexus, "01 00 00 00").Summary(), "5/24/00 cdb 7");
  // A list that says of itself that it is as long as what came of it: its CDB says more.
  EXPECT_EQ(
      bench.Do(nexus, "48 21 00 00 00 00 00 00 06 00", With(FromHex("01 00 00 01 5a"))).Summary(),
      "5/1a/00");
  EXPECT_EQ(Overwrite(bench, nexus, "").Summary(), "5/24/00 cdb 7");
  EXPECT_EQ(bench.Do(nexus, "48 01 00 00 00 00 00 02 05 00").Summary(), "5/24/00 cdb 7");
  EXPECT_EQ(bench.Do(nexus, "48 02 00 00 00 00 00 00 04 00").Summary(), "5/24/00 cdb 8.2");
  EXPECT_EQ(bench.Do(nexus, "48 42 00 00 00 00 00 00 00 00").Summary(), "5/24/00 cdb 1.6");
  EXPECT_EQ(bench.Do(nexus, "48 03 00 00 00 00 00 00 00 00").Summary(), "5/24/00 cdb 1.4");
  EXPECT_EQ(bench.Do(nexus, kExitFailureMode).Summary(), "GOOD");
  EXPECT_EQ(bench.Do(nexus, kRead).data[0], 0xaa) << "nothing was sanitized";
}

TEST(SanitizeTest, WriteProtectedUnitsAreKept) {
  Bench bench({{0, "pattern:1M"}});
  Nexus* nexus = bench.Open();
  EXPECT_EQ(bench.Do(nexus, kBlockErase).Summary(), "7/27/00");
}

TEST(SanitizeTest, RefusesOthersMeanwhileAndTellsItsProgress) {
  Bench bench({{0, "slow:1000,ram:16M"}});
  Nexus* one = bench.Open();
  Nexus* two = bench.Open("iqn.2026-11.org.example:two");
  EXPECT_EQ(bench.Do(one, kBlockEraseAtOnce).Summary(), "GOOD");
  for (const char* cdb : {kTestUnitReady, kRead, kBlockErase, kExitFailureMode, "48 3f 00 00 00"}) {
    EXPECT_EQ(bench.Do(two, cdb).Summary(), kInProgress) << cdb;
  }
  const auto sense = bench.Do(two, kTestUnitReady).sense_data;
  EXPECT_EQ(sense[15], 0x80) << "a progress indication";
  EXPECT_EQ(bench.Do(two, "12 00 00 00 60 00").Summary(), "GOOD");
  EXPECT_EQ(bench.Do(two, "a0 00 00 00 00 00 00 00 00 10 00 00").Summary(), "GOOD");
  uint16_t before = ProgressOf(bench, two);
  bench.world().RunFor(absl::Milliseconds(2500));
  EXPECT_GT(ProgressOf(bench, one), before);
  bench.world().RunFor(absl::Seconds(10));
  EXPECT_EQ(bench.Do(two, kTestUnitReady).Summary(), "GOOD");
}

// A write that was prepared before, and whose data comes only now.
TEST(SanitizeTest, RefusesWhatComesToRunMeanwhile) {
  Bench bench({{0, "slow:1000,ram:1M"}});
  Nexus* one = bench.Open();
  Nexus* two = bench.Open("iqn.2026-11.org.example:two");
  Command late;
  ASSERT_TRUE(bench.Prepare(&late, two, FromHex(kWrite), With(std::vector<uint8_t>(512, 1))));
  EXPECT_EQ(bench.Do(one, kBlockEraseAtOnce).Summary(), "GOOD");
  bench.Execute(&late);
  EXPECT_TRUE(late.ended());
  EXPECT_EQ(late.answer().Summary(), kInProgress);
  bench.world().RunFor(absl::Seconds(10));
  EXPECT_EQ(bench.Do(one, kRead).data[0], 0);
}

TEST(SanitizeTest, WaitsForWhatRuns) {
  Bench bench({{0, "slow:1000,ram:1M"}});
  Nexus* one = bench.Open();
  Nexus* two = bench.Open("iqn.2026-11.org.example:two");
  const auto write = bench.Start(two, FromHex(kWrite), With(std::vector<uint8_t>(512, 1)));
  EXPECT_EQ(bench.Do(one, kBlockErase).Summary(), "GOOD");
  EXPECT_TRUE(write->ended());
  EXPECT_EQ(write->answer().Summary(), "GOOD");
  EXPECT_EQ(bench.Do(one, kRead).data[0], 0);
}

void Reset(Bench& bench, Nexus* nexus) {
  bool done = false;
  bench.server().ManageTasks(nexus, TaskManagement::kLogicalUnitReset, 0, {},
                             [&](TaskManagementResult) { done = true; });
  EXPECT_EQ(bench.world().RunUntil([&] { return done; }), fabric::SimWorld::Outcome::kDone);
}

TEST(SanitizeTest, OutlivesTheTaskThatWaitsForIt) {
  Bench bench({{0, "slow:1000,ram:16M"}});
  Nexus* nexus = bench.Open();
  const auto sanitize = bench.Start(nexus, FromHex(kBlockErase));
  bench.world().RunFor(absl::Milliseconds(1500));
  Reset(bench, nexus);
  ASSERT_TRUE(sanitize->ended());
  EXPECT_TRUE(sanitize->answer().aborted);
  EXPECT_EQ(bench.Do(nexus, kTestUnitReady).Summary(), "6/29/03");
  EXPECT_EQ(bench.Do(nexus, kTestUnitReady).Summary(), kInProgress);
  bench.world().RunFor(absl::Seconds(10));
  EXPECT_EQ(bench.Do(nexus, kTestUnitReady).Summary(), "GOOD");
}

TEST(SanitizeTest, GoesOnWithAnotherNexus) {
  for (const bool waits : {false, true}) {
    Bench bench({{0, "slow:1000,ram:16M"}});
    Nexus* one = bench.Open();
    Nexus* two = bench.Open("iqn.2026-11.org.example:two");
    const auto sanitize = bench.Start(one, FromHex(waits ? kBlockErase : kBlockEraseAtOnce));
    bench.world().RunFor(absl::Milliseconds(1500));
    bench.Close(one);
    EXPECT_EQ(sanitize->answer().aborted, waits);
    EXPECT_EQ(bench.Do(two, kTestUnitReady).Summary(), kInProgress);
    bench.world().RunFor(absl::Seconds(10));
    EXPECT_EQ(bench.Do(two, kTestUnitReady).Summary(), "GOOD");
  }
}

TEST(SanitizeTest, GoesOnWhenSomebodyIsThereAgain) {
  Bench bench({{0, "slow:1000,ram:16M"}});
  Nexus* one = bench.Open();
  EXPECT_EQ(bench.Do(one, kBlockEraseAtOnce).Summary(), "GOOD");
  bench.Close(one);
  bench.world().RunFor(absl::Seconds(10));
  Nexus* two = bench.Open("iqn.2026-11.org.example:two");
  EXPECT_EQ(bench.Do(two, kTestUnitReady).Summary(), kInProgress);
  bench.world().RunFor(absl::Seconds(10));
  EXPECT_EQ(bench.Do(two, kTestUnitReady).Summary(), "GOOD");
}

// ---- after a failure -------------------------------------------------------------------------

class FailingStore final : public Store {
 public:
  std::optional<absl::Status> Submit(Io* /*io*/) override {
    return fails ? absl::DataLossError("EIO") : absl::OkStatus();
  }
  uint64_t size_bytes() const override { return 1 << 20; }

  bool fails = false;
};

// A medium that remembers the longest I/O that it was asked for.
class Measured final : public Store {
 public:
  std::optional<absl::Status> Submit(Io* io) override {
    longest = std::max(longest, IoLength(*io));
    return behind_->Submit(io);
  }
  uint64_t size_bytes() const override { return behind_->size_bytes(); }
  bool can_unmap() const override { return true; }

  uint64_t longest = 0;

 private:
  std::unique_ptr<Store> behind_ = *MakeStore(*ParseLunSpec("ram:64M", 512));
};

// Who is on the same loop waits for no more than this.
TEST(SanitizeTest, GoesBySlices) {
  const auto measured = std::make_shared<Measured>();
  BenchUnit unit;
  unit.store = measured;
  Bench bench({unit});
  Nexus* nexus = bench.Open();
  EXPECT_EQ(bench.Do(nexus, kBlockErase).Summary(), "GOOD");
  EXPECT_LE(measured->longest, uint64_t{4} << 20);
  EXPECT_GT(measured->longest, 0u);
  measured->longest = 0;
  EXPECT_EQ(Overwrite(bench, nexus, "01 00 00 01 5a").Summary(), "GOOD");
  EXPECT_LE(measured->longest, uint64_t{1} << 20);
}

TEST(SanitizeTest, FailsAsTheInitiatorAllowed) {
  for (const bool unrestricted : {false, true}) {
    auto store = std::make_shared<FailingStore>();
    BenchUnit unit;
    unit.store = store;
    Bench bench({unit});
    Nexus* nexus = bench.Open();
    store->fails = true;
    const char* erase = unrestricted ? "48 22 00 00 00 00 00 00 00 00" : kBlockErase;
    EXPECT_EQ(bench.Do(nexus, erase).Summary(), "3/31/03");
    store->fails = false;
    EXPECT_EQ(bench.Do(nexus, kTestUnitReady).Summary(), "3/31/03");
    EXPECT_EQ(bench.Do(nexus, kRead).Summary(), "3/31/03");
    EXPECT_EQ(bench.Do(nexus, "03 00 00 00 03 00").data, FromHex("70 00 03"));
    EXPECT_EQ(bench.Do(nexus, kExitFailureMode).Summary(),
              unrestricted ? "GOOD" : "5/24/00 cdb 1.4");
    EXPECT_EQ(bench.Do(nexus, kTestUnitReady).Summary(), unrestricted ? "GOOD" : "3/31/03");
    if (unrestricted) continue;
    EXPECT_EQ(bench.Do(nexus, "48 22 00 00 00 00 00 00 00 00").Summary(), "5/24/00 cdb 1.5");
    EXPECT_EQ(bench.Do(nexus, kBlockErase).Summary(), "GOOD");
    EXPECT_EQ(bench.Do(nexus, kTestUnitReady).Summary(), "GOOD");
  }
}

}  // namespace
}  // namespace pushpull::target
