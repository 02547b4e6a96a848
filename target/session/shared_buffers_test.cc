// The memory for data that all sessions share: who has some of it doesn't get more of it than
// others, nobody waits for good, and nothing is lost.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "base/serial.h"
#include "fabric/sim_world.h"
#include "gtest/gtest.h"
#include "target/pdu/codes.h"
#include "target/session/buffer_budget.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

constexpr uint64_t kBudget = 2 << 20;
constexpr uint32_t kBlocks = 512;
constexpr uint64_t kBytes = uint64_t{kBlocks} * 512;

RigOptions Options() {
  RigOptions options;
  options.node.buffer_bytes = kBudget;
  options.loops = 2;
  return options;
}

std::unique_ptr<Initiator> LogIn(Rig* rig, uint8_t number) {
  auto initiator = std::make_unique<Initiator>(rig);
  initiator->isid = {0x80, 0, 0, 0, 1, number};
  initiator->Login({{{"MaxBurstLength", "65536"}, {"FirstBurstLength", "8192"}}});
  initiator->ClearUnitAttentions();
  return initiator;
}

// Writes that never get their data: each holds a burst, and the first of each session stays.
void Hoard(Initiator& initiator) {
  for (int i = 0; i < 8; ++i) initiator.Send(Write10(initiator, 0, kBlocks));
}

// So many that there is nothing left.
std::vector<std::unique_ptr<Initiator>> UseUp(Rig& rig) {
  std::vector<std::unique_ptr<Initiator>> hoarders;
  for (uint8_t i = 0; i < 24; ++i) {
    hoarders.push_back(LogIn(&rig, 100 + i));
    Hoard(*hoarders.back());
  }
  rig.Elapse(absl::Milliseconds(10));
  return hoarders;
}

// Sends a command when the window allows it, and serves all of them until they have ended.
class Worker {
 public:
  Worker(Rig* rig, uint8_t number)
      : initiator_(LogIn(rig, number)), data_(Pattern(kBytes, number)), lba_(number * 600u) {}

  void Step() {
    while (sent_ < kCommands && !base::SerialGreater(initiator_->cmd_sn, initiator_->max_cmd_sn)) {
      initiator_->Send(sent_ % 2 == 0 ? Write10(*initiator_, lba_ % 30000, kBlocks)
                                      : Read10(*initiator_, lba_ % 30000, kBlocks));
      ++sent_;
    }
    while (const auto pdu = initiator_->Next(absl::ZeroDuration())) {
      const BhsView bhs(pdu->bhs);
      if (pdu->opcode() == Opcode::kR2t) initiator_->Answer(R2t::Decode(bhs), data_, 8192);
      const bool ends = pdu->opcode() == Opcode::kScsiResponse ||
                        (pdu->opcode() == Opcode::kDataIn && DataIn::Decode(bhs).status_present);
      if (!ends) continue;
      const uint8_t status = pdu->opcode() == Opcode::kScsiResponse
                                 ? ScsiResponse::Decode(bhs).status
                                 : DataIn::Decode(bhs).status;
      EXPECT_EQ(status, 0);
      ++done_;
    }
  }
  bool done() const { return done_ == kCommands; }
  Initiator& initiator() { return *initiator_; }

 private:
  static constexpr int kCommands = 24;

  std::unique_ptr<Initiator> initiator_;
  const ByteVector data_;
  const uint32_t lba_;
  int sent_ = 0;
  int done_ = 0;
};

// The most memory that there was, until all had ended; nothing where they didn't.
std::optional<int64_t> Work(Rig& rig, std::vector<std::unique_ptr<Worker>>& workers) {
  int64_t most = 0;
  const absl::Time end = rig.Now() + absl::Seconds(60);
  while (rig.Now() < end) {
    bool done = true;
    for (const auto& worker : workers) {
      worker->Step();
      most = std::max(most, rig.Get(Count::kBufferBytes));
      done &= worker->done();
    }
    if (done) return most;
    rig.Elapse(absl::Milliseconds(1));
  }
  return std::nullopt;
}

TEST(SharedBuffersTest, ManySessionsWorkWithinIt) {
  constexpr int kSessions = 40;
  Rig rig(Options());
  std::vector<std::unique_ptr<Worker>> workers;
  for (int i = 0; i < kSessions; ++i) {
    workers.push_back(std::make_unique<Worker>(&rig, static_cast<uint8_t>(i)));
  }
  const auto most = Work(rig, workers);
  ASSERT_TRUE(most.has_value()) << "they didn't come to an end";
  // Beyond it, one command of each.
  EXPECT_LE(*most, static_cast<int64_t>(kBudget + kSessions * kBytes));
  EXPECT_GT(rig.Get(Count::kBufferWaits), 0);
  EXPECT_EQ(rig.Get(Count::kSessions), kSessions);
  EXPECT_EQ(rig.Get(Count::kBufferBytes), 0);
}

TEST(SharedBuffersTest, WhoKeepsItForGoodStopsNobody) {
  Rig rig(Options());
  const auto hoarders = UseUp(rig);
  ASSERT_GE(rig.Get(Count::kBufferBytes), static_cast<int64_t>(kBudget)) << "they have too little";
  std::vector<std::unique_ptr<Worker>> workers;
  for (uint8_t i = 0; i < 4; ++i) workers.push_back(std::make_unique<Worker>(&rig, i));
  EXPECT_TRUE(Work(rig, workers).has_value()) << "they didn't come to an end";
  // Hoarders are there all the same, and what they hold comes free with them.
  for (const auto& hoarder : hoarders) hoarder->Reset();
  workers.clear();
  EXPECT_TRUE(rig.RunUntilUnused());
  EXPECT_EQ(rig.Get(Count::kBufferBytes), 0);
}

// Where it is used up, who holds some of it is promised nothing more, until it has come free.
TEST(SharedBuffersTest, TheWindowIsHeldAndOpensAgain) {
  Rig rig(Options());
  const auto a = LogIn(&rig, 1);
  const auto hoarders = UseUp(rig);
  const ScsiCommand write = Write10(*a, 0, kBlocks);
  a->Send(write);
  const R2t asked = a->ExpectR2t();
  const uint32_t promised = a->max_cmd_sn;
  a->Send(TestUnitReady(*a));
  a->ExpectScsiResponse();
  EXPECT_EQ(a->max_cmd_sn, promised) << "what was promised stays so, and no more is";
  for (const auto& hoarder : hoarders) hoarder->Reset();
  EXPECT_EQ(a->ExpectNopIn().target_transfer_tag, kNoTag) << "it is told";
  EXPECT_EQ(a->max_cmd_sn, promised + 1);
  a->Answer(asked, Pattern(kBytes));
  EXPECT_EQ(a->Finish(write, Pattern(kBytes)).status, 0);
}

// A read's data that nobody takes is memory, too; meanwhile nothing is read from there.
TEST(SharedBuffersTest, WhoTakesNothingIsNotRead) {
  RigOptions options = Options();
  options.node.buffer_bytes = 256 << 10;
  options.node.ping_interval = absl::Seconds(5);
  Rig rig(options);
  const auto a = LogIn(&rig, 1);
  const ScsiCommand slow = Read10(*a, 0, kBlocks, Lun(2));  // takes a second
  a->ClearUnitAttentions(Lun(2));
  a->Send(slow);
  rig.Elapse(absl::Milliseconds(10));
  ASSERT_GE(rig.Get(Count::kBufferBytes), 256 << 10);
  const int64_t before = rig.Get(Count::kPdusReceived);
  NopOut ping;
  ping.immediate = true;
  ping.initiator_task_tag = a->NextTag();
  a->Send(ping);
  rig.Elapse(absl::Milliseconds(500));
  EXPECT_EQ(rig.Get(Count::kPdusReceived), before);
  EXPECT_EQ(a->Finish(slow).status, 0);
  NopIn answer = a->ExpectNopIn();  // the window's news may come first
  if (answer.initiator_task_tag == kNoTag) answer = a->ExpectNopIn();
  EXPECT_EQ(answer.initiator_task_tag, ping.initiator_task_tag);
  EXPECT_TRUE(a->Alive());
}

// ---- what may go beyond it
// -----------------------------------------------------------------------

// Serves commands whose data is `data` until so many have ended well.
void ServeAll(Initiator& initiator, size_t commands, const ByteVector& data) {
  while (commands > 0) {
    const auto pdu = initiator.Next();
    ASSERT_TRUE(pdu.has_value()) << commands << " to go";
    const BhsView bhs(pdu->bhs);
    if (pdu->opcode() == Opcode::kR2t) initiator.Answer(R2t::Decode(bhs), data, 8192);
    if (pdu->opcode() != Opcode::kScsiResponse) continue;
    ASSERT_EQ(ScsiResponse::Decode(bhs).status, 0);
    --commands;
  }
}

// HEAD OF QUEUE waits for no other command, but the second one for the first.
TEST(SharedBuffersTest, OneUrgentCommandAtATimeGoesBeyondIt) {
  constexpr size_t kUrgent = 16;
  Rig rig(Options());
  const auto a = LogIn(&rig, 1);
  const auto hoarders = UseUp(rig);
  const int64_t before = rig.Get(Count::kBufferBytes);
  ASSERT_GE(before, static_cast<int64_t>(kBudget));
  a->Send(Write10(*a, 0, kBlocks));
  for (size_t i = 0; i < kUrgent; ++i) {
    ScsiCommand urgent = Write10(*a, 0, kBlocks);
    urgent.attr = TaskAttributeCode::kHeadOfQueue;
    a->Send(urgent);
  }
  rig.Elapse(absl::Milliseconds(10));
  // All of either: a part would be of no use.
  EXPECT_LE(rig.Get(Count::kBufferBytes) - before, 2 * static_cast<int64_t>(kBytes));
  ServeAll(*a, 1 + kUrgent, Pattern(kBytes));
}

// What comes without being asked for was promised by the window and FirstBurstLength: this much it
// takes, and no more.
TEST(SharedBuffersTest, WhatWasPromisedGoesBeyondItByNoMoreThanComes) {
  constexpr int64_t kFirstBurst = 8192;
  constexpr size_t kSessions = 4;
  Rig rig(Options());
  std::vector<std::unique_ptr<Initiator>> promised;
  for (size_t i = 0; i < kSessions; ++i) promised.push_back(LogIn(&rig, static_cast<uint8_t>(i)));
  const auto hoarders = UseUp(rig);
  const int64_t before = rig.Get(Count::kBufferBytes);
  ASSERT_GE(before, static_cast<int64_t>(kBudget));
  const ByteVector data = Pattern(kBytes);
  std::vector<size_t> commands;
  for (const auto& initiator : promised) {
    commands.push_back(initiator->max_cmd_sn + 1 - initiator->cmd_sn);
    ASSERT_GT(commands.back(), 50u);
    for (size_t i = 0; i < commands.back(); ++i) {
      ScsiCommand write = Write10(*initiator, 0, kBlocks);
      write.data_segment_length = kFirstBurst;
      initiator->Send(write, {data.begin(), data.begin() + kFirstBurst});
    }
  }
  rig.Elapse(absl::Milliseconds(50));
  int64_t most = 0;
  for (size_t i = 0; i < kSessions; ++i) {
    EXPECT_EQ(promised[i]->max_cmd_sn + 1, promised[i]->cmd_sn) << "no more is promised";
    // And what the oldest command of each needs.
    most += static_cast<int64_t>(commands[i]) * kFirstBurst + static_cast<int64_t>(kBytes);
  }
  EXPECT_LE(rig.Get(Count::kBufferBytes) - before, most);
  for (size_t i = 0; i < kSessions; ++i) ServeAll(*promised[i], commands[i], data);
}

// ---- nothing goes beyond what is said
// ------------------------------------------------------------

constexpr int64_t kMiB = 1 << 20;

RigOptions Bounded() {
  RigOptions options = Options();
  options.node.buffer_bytes = kMiB;
  options.node.promised_bytes = kMiB;
  options.node.lent_bytes = kMiB;
  return options;
}

// Runs until it is so, or a while is over; the most memory that there was.
int64_t RunUntil(Rig& rig, const std::function<bool()>& so) {
  int64_t most = 0;
  const absl::Time end = rig.Now() + absl::Minutes(20);
  while (!so() && rig.Now() < end) {
    rig.Elapse(absl::Milliseconds(1));
    most = std::max(most, rig.Get(Count::kBufferBytes));
  }
  EXPECT_TRUE(so());
  return most;
}

// Each in the line has his turn, as who doesn't take what he asked for is sent away; who does,
// isn't.
TEST(SharedBuffersTest, WhoReadsNothingCantHaveMoreNorKeepIt) {
  Rig rig(Bounded());
  const auto good = LogIn(&rig, 0);
  std::vector<std::unique_ptr<Initiator>> silent;
  for (uint8_t i = 1; i <= 40; ++i) {
    silent.push_back(LogIn(&rig, i));
    silent.back()->StopReading();
    for (int k = 0; k < 4; ++k) silent.back()->Send(Read10(*silent.back(), 0, 1024));
  }
  int64_t most = RunUntil(rig, [&] { return rig.Get(Count::kBufferBytes) >= 2 * kMiB; });
  for (uint32_t i = 0; i < 3; ++i) {
    const ScsiCommand read = Read10(*good, 0, 1024);
    good->Send(read);
    int64_t bytes = 0;
    bool ended = false;
    most = std::max(most, RunUntil(rig, [&] {
                      while (const auto pdu = good->Next(absl::ZeroDuration())) {
                        bytes += static_cast<int64_t>(pdu->data.size());
                        ended |= pdu->opcode() == Opcode::kDataIn &&
                                 DataIn::Decode(BhsView(pdu->bhs)).status_present;
                      }
                      return ended || good->closed();
                    }));
    ASSERT_FALSE(good->closed());
    EXPECT_EQ(bytes, 1024 * 512);
  }
  EXPECT_LE(most, 3 * kMiB);
  EXPECT_GT(rig.Get(Count::kLoansCalledIn), 0);
  EXPECT_LE(rig.Get(Count::kLoansCalledIn), 40);
}

// Memory that nobody else wants may be kept.
TEST(SharedBuffersTest, NobodyIsSentAwayWhereNobodyWaits) {
  Rig rig(Bounded());
  std::vector<std::unique_ptr<Initiator>> silent;
  for (uint8_t i = 1; i <= 3; ++i) {
    silent.push_back(LogIn(&rig, i));
    silent.back()->StopReading();
    silent.back()->Send(Read10(*silent.back(), 0, 1024));
  }
  rig.Elapse(absl::Minutes(10));
  EXPECT_EQ(rig.Get(Count::kBufferBytes), 3 * kMiB / 2) << "one of them has it lent";
  EXPECT_EQ(rig.Get(Count::kLoansCalledIn), 0);
  EXPECT_EQ(rig.Get(Count::kSessions), 3);
}

// What was promised and has no room ends with BUSY, and the session goes on.
TEST(SharedBuffersTest, WhatComesUnaskedBeyondItIsTurnedAway) {
  constexpr uint32_t kFirst = 8192;
  Rig rig(Bounded());
  std::vector<std::unique_ptr<Initiator>> initiators;
  for (uint8_t i = 0; i < 8; ++i) {
    initiators.push_back(std::make_unique<Initiator>(&rig));
    initiators.back()->isid[5] = i;
    initiators.back()->Login({{{"InitialR2T", "No"}, {"FirstBurstLength", "8192"}}});
    initiators.back()->ClearUnitAttentions();
  }
  // Each begins more than there is room for, and ends nothing: F of the unsolicited data is due.
  std::vector<std::vector<ScsiCommand>> writes(initiators.size());
  const ByteVector data = Pattern(kFirst - 512);
  for (size_t i = 0; i < initiators.size(); ++i) {
    for (int k = 0; k < 100; ++k) {
      ScsiCommand write = Write10(*initiators[i], 0, kFirst / 512);
      write.final = false;
      write.initiator_task_tag = initiators[i]->NextTag();
      write.data_segment_length = static_cast<uint32_t>(data.size());
      write = initiators[i]->Number(write);
      initiators[i]->SendPdu({.bhs = write.Encode(), .ahs = {}, .data = data});
      writes[i].push_back(write);
    }
  }
  rig.Elapse(absl::Milliseconds(100));
  EXPECT_GT(rig.Get(Count::kBufferBytes), kMiB);
  EXPECT_LE(rig.Get(Count::kBufferBytes), 3 * kMiB);
  int good = 0, busy = 0;
  for (size_t i = 0; i < initiators.size(); ++i) {
    for (const ScsiCommand& write : writes[i]) {
      DataOut rest;
      rest.final = true;
      rest.initiator_task_tag = write.initiator_task_tag;
      rest.buffer_offset = static_cast<uint32_t>(data.size());
      initiators[i]->Send(rest, Pattern(512));
    }
    for (size_t k = 0; k < writes[i].size();) {
      const auto pdu = initiators[i]->Next();
      ASSERT_TRUE(pdu.has_value());
      if (pdu->opcode() != Opcode::kScsiResponse) continue;  // the window's news
      const uint8_t status = ScsiResponse::Decode(BhsView(pdu->bhs)).status;
      good += status == 0 ? 1 : 0;
      busy += status == static_cast<uint8_t>(ScsiStatus::kBusy) ? 1 : 0;
      ++k;
    }
  }
  EXPECT_EQ(good + busy, 800);
  EXPECT_GT(good, 100);
  EXPECT_GT(busy, 100);
  EXPECT_EQ(rig.Get(Count::kTasksBusy), busy);
  EXPECT_EQ(rig.Get(Count::kBufferBytes), 0);
}

// ---- the account
// ----------------------------------------------------------------------------------

TEST(BufferBudgetTest, WakesSomeOfThoseWhoWaitWhereThereIsRoom) {
  fabric::SimWorld world({});
  fabric::Loop* const loop = world.NewLoop();
  BufferBudget budget({.bytes = 100, .promised = 50, .lent = 0});
  EXPECT_TRUE(budget.TakePromised(100));
  EXPECT_FALSE(budget.Take(1));
  EXPECT_TRUE(budget.TakePromised(50));
  EXPECT_FALSE(budget.TakePromised(1));
  EXPECT_TRUE(budget.used_up());
  int woken = 0;
  for (int i = 0; i < 10; ++i) budget.Wait(loop, [&woken] { ++woken; });
  budget.Give(40);
  world.RunFor(absl::Milliseconds(1));
  EXPECT_EQ(woken, 0) << "there is no room yet";
  budget.Give(20);
  EXPECT_FALSE(budget.Take(11));
  world.RunFor(absl::Milliseconds(1));
  EXPECT_EQ(woken, 8);
  budget.Wake();
  world.RunFor(absl::Milliseconds(1));
  EXPECT_EQ(woken, 10);
  budget.Wait(loop, [&woken] { ++woken; });
  budget.Forget(loop);
  budget.Give(90);
  world.RunFor(absl::Milliseconds(1));
  EXPECT_EQ(woken, 10);
}

TEST(BufferBudgetTest, LendsInTheOrderOfAsking) {
  fabric::SimWorld world({});
  fabric::Loop* const loop = world.NewLoop();
  BufferBudget budget({.bytes = 0, .promised = 0, .lent = 100});
  std::vector<uint64_t> woken;
  const auto borrower = [&](uint64_t key) {
    return BufferBudget::Borrower{key, loop, [&woken, key] { woken.push_back(key); }};
  };
  const auto now_woken = [&] {
    woken.clear();
    world.RunFor(absl::Milliseconds(1));
    return woken;
  };
  EXPECT_TRUE(budget.Borrow(80, borrower(1)));
  EXPECT_FALSE(budget.anyone_wants_loan());
  EXPECT_FALSE(budget.Borrow(50, borrower(2)));
  EXPECT_FALSE(budget.Borrow(50, borrower(2)));
  EXPECT_FALSE(budget.Borrow(60, borrower(3)));
  EXPECT_FALSE(budget.Borrow(10, borrower(4))) << "it would fit, but isn't his turn";
  EXPECT_TRUE(budget.anyone_wants_loan());
  EXPECT_EQ(now_woken(), std::vector<uint64_t>());
  budget.Give(80, 80);
  EXPECT_EQ(now_woken(), std::vector<uint64_t>({2}));
  EXPECT_FALSE(budget.Borrow(10, borrower(5)));
  EXPECT_TRUE(budget.Borrow(50, borrower(2)));
  EXPECT_EQ(now_woken(), std::vector<uint64_t>({3}));
  EXPECT_FALSE(budget.Borrow(60, borrower(3)));
  budget.Leave(3);
  EXPECT_EQ(now_woken(), std::vector<uint64_t>({4}));
  EXPECT_TRUE(budget.Borrow(10, borrower(4)));
  EXPECT_EQ(now_woken(), std::vector<uint64_t>({5}));
  EXPECT_TRUE(budget.Borrow(10, borrower(5)));
  EXPECT_FALSE(budget.anyone_wants_loan());
  EXPECT_EQ(budget.in_use(), 70u);
  budget.Give(50, 50);
  EXPECT_EQ(now_woken(), std::vector<uint64_t>());
}

}  // namespace
}  // namespace pushpull::target::testing
