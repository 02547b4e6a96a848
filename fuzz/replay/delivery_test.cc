#include "fuzz/replay/delivery.h"

#include "gtest/gtest.h"

namespace pushpull::replay {
namespace {

Trace TwoHeaders() {
  return MakeTrace("t", Direction::kToTarget, {}, std::vector<uint8_t>(2 * 48 + 3));
}

TEST(DeliveryTest, WholeIsValid) {
  const Trace trace = TwoHeaders();
  for (const Source source : {Source::kTcp, Source::kBytes, Source::kPush}) {
    const Delivery whole = Whole(trace, source);
    EXPECT_EQ(Check(whole, trace), absl::OkStatus());
    EXPECT_TRUE(CutsOf(whole).empty());
  }
  EXPECT_EQ(Whole(trace, Source::kPush).operations.front().count, 3u);  // the tail is a message
  const Trace nothing = MakeTrace("t", Direction::kToTarget, {}, {});
  EXPECT_EQ(Whole(nothing, Source::kTcp).operations.size(), 1u);
  EXPECT_EQ(Check(Whole(nothing, Source::kTcp), nothing), absl::OkStatus());
}

TEST(DeliveryTest, CheckFindsWhatIsMissing) {
  const Trace trace = TwoHeaders();
  Delivery delivery;
  EXPECT_FALSE(Check(delivery, trace).ok());
  delivery.Feed(99);
  EXPECT_FALSE(Check(delivery, trace).ok());  // no end
  delivery.End();
  EXPECT_TRUE(Check(delivery, trace).ok());
  delivery.queue_capacity = 0;
  EXPECT_FALSE(Check(delivery, trace).ok());
  delivery.Clear(Source::kTcp);
  delivery.Feed(98);
  delivery.End();
  EXPECT_FALSE(Check(delivery, trace).ok());  // a byte is missing
  delivery.source = Source::kPush;
  EXPECT_FALSE(Check(delivery, trace).ok());
  delivery.Clear(Source::kTcp);
  delivery.End();
  delivery.Feed(99);
  EXPECT_FALSE(Check(delivery, trace).ok());  // behind its end
}

TEST(DeliveryTest, CutsAndText) {
  Delivery delivery;
  delivery.Clear(Source::kTcp);
  delivery.NotYet();
  delivery.Feed(48);
  delivery.Feed(2);
  delivery.NotYet();
  delivery.NotYet();
  delivery.Feed(49);
  delivery.End();
  EXPECT_EQ(CutsOf(delivery), (std::vector<size_t>{0, 48, 50, 50, 50}));
  EXPECT_EQ(ToString(delivery), "tcp, cut at 0, 48 and 50 (not yet x2)");
  delivery.Clear(Source::kBytes);
  delivery.Feed(99);
  delivery.NotYet();
  delivery.End();
  EXPECT_EQ(CutsOf(delivery), std::vector<size_t>{99});
  delivery.Clear(Source::kPush);
  delivery.Push(1);
  delivery.Push(2);
  delivery.End();
  delivery.queue_capacity = 1;
  delivery.slots = 2;
  EXPECT_EQ(ToString(delivery), "push, 1+2 PDUs, queue 1, slots 2");
}

TEST(DeliveryTest, TextOfManyCutsIsShort) {
  Delivery delivery;
  for (int i = 0; i < 1000; ++i) delivery.Feed(1);
  delivery.End();
  EXPECT_LT(ToString(delivery).size(), 120u);
  EXPECT_NE(ToString(delivery).find("and 987 more"), std::string::npos) << ToString(delivery);
}

}  // namespace
}  // namespace pushpull::replay
