// What must hold of the receive machine for any bytes and any delivery. A failure names its seed.

#include <algorithm>
#include <string>
#include <vector>

#include "base/random.h"
#include "fuzz/replay/compare.h"
#include "fuzz/replay/difference.h"
#include "fuzz/replay/replay_testing.h"
#include "fuzz/replay/rx_receiver.h"
#include "fuzz/replay/schedule.h"
#include "gtest/gtest.h"

namespace pushpull::replay {
namespace {

constexpr uint64_t kSeeds = 150;

std::string Both(const Trace& trace, Receiver* receiver, const Delivery& reference,
                 const Delivery& found) {
  const auto left = receiver->PlayForLog(reference);
  const auto right = receiver->PlayForLog(found);
  return DescribeDifference({&trace, &reference, &*left, &found, &*right});
}

// A schedule or two at random.
std::string RandomSchedule(base::Random* random) {
  const std::string schedules[] = {"bytes",
                                   "mss:" + std::to_string(random->Between(1, 200)),
                                   "fields",
                                   "ahs",
                                   "all1",
                                   "notyet",
                                   "queue:3",
                                   "coalesce:" + std::to_string(random->Between(1, 4)),
                                   "random:" + std::to_string(random->Below(1000)) + ":40"};
  return schedules[random->Below(std::size(schedules))] + "," +
         schedules[random->Below(std::size(schedules))];
}

void ExpectOneLog(const Trace& trace, base::Random* random, uint64_t seed) {
  const auto receiver = MakeRxReceiver();
  ASSERT_EQ(receiver->Open(trace), absl::OkStatus());
  auto oracle = Oracle::Make(trace, receiver.get());
  ASSERT_TRUE(oracle.ok());
  EXPECT_FALSE(oracle->reference().fault) << "seed " << seed;
  const std::string schedule = RandomSchedule(random);
  Deliveries deliveries(*Schedule::Parse(schedule), trace, receiver->sources(),
                        {.max_deliveries = 5000});
  const auto result = Compare(trace, receiver.get(), &*oracle, {}, &deliveries);
  ASSERT_TRUE(result.ok());
  if (!result->finding.has_value()) return;
  ADD_FAILURE() << "seed " << seed << ", " << schedule << "\n"
                << Both(trace, receiver.get(), oracle->ReferenceOf(result->finding->source),
                        *result->finding);
}

TEST(PropertyTest, ValidTracesGiveOneLog) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    base::Random random(seed);
    ExpectOneLog(RandomTrace(&random, 6, /*corrupt=*/false), &random, seed);
  }
}

TEST(PropertyTest, CorruptTracesGiveOneLog) {
  for (uint64_t seed = 1000; seed < 1000 + kSeeds; ++seed) {
    base::Random random(seed);
    ExpectOneLog(RandomTrace(&random, 6, /*corrupt=*/true), &random, seed);
  }
}

TEST(PropertyTest, AnyBytesGiveOneLog) {
  for (uint64_t seed = 2000; seed < 2000 + kSeeds; ++seed) {
    base::Random random(seed);
    Parameters parameters;
    parameters.header_digest = random.Chance(10);
    parameters.data_digest = random.Chance(30);
    std::vector<uint8_t> bytes(random.Below(600));
    for (uint8_t& byte : bytes) {
      byte = random.Chance(70) ? 0 : static_cast<uint8_t>(random.Next());
    }
    ExpectOneLog(MakeTrace("bytes", Direction::kToTarget, parameters, bytes), &random, seed);
  }
}

// Events are the trace's PDUs, whole and in order, up to the first that the receiver can't take.
TEST(PropertyTest, OrderAndContentsAreKept) {
  size_t pdus = 0;
  const auto receiver = MakeRxReceiver();
  for (uint64_t seed = 3000; seed < 3000 + kSeeds; ++seed) {
    base::Random random(seed);
    const Trace trace = RandomTrace(&random, 8, /*corrupt=*/false);
    ASSERT_EQ(receiver->Open(trace), absl::OkStatus());
    const std::vector<Source> sources = receiver->sources();
    const Delivery delivery = RandomDelivery(trace, sources[random.Below(sources.size())], &random);
    const auto log = receiver->PlayForLog(delivery);
    size_t next = 0;
    for (const v1::Event& event : log->event()) {
      if (!event.has_pdu()) continue;
      ASSERT_LT(next, trace.pdus.size());
      const PduBorders& due = trace.pdus[next++];
      const auto part = [&](size_t from, size_t to) {
        return std::string(base::AsText(base::Bytes(trace.bytes).subspan(from, to - from)));
      };
      EXPECT_EQ(event.pdu().bhs(), part(due.begin, due.bhs_end)) << "seed " << seed;
      EXPECT_EQ(event.pdu().ahs(), part(due.bhs_end, due.ahs_end())) << "seed " << seed;
      EXPECT_FALSE(event.pdu().data_digest_failed());
      if (event.pdu().data_discarded()) continue;
      EXPECT_EQ(event.pdu().data(), part(due.header_digest_end, due.data_end)) << "seed " << seed;
    }
    pdus += next;
    // Nothing is missing unless an error ended it.
    const v1::Event& last = log->event(log->event_size() - 1);
    if (last.has_end()) {
      EXPECT_EQ(next, trace.pdus.size()) << "seed " << seed;
    }
  }
  EXPECT_GT(pdus, kSeeds);
}

}  // namespace
}  // namespace pushpull::replay
