// Each defect that breaks memory is seen by AddressSanitizer when an input of its own comes, and
// the target without it stands the same input. The defective one runs in a child process.
//
// (That of iSER: target/iser/memory_defect_test.cc.)

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/poison.h"
#include "gtest/gtest.h"
#include "target/login/chap.h"
#include "target/login/chap_policy.h"
#include "target/session/testing/defects.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

using Input = void (*)(std::optional<Bug>);

struct MemoryRow {
  Bug bug;
  Input input;
};

// A target that isn't logged in to yet.
struct Gate {
  explicit Gate(std::optional<Bug> bug, std::shared_ptr<AuthPolicy> auth = nullptr) {
    RigOptions options;
    if (bug.has_value()) options.bugs.push_back(*bug);
    options.node.auth = std::move(auth);
    rig = std::make_unique<Rig>(options);
    a = std::make_unique<Initiator>(rig.get());
  }
  std::unique_ptr<Rig> rig;
  std::unique_ptr<Initiator> a;
};

ScsiCommand Command(Ground& g, std::initializer_list<uint8_t> cdb, uint32_t read_bytes,
                    uint32_t write_bytes) {
  ScsiCommand command = TestUnitReady(*g.a);
  command.cdb = {};
  std::ranges::copy(cdb, command.cdb.begin());
  command.read = read_bytes > 0;
  command.write = write_bytes > 0;
  command.expected_data_transfer_length = std::max(read_bytes, write_bytes);
  return command;
}

TaskManagementRequest AbortOf(Ground& g, const ScsiCommand& command, uint32_t ref_cmd_sn) {
  TaskManagementRequest abort = Tmf(*g.a, Function::kAbortTask);
  abort.lun = command.lun;
  abort.referenced_task_tag = command.initiator_task_tag;
  abort.ref_cmd_sn = ref_cmd_sn;
  return abort;
}

// ---- lengths ------------------------------------------------------------------------------------

// One AHS of 8 bytes that claims to have 1 KiB.
void LongAhs(std::optional<Bug> bug) {
  Ground g(bug);
  g.a->SendPdu({.bhs = g.a->Number(TestUnitReady(*g.a)).Encode(),
                .ahs = {0x04, 0x00, 1, 0, 0, 0, 0, 0},
                .data = {}});
  EXPECT_TRUE(g.a->WaitForClose());  // RFC 7143 §7.7: a format error
}

// Two parts of 6000 bytes each.
void LongLoginText(std::optional<Bug> bug) {
  Gate g(bug);
  Keys keys = g.a->LoginKeys();
  keys.pairs.push_back({"X-org.example.long", std::string(6000 - keys.Encode().size(), 'x')});
  LoginRequest request = g.a->MakeLogin();
  request.transit = false;
  request.text_continue = true;
  ASSERT_TRUE(g.a->LoginWith(request, keys).has_value());
  request = g.a->MakeLogin();
  const auto done = g.a->LoginWith(request, {{{"X-org.example.more", std::string(6000, 'y')}}});
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->status_class, 0);
}

// RFC 7143 §6.1: 63 bytes.
void LongestKeyName(std::optional<Bug> bug) {
  Gate g(bug);
  const std::string name = "X-" + std::string(61, 'n');
  EXPECT_NE(g.a->Login({{{name, "1"}}}).find(name + "=NotUnderstood"), std::string::npos);
}

void LongChapResponse(std::optional<Bug> bug) {
  BugSet bugs;
  if (bug.has_value()) bugs.Add(*bug);
  ChapOptions options;
  options.accounts = {{"alice", ChapSecret("alice's secret 16"), {}}};
  Gate g(bug, std::make_shared<ChapPolicy>(options, SeededEntropy(1), bugs));
  LoginRequest request = g.a->MakeLogin();
  request.transit = false;
  request.current_stage = Stage::kSecurityNegotiation;
  Keys keys = g.a->LoginKeys();
  std::erase_if(keys.pairs, [](const auto& pair) {
    return pair.first != "InitiatorName" && pair.first != "TargetName" &&
           pair.first != "SessionType";
  });
  keys.pairs.push_back({"AuthMethod", "CHAP"});
  ASSERT_TRUE(g.a->LoginWith(request, keys).has_value());
  ASSERT_TRUE(g.a->LoginWith(request, {{{"CHAP_A", "7"}}}).has_value());
  const auto done = g.a->LoginWith(
      request, {{{"CHAP_N", "alice"}, {"CHAP_R", "0x" + std::string(2 * 1024, '5')}}});
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->status_class << 8 | done->status_detail, 0x0201);
}

void MuchSense(std::optional<Bug> bug) {
  Ground g(bug);
  const auto outcome = g.a->Run(Command(g, {0x03, 0, 0, 0, 252, 0}, 252, 0));
  EXPECT_EQ(outcome.status, 0);
  EXPECT_LE(outcome.data.size(), kMaxSenseBytes);
}

// A caching page (20 bytes) of which the list has only the beginning.
void CutModePage(std::optional<Bug> bug) {
  Ground g(bug);
  const ByteVector list = {0, 0, 0, 0, 0x08, 0x12};
  const auto outcome = g.a->Run(Command(g, {0x15, 0x10, 0, 0, static_cast<uint8_t>(list.size()), 0},
                                        0, static_cast<uint32_t>(list.size())),
                                list);
  EXPECT_EQ(outcome.SenseCode(), "5/1a/00");
}

void PingOfFiveBytes(std::optional<Bug> bug) {
  Ground g(bug);
  g.a->Send(g.Ping(), Pattern(5));
  ByteVector echo;
  g.a->ExpectNopIn(&echo);
  EXPECT_EQ(echo, Pattern(5));
}

// ---- places -------------------------------------------------------------------------------------

// The number behind the last unit's.
void NextLun(std::optional<Bug> bug) {
  Ground g(bug);
  EXPECT_EQ(g.a->Run(TestUnitReady(*g.a, Lun(301))).SenseCode(), "5/25/00");
}

void DataOutBehindTheBuffer(std::optional<Bug> bug) {
  Ground g(bug);
  DataOut out = g.Answer(g.StartWrite(1));
  out.buffer_offset = 8192;
  g.a->Send(out, Pattern(512));
  EXPECT_EQ(g.a->ExpectReject().reason, RejectReason::kInvalidPduField);
}

// The tag behind those of four R2Ts.
void NextTransferTag(std::optional<Bug> bug) {
  Ground g(bug, 128,
           {{"MaxOutstandingR2T", "4"}, {"MaxBurstLength", "512"}, {"FirstBurstLength", "512"}});
  DataOut out = g.Answer(g.StartWrite(4));
  for (int i = 1; i < 4; ++i) g.a->ExpectR2t();
  out.target_transfer_tag += 4;
  g.a->Send(out, Pattern(512));
  g.a->ExpectReject();
}

// ---- what was given back ------------------------------------------------------------------------

// Of two, for the request takes the place of one.
void AbortOfWhatHasEnded(std::optional<Bug> bug) {
  Ground g(bug);
  const ScsiCommand first = g.a->Number(TestUnitReady(*g.a));
  const ScsiCommand second = TestUnitReady(*g.a);
  g.a->Send(second);
  g.a->SendAsIs(first);
  for (int i = 0; i < 2; ++i) g.a->ExpectScsiResponse();
  for (const ScsiCommand& done : {first, second}) {
    EXPECT_EQ(g.TmfResult(AbortOf(g, done, g.a->cmd_sn - 1)), Code::kTaskDoesNotExist);
  }
}

// A command behind a hole is aborted, then the hole is filled.
void AbortBeforeItsTurn(std::optional<Bug> bug) {
  Ground g(bug);
  const ScsiCommand missing = g.a->Number(TestUnitReady(*g.a));
  const ScsiCommand early = TestUnitReady(*g.a);
  g.a->Send(early);
  EXPECT_EQ(g.TmfResult(AbortOf(g, early, g.a->cmd_sn - 1)), Code::kFunctionComplete);
  g.a->SendAsIs(missing);
  EXPECT_EQ(g.a->ExpectScsiResponse().initiator_task_tag, missing.initiator_task_tag);
}

// While nobody reads 8 MiB.
void LogoutWithinARead(std::optional<Bug> bug) {
  Ground g(bug);
  g.a->StopReading();
  g.a->Send(Read10(*g.a, 0, 16384));
  g.rig->Elapse(absl::Milliseconds(100));
  g.a->Send(LogoutRequest{.immediate = true, .initiator_task_tag = g.a->NextTag()});
  g.rig->Elapse(absl::Milliseconds(100));
  g.a->ReadOn();
  EXPECT_TRUE(g.a->WaitForClose());
}

void DisconnectWithinAWrite(std::optional<Bug> bug) {
  Ground g(bug);
  g.StartWrite();
  g.a->Disconnect();
  EXPECT_TRUE(g.rig->RunUntilUnused());
}

void TextRequestOfOnePart(std::optional<Bug> bug) {
  Ground g(bug);
  TextRequest request;
  request.immediate = true;
  request.final = true;
  request.initiator_task_tag = g.a->NextTag();
  request.target_transfer_tag = kNoTag;
  const std::string text = std::string("X-org.example.key=1") + '\0';
  g.a->Send(request, {text.begin(), text.end()});
  g.a->Expect<TextResponse>(Opcode::kTextResponse);
}

const MemoryRow kRows[] = {
    {Bug::kAhsLengthTrusted, LongAhs},
    {Bug::kLoginTextOverruns, LongLoginText},
    {Bug::kKeyNameOneOver, LongestKeyName},
    {Bug::kChapResponseOverruns, LongChapResponse},
    {Bug::kSenseLengthTrusted, MuchSense},
    {Bug::kModePageLengthTrusted, CutModePage},
    {Bug::kPadFromMemory, PingOfFiveBytes},
    {Bug::kLunIndexUnchecked, NextLun},
    {Bug::kDataOutBeyondBuffer, DataOutBehindTheBuffer},
    {Bug::kTransferTagIsIndex, NextTransferTag},
    {Bug::kTaskTagKept, AbortOfWhatHasEnded},
    {Bug::kAbortedTaskUsed, AbortBeforeItsTurn},
    {Bug::kAbortedEarlyKept, AbortBeforeItsTurn},
    {Bug::kReadSentAfterLogout, LogoutWithinARead},
    {Bug::kSlotFreedTwice, DisconnectWithinAWrite},
    {Bug::kPingDataFreed, PingOfFiveBytes},
    {Bug::kTextSequenceUsed, TextRequestOfOnePart},
};

class MemoryDefectsTest : public ::testing::TestWithParam<MemoryRow> {};

TEST_P(MemoryDefectsTest, IsSeenAndTheHealthyTargetStandsTheSameInput) {
  GetParam().input(std::nullopt);
  if (kBugsEnabled && base::kSeesMemoryErrors) {
    EXPECT_DEATH(GetParam().input(GetParam().bug), "ERROR: AddressSanitizer");
  }
}

INSTANTIATE_TEST_SUITE_P(Defects, MemoryDefectsTest, ::testing::ValuesIn(kRows),
                         [](const auto& info) { return std::string(BugName(info.param.bug)); });

TEST(MemoryDefectsListTest, EachHasAnInput) {
  for (const BugInfo& info : AllBugs()) {
    if (!info.memory_breaking || info.by_delivery() || info.bug == Bug::kShortSendRead) continue;
    EXPECT_EQ(std::ranges::count(kRows, info.bug, &MemoryRow::bug), 1) << info.name;
  }
}

}  // namespace
}  // namespace pushpull::target::testing
