#include "target/rx/session_window.h"

#include <algorithm>
#include <map>
#include <vector>

#include "base/random.h"
#include "base/serial.h"
#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

using Numbers = SessionWindow::Numbers;
using Verdict = SessionWindow::Verdict;
using ImmediateSlot = SessionWindow::ImmediateSlot;

// Of a pledge of 3 + n slots, n are the window's.
constexpr uint32_t kKept = SessionWindow::kKeptForImmediates + SessionWindow::kKeptForReception;

TEST(SessionWindowTest, IsClosedUntilSomebodyPledges) {
  SessionWindow window(100, 64);
  EXPECT_EQ(window.Advertise(), (Numbers{100, 99}));
  window.Join({.slots = kKept + 4});
  EXPECT_EQ(window.max_cmd_sn(), 99u) << "nobody was told";
  EXPECT_TRUE(window.has_news());
  EXPECT_EQ(window.Advertise(), (Numbers{100, 103}));
  EXPECT_FALSE(window.has_news());
}

TEST(SessionWindowTest, KeepsSlotsForUnsolicitedData) {
  SessionWindow window(1, 64);
  window.Join({.slots = kKept + 10, .unsolicited_data_slots = 7});
  EXPECT_EQ(window.Advertise(), (Numbers{1, 3}));
}

TEST(SessionWindowTest, NeverWiderThanItsLimit) {
  SessionWindow window(1, 16);
  window.Join({.slots = 1000});
  EXPECT_EQ(window.Advertise(), (Numbers{1, 16}));
}

TEST(SessionWindowTest, HeldSlotKeepsTheWindowNarrow) {
  SessionWindow window(1, 64);
  const auto c = window.Join({.slots = kKept + 2});
  window.Advertise();
  EXPECT_EQ(window.Receive(c, 1), Verdict::kInOrder);
  EXPECT_EQ(window.Advertise(), (Numbers{2, 2}));
  EXPECT_EQ(window.Receive(c, 2), Verdict::kInOrder);
  EXPECT_EQ(window.Advertise(), (Numbers{3, 2})) << "closed: MaxCmdSN = ExpCmdSN - 1";
  EXPECT_EQ(window.Receive(c, 3), Verdict::kOutside);
  window.Give(c);
  EXPECT_TRUE(window.has_news());
  EXPECT_EQ(window.Receive(c, 3), Verdict::kOutside) << "not told yet";
  EXPECT_EQ(window.Advertise(), (Numbers{3, 3}));
  EXPECT_EQ(window.Receive(c, 3), Verdict::kInOrder);
}

TEST(SessionWindowTest, EarlyOnesWaitForTheirTurn) {
  SessionWindow window(1, 64);
  const auto c = window.Join({.slots = kKept + 8});
  window.Advertise();
  EXPECT_EQ(window.Receive(c, 3), Verdict::kEarly);
  EXPECT_EQ(window.Receive(c, 2), Verdict::kEarly);
  EXPECT_EQ(window.Receive(c, 3), Verdict::kDuplicate);
  EXPECT_EQ(window.exp_cmd_sn(), 1u);
  EXPECT_EQ(window.Advertise(), (Numbers{1, 8})) << "they were promised before";
  EXPECT_EQ(window.Receive(c, 1), Verdict::kInOrder);
  EXPECT_EQ(window.exp_cmd_sn(), 4u);
  EXPECT_EQ(window.Advertise(), (Numbers{4, 8}));
  EXPECT_EQ(window.Receive(c, 3), Verdict::kOutside) << "acknowledged";
  EXPECT_EQ(window.slots_held(c), 3u);
}

TEST(SessionWindowTest, EarlyOnesHaveTheirSlotsAlready) {
  SessionWindow window(1, 64);
  const auto c = window.Join({.slots = kKept + 8});
  window.Advertise();
  EXPECT_EQ(window.Receive(c, 1), Verdict::kInOrder);
  EXPECT_EQ(window.Receive(c, 3), Verdict::kEarly);
  EXPECT_EQ(window.Advertise(), (Numbers{2, 8}));
  window.Give(c);
  EXPECT_EQ(window.Advertise(), (Numbers{2, 9})) << "2, and 4 to 9: seven slots are free";
}

TEST(SessionWindowTest, WindowGoesRoundZero) {
  SessionWindow window(0xfffffffe, 64);
  const auto c = window.Join({.slots = kKept + 4});
  EXPECT_EQ(window.Advertise(), (Numbers{0xfffffffe, 1}));
  EXPECT_EQ(window.Receive(c, 2), Verdict::kOutside);
  EXPECT_EQ(window.Receive(c, 0xfffffffd), Verdict::kOutside);
  EXPECT_EQ(window.Receive(c, 0), Verdict::kEarly);
  EXPECT_EQ(window.Receive(c, 0xffffffff), Verdict::kEarly);
  EXPECT_EQ(window.Receive(c, 0xfffffffe), Verdict::kInOrder);
  EXPECT_EQ(window.exp_cmd_sn(), 1u);
}

TEST(SessionWindowTest, EachConnectionMustHoldTheWindow) {
  SessionWindow window(1, 64);
  const auto wide = window.Join({.slots = kKept + 10});
  EXPECT_EQ(window.Advertise(), (Numbers{1, 10}));
  const auto narrow = window.Join({.slots = kKept + 4});
  EXPECT_EQ(window.Advertise(), (Numbers{1, 10})) << "never back";
  for (uint32_t n = 1; n <= 6; ++n) EXPECT_EQ(window.Receive(wide, n), Verdict::kInOrder);
  EXPECT_EQ(window.Advertise(), (Numbers{7, 10})) << "four are promised, and fit the narrow one";
  window.Give(wide);
  EXPECT_EQ(window.Advertise(), (Numbers{7, 10}));
  EXPECT_EQ(window.Receive(narrow, 7), Verdict::kInOrder);
  EXPECT_EQ(window.Advertise(), (Numbers{8, 10}));
  window.Leave(narrow);
  EXPECT_EQ(window.Advertise(), (Numbers{8, 12})) << "only the wide one's five count";
  window.Give(narrow);  // ignored: it has left
  EXPECT_EQ(window.Advertise(), (Numbers{8, 12}));
  window.Leave(wide);
  EXPECT_EQ(window.Advertise(), (Numbers{8, 12}));
}

TEST(SessionWindowTest, DiscardOpensANumberAgain) {
  SessionWindow window(1, 64);
  const auto c = window.Join({.slots = kKept + 8});
  window.Advertise();
  EXPECT_EQ(window.Receive(c, 3), Verdict::kEarly);
  EXPECT_FALSE(window.Discard(c, 2));
  EXPECT_FALSE(window.Discard(c, 99));
  EXPECT_TRUE(window.Discard(c, 3));
  EXPECT_EQ(window.slots_held(c), 0u);
  EXPECT_EQ(window.Receive(c, 3), Verdict::kEarly);
}

TEST(SessionWindowTest, SkippedNumberCountsAsReceived) {
  SessionWindow window(1, 64);
  const auto c = window.Join({.slots = kKept + 8});
  window.Advertise();
  EXPECT_TRUE(window.Skip(2));
  EXPECT_FALSE(window.Skip(2));
  EXPECT_FALSE(window.Skip(9));
  EXPECT_EQ(window.Receive(c, 2), Verdict::kDuplicate);
  EXPECT_EQ(window.Receive(c, 1), Verdict::kInOrder);
  EXPECT_EQ(window.exp_cmd_sn(), 3u);
  EXPECT_EQ(window.slots_held(c), 1u);
  EXPECT_EQ(window.Advertise(), (Numbers{3, 9}));
}

TEST(SessionWindowTest, ImmediatePdusHaveTheirOwnSlots) {
  SessionWindow window(1, 64);
  const auto c = window.Join({.slots = kKept + 1});
  window.Advertise();
  EXPECT_EQ(window.Receive(c, 1), Verdict::kInOrder);
  // The window is closed; one of each kind has room all the same.
  EXPECT_EQ(window.TakeImmediate(c, true), ImmediateSlot::kKeptForTaskManagement);
  EXPECT_EQ(window.TakeImmediate(c, false), ImmediateSlot::kKeptForOther);
  EXPECT_EQ(window.TakeImmediate(c, true), ImmediateSlot::kRefused);
  EXPECT_EQ(window.TakeImmediate(c, false), ImmediateSlot::kRefused);
  window.GiveImmediate(c, ImmediateSlot::kKeptForTaskManagement);
  EXPECT_EQ(window.TakeImmediate(c, false), ImmediateSlot::kRefused) << "that one isn't for it";
  EXPECT_EQ(window.TakeImmediate(c, true), ImmediateSlot::kKeptForTaskManagement);
  // A slot that isn't promised may be used too.
  window.Give(c);
  EXPECT_EQ(window.TakeImmediate(c, false), ImmediateSlot::kOrdinary);
  EXPECT_EQ(window.Advertise(), (Numbers{2, 1}));
  window.GiveImmediate(c, ImmediateSlot::kOrdinary);
  EXPECT_EQ(window.Advertise(), (Numbers{2, 2}));
  EXPECT_EQ(window.TakeImmediate(c, false), ImmediateSlot::kRefused) << "promised";
}

TEST(SessionWindowTest, ASlotKeptForImmediatePdusIsUsedAgain) {
  SessionWindow window(1, 64);
  const auto c = window.Join({.slots = kKept + 1});
  window.Advertise();
  for (int i = 0; i < 3; ++i) {
    for (const bool task_management : {false, true}) {
      const ImmediateSlot due =
          task_management ? ImmediateSlot::kKeptForTaskManagement : ImmediateSlot::kKeptForOther;
      EXPECT_EQ(window.TakeImmediate(c, task_management), due) << i;
    }
    EXPECT_EQ(window.TakeImmediate(c, false), ImmediateSlot::kRefused) << i;
    window.GiveImmediate(c, ImmediateSlot::kRefused);  // holds none
    window.GiveImmediate(c, ImmediateSlot::kKeptForOther);
    window.GiveImmediate(c, ImmediateSlot::kKeptForTaskManagement);
    EXPECT_EQ(window.slots_held(c), 0u);
  }
}

TEST(SessionWindowTest, AnAcknowledgementIsNews) {
  SessionWindow window(1, 64);
  const auto c = window.Join({.slots = kKept + 2});
  window.Advertise();
  EXPECT_EQ(window.Receive(c, 1), Verdict::kInOrder);
  EXPECT_TRUE(window.has_news());
  EXPECT_FALSE(window.has_room_news());
  EXPECT_EQ(window.Advertise(), (Numbers{2, 2}));
  EXPECT_FALSE(window.has_news());
}

TEST(SessionWindowTest, FurtherImmediatePdusWhereTheyWerePromised) {
  SessionWindow window(1, 64);
  const auto c = window.Join({.slots = kKept + 4, .further_immediate_slots = 2});
  EXPECT_EQ(window.Advertise(), (Numbers{1, 2}));
  EXPECT_EQ(window.TakeImmediate(c, false), ImmediateSlot::kKeptForOther);
  EXPECT_EQ(window.TakeImmediate(c, false), ImmediateSlot::kKeptFurther);
  EXPECT_EQ(window.TakeImmediate(c, false), ImmediateSlot::kKeptFurther);
  EXPECT_EQ(window.TakeImmediate(c, false), ImmediateSlot::kRefused);
  EXPECT_EQ(window.TakeImmediate(c, true), ImmediateSlot::kKeptForTaskManagement);
  window.GiveImmediate(c, ImmediateSlot::kKeptFurther);
  EXPECT_EQ(window.TakeImmediate(c, true), ImmediateSlot::kKeptFurther);
}

// An initiator that sends whatever it was allowed on any connection, in any order, and a target
// that answers when it likes: no connection is ever sent more than it has slots for.
TEST(SessionWindowTest, NeverPromisesMoreThanWasPledged) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    base::Random random(seed);
    const uint32_t first = static_cast<uint32_t>(random.Next());
    SessionWindow window(first, static_cast<uint32_t>(random.Between(1, 40)));
    std::vector<uint32_t> capacity, held;
    std::vector<SessionWindow::ConnectionId> ids;
    for (uint64_t i = random.Between(1, 3); i > 0; --i) {
      capacity.push_back(static_cast<uint32_t>(random.Between(1, 30)));
      held.push_back(0);
      ids.push_back(window.Join({.slots = kKept + capacity.back()}));
    }
    Numbers told = window.Advertise();
    std::vector<uint32_t> unsent;  // numbers that the initiator may send
    uint32_t next = first;
    for (int step = 0; step < 2000; ++step) {
      while (base::SerialLessOrEqual(next, told.max_cmd_sn)) unsent.push_back(next++);
      const size_t c = random.Below(ids.size());
      if (random.Chance(50) && !unsent.empty()) {
        const size_t pick = random.Below(std::min<size_t>(unsent.size(), 4));
        const Verdict verdict = window.Receive(ids[c], unsent[pick]);
        ASSERT_TRUE(verdict == Verdict::kInOrder || verdict == Verdict::kEarly);
        unsent.erase(unsent.begin() + static_cast<long>(pick));
        ASSERT_LE(++held[c], capacity[c]) << "seed " << seed << " step " << step;
      } else if (held[c] > 0) {
        --held[c];
        window.Give(ids[c]);
      }
      if (random.Chance(30)) {
        const Numbers numbers = window.Advertise();
        ASSERT_FALSE(base::SerialLess(numbers.max_cmd_sn, told.max_cmd_sn)) << "back";
        ASSERT_TRUE(base::SerialLessOrEqual(numbers.exp_cmd_sn - 1, numbers.max_cmd_sn));
        told = numbers;
      }
      ASSERT_EQ(window.slots_held(ids[c]), held[c]);
    }
  }
}

}  // namespace
}  // namespace pushpull::target
