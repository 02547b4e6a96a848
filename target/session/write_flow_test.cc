#include "target/session/write_flow.h"

#include <algorithm>
#include <set>
#include <vector>

#include "base/random.h"
#include "gtest/gtest.h"
#include "target/session/coverage.h"
#include "target/variation/data_variation.h"

namespace pushpull::target {
namespace {

constexpr uint64_t kLun = 1;

// One flow with its parameters, driven in the words of the RFC.
class Flow {
 public:
  explicit Flow(const SessionParameters& parameters, Bug bug = Bug::kCount)
      : parameters_(parameters) {
    if (bug != Bug::kCount) bugs_.Add(bug);
  }

  uint32_t Command(uint32_t expected, uint32_t immediate, bool final, bool write = true) {
    ScsiCommand command;
    command.write = write;
    command.final = final;
    command.expected_data_transfer_length = expected;
    command.data_segment_length = immediate;
    return flow_.Begin(parameters_, bugs_, command);
  }

  // Both steps of a Data-Out.
  WriteFlow::Acceptance Data(uint32_t tag, uint32_t data_sn, uint32_t offset, uint32_t length,
                             bool final, bool intact = true, uint64_t lun = kLun) {
    DataOut header;
    header.target_transfer_tag = tag;
    header.data_sn = data_sn;
    header.buffer_offset = offset;
    header.data_segment_length = length;
    header.final = final;
    header.lun = lun;
    const auto acceptance = flow_.Accept(header, kLun);
    flow_.Complete(header, intact);
    return acceptance;
  }

  WriteFlow& operator*() { return flow_; }
  WriteFlow* operator->() { return &flow_; }

 private:
  SessionParameters parameters_;
  BugSet bugs_;
  WriteFlow flow_;
};

SessionParameters Parameters(bool initial_r2t, bool immediate_data) {
  SessionParameters parameters;
  parameters.initial_r2t = initial_r2t;
  parameters.immediate_data = immediate_data;
  parameters.first_burst_length = 1024;
  parameters.max_burst_length = 2048;
  parameters.max_outstanding_r2t = 2;
  return parameters;
}

TEST(WriteFlowTest, UnsolicitedDataByMode) {
  struct Case {
    bool initial_r2t, immediate_data;
    uint32_t expected, immediate;
    bool final;
    WriteFault fault;
  };
  constexpr auto kNone = WriteFault::kNone;
  constexpr auto kUnexpected = WriteFault::kUnexpectedUnsolicitedData;
  constexpr auto kAmount = WriteFault::kIncorrectAmountOfData;
  const Case cases[] = {
      {false, true, 4096, 0, true, kNone},         {false, true, 4096, 1, true, kNone},
      {false, true, 4096, 1024, true, kNone},      {false, true, 4096, 1025, true, kUnexpected},
      {false, true, 4096, 1024, false, kNone},     {false, true, 512, 512, true, kNone},
      {false, true, 512, 513, true, kAmount},      {false, false, 4096, 0, false, kNone},
      {false, false, 4096, 1, true, kUnexpected},  {true, true, 4096, 1024, true, kNone},
      {true, true, 4096, 512, false, kUnexpected}, {true, false, 4096, 0, true, kNone},
      {true, false, 4096, 1, true, kUnexpected},   {true, false, 4096, 0, false, kUnexpected},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(::testing::Message() << c.initial_r2t << c.immediate_data << " " << c.expected
                                      << " " << c.immediate << " " << c.final);
    Flow flow(Parameters(c.initial_r2t, c.immediate_data));
    const uint32_t kept = flow.Command(c.expected, c.immediate, c.final);
    EXPECT_EQ(flow->fault(), c.fault);
    EXPECT_EQ(kept, c.fault == kNone ? c.immediate : 0);
    EXPECT_EQ(flow->unsolicited_open(), !c.final);
  }
}

TEST(WriteFlowTest, AReadTakesNoData) {
  Flow flow(Parameters(false, true));
  EXPECT_EQ(flow.Command(512, 512, true, /*write=*/false), 0u);
  EXPECT_EQ(flow->fault(), WriteFault::kUnexpectedUnsolicitedData);
}

TEST(WriteFlowTest, AsksForWhatDidNotComeUnsolicited) {
  Flow flow(Parameters(false, true));
  EXPECT_EQ(flow.Command(7000, 500, false), 500u);
  EXPECT_FALSE(flow->NextRequest(1).has_value());
  const auto first = flow.Data(kNoTag, 0, 500, 500, false);
  EXPECT_EQ(first.offset, 500u);
  EXPECT_EQ(first.length, 500u);
  flow->Solicit(7000);
  EXPECT_FALSE(flow->NextRequest(1).has_value()) << "F of the unsolicited data is due";
  flow.Data(kNoTag, 1, 1000, 24, true);
  EXPECT_EQ(flow->fault(), WriteFault::kNone);

  auto r2t = flow->NextRequest(1);
  ASSERT_TRUE(r2t.has_value());
  EXPECT_EQ(r2t->offset, 1024u);
  EXPECT_EQ(r2t->length, 2048u);
  EXPECT_EQ(r2t->r2t_sn, 0u);
  r2t = flow->NextRequest(2);
  ASSERT_TRUE(r2t.has_value());
  EXPECT_EQ(r2t->offset, 3072u);
  EXPECT_EQ(r2t->r2t_sn, 1u);
  EXPECT_FALSE(flow->NextRequest(3).has_value()) << "MaxOutstandingR2T";
  flow.Data(1, 0, 1024, 2048, true);
  EXPECT_EQ(flow->next_request_bytes(), 7000u - 5120u);
  r2t = flow->NextRequest(3);
  ASSERT_TRUE(r2t.has_value());
  EXPECT_EQ(r2t->length, 7000u - 5120u);
  EXPECT_FALSE(flow->gathered());
  flow.Data(2, 0, 3072, 2048, true);
  flow.Data(3, 0, 5120, 1000, false);
  EXPECT_FALSE(flow->gathered());
  flow.Data(3, 1, 6120, 880, true);
  EXPECT_TRUE(flow->gathered());
  EXPECT_EQ(flow->fault(), WriteFault::kNone);
}

TEST(WriteFlowTest, AsksForNoMoreThanTheCommandMoves) {
  Flow flow(Parameters(true, false));
  flow.Command(100000, 0, true);
  flow->Solicit(512);
  EXPECT_EQ(flow->NextRequest(1)->length, 512u);
  EXPECT_FALSE(flow->NextRequest(2).has_value());
  flow.Data(1, 0, 0, 512, true);
  EXPECT_TRUE(flow->gathered());

  Flow small(Parameters(true, false));
  small.Command(512, 0, true);
  small->Solicit(100000);
  EXPECT_EQ(small->NextRequest(1)->length, 512u);

  Flow none(Parameters(true, false));
  none.Command(512, 0, true);
  EXPECT_FALSE(none->gathered()) << "what it moves isn't known yet";
  none->Solicit(0);
  EXPECT_TRUE(none->gathered());
}

// RFC 7143 §11.4.7.2: with EDTL above FirstBurstLength the unsolicited data is FirstBurstLength.
TEST(WriteFlowTest, AmountOfUnsolicitedData) {
  Flow less(Parameters(false, true));
  less.Command(4096, 0, false);
  less.Data(kNoTag, 0, 0, 1000, true);
  EXPECT_EQ(less->fault(), WriteFault::kIncorrectAmountOfData);
  less->Solicit(4096);
  EXPECT_TRUE(less->gathered());
  EXPECT_FALSE(less->NextRequest(1).has_value());

  Flow more(Parameters(false, true));
  more.Command(4096, 1024, false);
  const auto refused = more.Data(kNoTag, 0, 1024, 1, true);
  EXPECT_TRUE(refused.discard);
  EXPECT_EQ(more->fault(), WriteFault::kIncorrectAmountOfData);

  // Not covered by the condition: the rest is asked for.
  Flow short_one(Parameters(false, true));
  short_one.Command(800, 0, false);
  short_one.Data(kNoTag, 0, 0, 500, true);
  short_one->Solicit(800);
  EXPECT_EQ(short_one->fault(), WriteFault::kNone);
  EXPECT_EQ(short_one->NextRequest(1)->offset, 500u);
}

TEST(WriteFlowTest, ErrorsWaitForTheLastF) {
  Flow flow(Parameters(true, true));
  flow.Command(8192, 0, true);
  flow->Solicit(8192);
  flow->NextRequest(1);
  flow->NextRequest(2);
  flow.Data(1, 0, 0, 2048, true, /*intact=*/false);
  EXPECT_EQ(flow->fault(), WriteFault::kCrcError);
  EXPECT_FALSE(flow->gathered());
  EXPECT_FALSE(flow->NextRequest(3).has_value());
  EXPECT_TRUE(flow.Data(2, 0, 2048, 1024, false).discard);
  EXPECT_FALSE(flow->gathered());
  flow.Data(2, 1, 3072, 1024, true);
  EXPECT_TRUE(flow->gathered());
  EXPECT_EQ(flow->fault(), WriteFault::kCrcError) << "the first fault counts";
}

TEST(WriteFlowTest, RefusesWhatDoesNotFit) {
  struct Case {
    const char* what;
    uint32_t tag, data_sn, offset, length;
    uint64_t lun;
    Reason reason;
    Action action;
    WriteFault fault;
  };
  const Case cases[] = {
      {"unknown tag", 9, 0, 0, 512, kLun, Reason::kUnknownTransferTag, Action::kReject,
       WriteFault::kNone},
      {"unsolicited", kNoTag, 0, 0, 512, kLun, Reason::kUnexpectedUnsolicitedData, Action::kReject,
       WriteFault::kUnexpectedUnsolicitedData},
      {"other LUN", 1, 0, 0, 512, 2, Reason::kInvalidLun, Action::kReject,
       WriteFault::kIncorrectAmountOfData},
      {"DataSN gap", 1, 1, 0, 512, kLun, Reason::kDataSequence, Action::kCheckCondition,
       WriteFault::kCrcError},
      {"offset ahead", 1, 0, 512, 512, kLun, Reason::kBufferOffset, Action::kReject,
       WriteFault::kIncorrectAmountOfData},
      {"too long", 1, 0, 0, 2049, kLun, Reason::kBufferOffset, Action::kReject,
       WriteFault::kIncorrectAmountOfData},
      {"wraps", 1, 0, 0xfffffff0, 512, kLun, Reason::kBufferOffset, Action::kReject,
       WriteFault::kIncorrectAmountOfData},
  };
  for (const bool in_order : {true, false}) {
    for (const Case& c : cases) {
      SCOPED_TRACE(c.what);
      if (!in_order && std::string_view(c.what) == "offset ahead") continue;
      SessionParameters parameters = Parameters(true, true);
      parameters.data_pdu_in_order = in_order;
      Flow flow(parameters);
      flow.Command(4096, 0, true);
      flow->Solicit(4096);
      flow->NextRequest(1);
      const auto got = flow.Data(c.tag, c.data_sn, c.offset, c.length, false, true, c.lun);
      EXPECT_TRUE(got.discard);
      ASSERT_TRUE(got.error.has_value());
      EXPECT_EQ(got.error->reason, c.reason);
      EXPECT_EQ(got.error->action, c.action);
      EXPECT_EQ(flow->fault(), c.fault);
    }
  }
}

TEST(WriteFlowTest, PdusInAnyOrder) {
  SessionParameters parameters = Parameters(true, true);
  parameters.data_pdu_in_order = false;
  Flow flow(parameters);
  flow.Command(2048, 0, true);
  flow->Solicit(2048);
  flow->NextRequest(1);
  EXPECT_EQ(flow.Data(1, 0, 1024, 512, false).offset, 1024u);
  EXPECT_EQ(flow.Data(1, 1, 0, 512, false).offset, 0u);
  EXPECT_EQ(flow.Data(1, 2, 1536, 512, false).offset, 1536u);
  EXPECT_EQ(flow.Data(1, 3, 512, 512, true).offset, 512u);
  EXPECT_TRUE(flow->gathered());
  EXPECT_EQ(flow->fault(), WriteFault::kNone);

  Flow overlay(parameters);
  overlay.Command(2048, 0, true);
  overlay->Solicit(2048);
  overlay->NextRequest(1);
  overlay.Data(1, 0, 1024, 512, false);
  EXPECT_TRUE(overlay.Data(1, 1, 1000, 100, true).discard);
  EXPECT_EQ(overlay->fault(), WriteFault::kIncorrectAmountOfData);

  Flow hole(Parameters(false, true));
  SessionParameters any = Parameters(false, true);
  any.data_pdu_in_order = false;
  Flow holes(any);
  holes.Command(1000, 0, false);
  holes.Data(kNoTag, 0, 500, 500, true);
  EXPECT_EQ(holes->fault(), WriteFault::kIncorrectAmountOfData);
}

TEST(WriteFlowTest, ImmediateDataIsThereInAnyOrder) {
  SessionParameters parameters = Parameters(false, true);
  parameters.data_pdu_in_order = false;
  Flow flow(parameters);
  EXPECT_EQ(flow.Command(1000, 400, false), 400u);
  EXPECT_TRUE(flow.Data(kNoTag, 0, 300, 200, false).discard) << "a part came with the command";
}

TEST(WriteFlowTest, PdusInAnyOrderStayWithinTheirSequence) {
  SessionParameters parameters = Parameters(true, true);
  parameters.data_pdu_in_order = false;
  Flow flow(parameters);
  flow.Command(4096, 0, true);
  flow->Solicit(4096);
  flow->NextRequest(1);
  ASSERT_EQ(flow->NextRequest(2)->offset, 2048u);
  EXPECT_FALSE(flow.Data(2, 0, 9999, 0, false).discard) << "an empty one moves nothing";
  EXPECT_TRUE(flow.Data(2, 1, 1024, 512, false).discard) << "of the other sequence";
}

// RFC 7143 §11.7.4: it is reserved there.
TEST(WriteFlowTest, TheLunOfUnsolicitedDataIsNotLookedAt) {
  Flow flow(Parameters(false, true));
  flow.Command(4096, 0, false);
  EXPECT_FALSE(flow.Data(kNoTag, 0, 0, 512, false, /*intact=*/true, /*lun=*/99).discard);
}

// RFC 7143 §4.2.5.2: more than there is can't be asked for.
TEST(WriteFlowTest, AllThatThereIsMayComeInParts) {
  Flow flow(Parameters(false, true));
  flow.Command(1024, 0, false);  // FirstBurstLength
  flow.Data(kNoTag, 0, 0, 512, true);
  EXPECT_EQ(flow->fault(), WriteFault::kNone);
  flow->Solicit(1024);
  const auto r2t = flow->NextRequest(1);
  ASSERT_TRUE(r2t.has_value());
  EXPECT_EQ(r2t->offset, 512u);
  EXPECT_EQ(r2t->length, 512u);
}

// Whatever is chosen, all of it is asked for once.
TEST(WriteFlowTest, VariedRequestsCoverTheDataOnce) {
  constexpr uint32_t kBytes = 8000;
  SessionParameters parameters = Parameters(true, false);
  parameters.data_sequence_in_order = false;
  bool one_at_a_time = false, two_at_a_time = false, from_behind = false, uneven = false;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    DataVariation variation{base::Random(seed)};
    Flow flow(parameters);
    flow.Command(kBytes, 0, true);
    flow->Vary(&variation);
    flow->Solicit(kBytes);
    Coverage asked;
    std::vector<WriteFlow::Request> open;
    size_t most = 0;
    uint32_t last = 0;
    std::set<uint32_t> lengths;
    for (uint32_t tag = 1; !flow->gathered(); ++tag) {
      ASSERT_LT(tag, 1000u);
      if (const auto request = flow->NextRequest(tag)) {
        EXPECT_LE(request->length, parameters.max_burst_length);
        EXPECT_TRUE(asked.Add(request->offset, request->offset + request->length));
        from_behind |= request->offset < last;
        last = request->offset;
        lengths.insert(request->length);
        open.push_back(*request);
        most = std::max(most, open.size());
        continue;
      }
      ASSERT_FALSE(open.empty());
      const WriteFlow::Request first = open.front();
      open.erase(open.begin());
      flow.Data(first.target_transfer_tag, 0, first.offset, first.length, true);
    }
    EXPECT_EQ(flow->fault(), WriteFault::kNone);
    EXPECT_TRUE(asked.contiguous());
    EXPECT_FALSE(asked.Add(kBytes - 1, kBytes));
    (most == 1 ? one_at_a_time : two_at_a_time) = true;
    uneven |= lengths.size() > 2;
  }
  EXPECT_TRUE(one_at_a_time);
  EXPECT_TRUE(two_at_a_time);
  EXPECT_TRUE(from_behind);
  EXPECT_TRUE(uneven);
}

TEST(WriteFlowTest, EmptyDataOutsMoveNothing) {
  Flow flow(Parameters(true, true));
  flow.Command(1024, 0, true);
  flow->Solicit(1024);
  flow->NextRequest(1);
  EXPECT_FALSE(flow.Data(1, 0, 0, 0, false).discard);
  EXPECT_FALSE(flow.Data(1, 1, 0, 1024, false).discard);
  EXPECT_FALSE(flow->gathered()) << "F is missing";
  EXPECT_FALSE(flow.Data(1, 2, 77, 0, false).discard) << "it can't be in the wrong place";
  EXPECT_FALSE(flow.Data(1, 3, 1024, 0, true).discard);
  EXPECT_TRUE(flow->gathered());
  EXPECT_EQ(flow->fault(), WriteFault::kNone);
}

TEST(WriteFlowTest, StopsSoliciting) {
  Flow flow(Parameters(true, true));
  flow.Command(8192, 0, true);
  flow->Solicit(8192);
  flow->NextRequest(7);
  flow->StopSoliciting();
  EXPECT_FALSE(flow->NextRequest(8).has_value());
  std::vector<uint32_t> open;
  flow->VisitOpen([&](uint32_t tag) { open.push_back(tag); });
  EXPECT_EQ(open, std::vector<uint32_t>{7});
  EXPECT_TRUE(flow->has_open_requests());
  flow.Data(7, 0, 0, 10, true);
  EXPECT_FALSE(flow->has_open_requests());
  EXPECT_TRUE(flow->quiet());
}

TEST(WriteFlowTest, DefectsShow) {
  if (!kBugsEnabled) GTEST_SKIP() << "built without defects";
  {
    Flow flow(Parameters(true, true), Bug::kR2tBeyondMaxBurst);
    flow.Command(8192, 0, true);
    flow->Solicit(8192);
    EXPECT_EQ(flow->NextRequest(1)->length, 8192u);
  }
  {
    Flow flow(Parameters(true, true), Bug::kR2tSnRepeats);
    flow.Command(8192, 0, true);
    flow->Solicit(8192);
    flow->NextRequest(1);
    EXPECT_EQ(flow->NextRequest(2)->r2t_sn, 0u);
  }
  for (const Bug bug : {Bug::kR2tSnLosesCarry, Bug::kR2tOffset16Bits}) {
    Flow flow(Parameters(true, true), bug);
    flow.Command(257 * 2048, 0, true);
    flow->Solicit(257 * 2048);
    WriteFlow::Request last = {};
    for (uint32_t i = 0; i < 257; ++i) {
      last = flow->NextRequest(i).value();
      flow.Data(i, 0, i * 2048, 2048, true);
    }
    EXPECT_EQ(last.r2t_sn, bug == Bug::kR2tSnLosesCarry ? 0u : 256u);
    EXPECT_EQ(last.offset, bug == Bug::kR2tOffset16Bits ? 0u : 256u * 2048);
  }
  {
    Flow flow(Parameters(true, true), Bug::kR2tTooManyOutstanding);
    flow.Command(8192, 0, true);
    flow->Solicit(8192);
    int r2ts = 0;
    while (flow->NextRequest(r2ts).has_value()) ++r2ts;
    EXPECT_EQ(r2ts, 4);
  }
  {
    Flow flow(Parameters(true, true), Bug::kR2tOffsetRepeats);
    flow.Command(2048, 512, true);
    flow->Solicit(2048);
    EXPECT_EQ(flow->NextRequest(1)->offset, 0u);
  }
  {
    Flow flow(Parameters(true, true), Bug::kR2tBeyondEdtl);
    flow.Command(2048, 0, true);
    flow->Solicit(2048);
    EXPECT_EQ(flow->NextRequest(1)->length, 2560u);
  }
  {
    Flow flow(Parameters(true, true), Bug::kDataOutOffsetUnchecked);
    flow.Command(2048, 0, true);
    flow->Solicit(2048);
    flow->NextRequest(1);
    const auto got = flow.Data(1, 0, 512, 512, false);
    EXPECT_FALSE(got.discard);
    EXPECT_EQ(got.offset, 0u);
    EXPECT_TRUE(flow.Data(1, 1, 2000, 512, false).discard) << "never outside of the R2T";
  }
  {
    Flow flow(Parameters(true, true), Bug::kDataOutTagUnchecked);
    flow.Command(2048, 0, true);
    flow->Solicit(2048);
    flow->NextRequest(1);
    EXPECT_FALSE(flow.Data(99, 0, 0, 512, false).discard);
  }
  {
    Flow flow(Parameters(true, true), Bug::kDataOutShortAccepted);
    flow.Command(2048, 0, true);
    flow->Solicit(2048);
    flow->NextRequest(1);
    flow.Data(1, 0, 0, 512, true);
    EXPECT_EQ(flow->fault(), WriteFault::kNone);
  }
  {
    Flow flow(Parameters(true, true), Bug::kImmediateDataBeyondFirstBurst);
    EXPECT_EQ(flow.Command(2048, 1536, true), 1536u);
    EXPECT_EQ(flow->unsolicited_bytes(), 1536u);
  }
  {
    Flow flow(Parameters(true, false), Bug::kUnsolicitedWhenInitialR2t);
    EXPECT_EQ(flow.Command(2048, 512, false), 512u);
    EXPECT_FALSE(flow.Data(kNoTag, 0, 512, 512, true).discard);
    EXPECT_EQ(flow->fault(), WriteFault::kNone);
  }
}

}  // namespace
}  // namespace pushpull::target
