// Peers that take things from others: what they do costs the others no time and no work, and the
// target no memory beyond what was negotiated. Time is virtual: each figure is exact.

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/allocation_counter.h"
#include "gtest/gtest.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

constexpr size_t kPeers = 8;
constexpr uint64_t kSessionBuffer = 1 << 20;
// The same on our side of the simulated network, which is in this process, too.
constexpr int64_t kNetworkBytes = 2 * (256 << 10);

struct Hostile {
  const char* name;
  void (*begin)(Initiator& peer);
  bool logs_in = true;
  std::vector<std::pair<std::string, std::string>> keys = {};
  int64_t bytes = 512 << 10;  // that one peer may cost, beside the session's buffers
};

RigOptions Options() {
  RigOptions options;
  options.network = fabric::SimOptions::Both(
      {.min_latency = absl::Milliseconds(1), .max_latency = absl::Milliseconds(1)});
  options.node.session_buffer_bytes = kSessionBuffer;
  options.node.ping_interval = absl::Seconds(30);
  return options;
}

// ---- peers --------------------------------------------------------------------------------------

void ReadsNothing(Initiator& peer) {
  peer.StopReading();
  for (uint32_t i = 0; i < 64; ++i) peer.Send(Read10(peer, 0, 8192));
}

void PingsAndReadsNothing(Initiator& peer) {
  peer.StopReading();
  for (int i = 0; i < 600; ++i) {
    peer.Send(NopOut{.immediate = true, .initiator_task_tag = peer.NextTag()}, Pattern(1024));
  }
}

ByteVector WriteWithAhs(Initiator& peer) {
  const ScsiCommand write = Write10(peer, 0, 16);
  return peer.Encode(
      {.bhs = peer.Number(write).Encode(), .ahs = {0, 5, 1, 0, 1, 2, 3, 4}, .data = Pattern(8192)});
}
void StopsAt(Initiator& peer, size_t bytes) {
  peer.SendBytes(base::Bytes(WriteWithAhs(peer)).first(bytes));
}
void StopsInBhs(Initiator& peer) { StopsAt(peer, 20); }
void StopsInAhs(Initiator& peer) { StopsAt(peer, 48 + 3); }
void StopsInData(Initiator& peer) { StopsAt(peer, 48 + 8 + 5000); }

void WritesWithoutData(Initiator& peer) {
  for (uint32_t i = 0; i < 100; ++i) peer.Send(Write10(peer, 0, 2048));
}

void UrgentWritesWithoutData(Initiator& peer) {
  using Attribute = decltype(ScsiCommand::attr);
  for (const int attribute : {2, 3, 2, 3, 1, 2}) {
    ScsiCommand write = Write10(peer, 0, 2048);
    write.attr = static_cast<Attribute>(attribute);
    peer.Send(write);
  }
}

void AnnouncesDataThatNeverComes(Initiator& peer) {
  for (uint32_t i = 0; i < 100; ++i) {
    ScsiCommand write = Write10(peer, 0, 2048);
    write.final = false;
    peer.Send(write);
  }
}

// All of the window but its first number.
void LeavesAHole(Initiator& peer) {
  ++peer.cmd_sn;
  for (int i = 0; i < 100; ++i) peer.Send(Write10(peer, 0, 16), Pattern(8192));
}

void TextWithoutEnd(Initiator& peer) {
  TextRequest text;
  text.immediate = true;
  text.text_continue = true;
  text.initiator_task_tag = peer.NextTag();
  text.target_transfer_tag = kNoTag;
  for (int i = 0; i < 7; ++i) {
    peer.Send(text, ByteVector(8000, 'x'));
    const auto answer = peer.Next();
    ASSERT_TRUE(answer.has_value());
    text.target_transfer_tag = BhsView(answer->bhs).target_transfer_tag();
  }
}

void AnswersNoPing(Initiator&) {}

void TaskManagementWithoutEnd(Initiator& peer) {
  WritesWithoutData(peer);
  for (int i = 0; i < 20; ++i) {
    TaskManagementRequest reset = Tmf(peer, TaskManagementFunction::kAbortTaskSet);
    reset.immediate = false;
    peer.Send(reset);
  }
}

ByteVector LoginBytes(Initiator& peer) {
  const std::string keys = peer.LoginKeys().Encode();
  return peer.Encode(
      {.bhs = peer.MakeLogin().Encode(), .ahs = {}, .data = {keys.begin(), keys.end()}});
}

void LoginOneByteAtATime(Initiator& peer) {
  const ByteVector bytes = LoginBytes(peer);
  for (size_t i = 0; i < 60; ++i) peer.SendBytes(base::Bytes(bytes).subspan(i, 1));
}

void LoginWithoutEnd(Initiator& peer) {
  LoginRequest request = peer.MakeLogin();
  request.transit = false;
  request.text_continue = true;
  for (int i = 0; i < 7; ++i) {
    ASSERT_TRUE(peer.LoginWith(request, {{{"X-org.example.a", std::string(8000, 'x')}}}));
  }
}

void SaysNothing(Initiator&) {}

const Hostile kHostile[] = {
    {"reads_nothing", ReadsNothing, true, {}, 4 << 20},  // one read gets what it needs
    {"pings_and_reads_nothing", PingsAndReadsNothing, true, {}, 3 << 20},
    {"stops_in_bhs", StopsInBhs},
    {"stops_in_ahs", StopsInAhs},
    {"stops_in_data", StopsInData},
    {"writes_without_data", WritesWithoutData},
    {"urgent_writes_without_data", UrgentWritesWithoutData},
    {"announces_data_that_never_comes",
     AnnouncesDataThatNeverComes,
     true,
     {{"InitialR2T", "No"}, {"FirstBurstLength", "65536"}}},
    {"leaves_a_hole", LeavesAHole, true, {}, 4 << 20},
    {"text_without_end", TextWithoutEnd},
    {"answers_no_ping", AnswersNoPing},
    {"task_management_without_end", TaskManagementWithoutEnd},
    {"login_one_byte_at_a_time", LoginOneByteAtATime, false},
    {"login_without_end", LoginWithoutEnd, false},
    {"says_nothing", SaysNothing, false},
};

// ---- the others ---------------------------------------------------------------------------------

struct Cost {
  absl::Duration time;
  uint64_t events;
};

// Writes and reads back, and at the end a reset that nobody may hold up.
Cost WorkOf(Rig& rig, Initiator& good) {
  const absl::Time begin = rig.world().now();
  const uint64_t events = rig.world().events_run();
  for (uint32_t i = 0; i < 20; ++i) {
    const ByteVector data = Pattern(256 << 10, static_cast<uint8_t>(i + 1));
    EXPECT_EQ(good.Run(Write10(good, i * 512, 512), data).status, 0);
    const auto read = good.Run(Read10(good, i * 512, 512));
    EXPECT_EQ(read.status, 0);
    EXPECT_EQ(read.data, data);
  }
  const Cost cost{rig.world().now() - begin, rig.world().events_run() - events};
  good.Send(Tmf(good, TaskManagementFunction::kLogicalUnitReset));
  EXPECT_EQ(good.ExpectTmf().response, TaskManagementResponseCode::kFunctionComplete);
  return cost;
}

Cost WorkAlone() {
  Rig rig(Options());
  Initiator good(&rig, "iqn.2026-11.org.pushpull:good");
  good.Login();
  good.ClearUnitAttentions();
  return WorkOf(rig, good);
}

class SlowPeersTest : public ::testing::TestWithParam<Hostile> {};

TEST_P(SlowPeersTest, TakeNothingFromOthers) {
  const Hostile& hostile = GetParam();
  const Cost alone = WorkAlone();
  Rig rig(Options());
  Initiator good(&rig, "iqn.2026-11.org.pushpull:good");
  good.Login();
  good.ClearUnitAttentions();

  const int64_t before = base::LiveBytes();
  std::vector<std::unique_ptr<Initiator>> peers;
  for (size_t i = 0; i < kPeers; ++i) {
    peers.push_back(std::make_unique<Initiator>(&rig));
    peers.back()->isid[5] = static_cast<uint8_t>(i + 1);
    if (hostile.logs_in) {
      peers.back()->Login({hostile.keys});
      peers.back()->ClearUnitAttentions();
    }
    hostile.begin(*peers.back());
  }
  rig.Elapse(absl::Seconds(1));
  EXPECT_LE(rig.Get(Count::kBufferBytes),
            static_cast<int64_t>(kPeers * (kSessionBuffer + (4 << 20))));
  const int64_t each = (base::LiveBytes() - before) / static_cast<int64_t>(kPeers);
  EXPECT_LE(each, hostile.bytes + kNetworkBytes + static_cast<int64_t>(kSessionBuffer));
  RecordProperty("bytes_each", static_cast<int>(each));

  const Cost with = WorkOf(rig, good);
  EXPECT_EQ(with.time, alone.time);
  EXPECT_LE(with.events, alone.events + alone.events / 20) << "of " << alone.events;

  // A new one gets in as well, and the peers' end leaves nothing.
  Initiator late(&rig, "iqn.2026-11.org.pushpull:late");
  late.Login();
  EXPECT_TRUE(late.Alive());
  for (const auto& peer : peers) peer->Reset();
  good.Disconnect();
  late.Disconnect();
  EXPECT_TRUE(rig.RunUntilUnused());
  EXPECT_EQ(rig.Get(Count::kBufferBytes), 0);
}

INSTANTIATE_TEST_SUITE_P(Peers, SlowPeersTest, ::testing::ValuesIn(kHostile),
                         [](const auto& info) { return std::string(info.param.name); });

// All places of those that aren't logged in are taken by peers that began to say something.
TEST(SlowLoginsTest, TheOldestMakesRoom) {
  RigOptions options;
  options.node.max_logins = 4;
  Rig rig(options);
  std::vector<std::unique_ptr<Initiator>> peers;
  for (int i = 0; i < 4; ++i) {
    peers.push_back(std::make_unique<Initiator>(&rig));
    peers.back()->SendBytes(base::Bytes(LoginBytes(*peers.back())).first(1));
  }
  rig.Elapse(absl::Milliseconds(1));
  // Who has just come may be about to log in.
  Initiator early(&rig);
  EXPECT_TRUE(early.WaitForClose(absl::Milliseconds(10)));
  rig.Elapse(absl::Seconds(2));
  Initiator good(&rig, "iqn.2026-11.org.pushpull:good");
  good.Login();
  EXPECT_TRUE(good.Alive());
  EXPECT_TRUE(peers.front()->closed());
  EXPECT_FALSE(peers.back()->closed());
  EXPECT_EQ(rig.Get(Count::kConnectionsRefused), 1);
}

// Whoever doesn't answer a ping is gone.
TEST(SlowLoginsTest, WhoAnswersNoPingIsGone) {
  Rig rig(Options());
  Initiator silent(&rig);
  silent.Login();
  rig.Elapse(absl::Seconds(59));
  EXPECT_EQ(rig.Get(Count::kConnections), 1);
  rig.Elapse(absl::Seconds(32));
  EXPECT_EQ(rig.Get(Count::kConnections), 0);
}

}  // namespace
}  // namespace pushpull::target::testing
