// What the target says of sessions in its log.

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "target/session/testing/rig.h"
#include "target/session/testing/scripted_store.h"

namespace pushpull::target::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class SessionLogTest : public ::testing::Test {
 protected:
  void Start(base::LogLevel level, std::shared_ptr<Store> lun1 = nullptr) {
    RigOptions options;
    options.lun1 = std::move(lun1);
    options.node.log = base::Logger(level, [this](const base::LogLine& line) {
      // Times are the simulation's; the rest is what is looked at.
      lines_.push_back(std::string(base::LogLevelName(line.level)) + " " + std::string(line.event) +
                       " " + line.text);
    });
    rig_ = std::make_unique<Rig>(options);
  }

  std::vector<std::string> lines_;
  std::unique_ptr<Rig> rig_;
};

TEST_F(SessionLogTest, DebugTellsWhatWasNegotiated) {
  Start(base::LogLevel::kDebug);
  Initiator a(rig_.get());
  a.Login({{{"HeaderDigest", "CRC32C"},
            {"DataDigest", "None"},
            {"MaxRecvDataSegmentLength", "4096"},
            {"MaxBurstLength", "16384"},
            {"FirstBurstLength", "8192"},
            {"InitialR2T", "Yes"},
            {"DefaultTime2Wait", "3"},
            {"DefaultTime2Retain", "9"}}});
  for (const char* const part :
       {"authentication=\"None\"", "HeaderDigest=\"CRC32C\"", "DataDigest=\"None\"",
        "initiator_MaxRecvDataSegmentLength=4096", "target_MaxRecvDataSegmentLength=262144",
        "MaxBurstLength=16384", "FirstBurstLength=8192", "InitialR2T=\"Yes\"",
        "ImmediateData=\"Yes\"", "DefaultTime2Wait=3", "DefaultTime2Retain=9"}) {
    EXPECT_THAT(lines_, Contains(AllOf(HasSubstr("debug negotiated "), HasSubstr("tsih="),
                                       HasSubstr(part))));
  }
}

TEST_F(SessionLogTest, DebugTellsPdusAndChecksAndNoData) {
  Start(base::LogLevel::kDebug);
  Initiator a(rig_.get());
  a.Login();
  ScsiCommand wrong = TestUnitReady(a);
  wrong.cdb[0] = 0xc1;
  a.ClearUnitAttentions();
  EXPECT_EQ(a.Run(wrong).SenseCode(), "5/20/00");
  EXPECT_THAT(lines_, Contains(AllOf(HasSubstr("debug check_condition "), HasSubstr("asc=32"),
                                     HasSubstr("operation_code=193"))));
  EXPECT_THAT(lines_, Contains(AllOf(HasSubstr("debug pdu_received "),
                                     HasSubstr("opcode=\"SCSI Command\""))));
  EXPECT_THAT(lines_,
              Contains(AllOf(HasSubstr("debug pdu_sent "), HasSubstr("opcode=\"SCSI Response\""))));
  const size_t before = lines_.size();
  for (int i = 0; i < 1000; ++i) a.Run(TestUnitReady(a));
  EXPECT_LT(lines_.size() - before, 200u) << "a line for each PDU";
}

// SBC-3 §4.19: what the medium says is no debugging.
TEST_F(SessionLogTest, StoreErrorsAreTold) {
  for (const absl::Status& failure :
       {absl::DataLossError("bytes"), absl::UnavailableError("a cable")}) {
    const auto store = std::make_shared<ScriptedStore>();
    lines_.clear();
    Start(base::LogLevel::kError, store);
    Initiator a(rig_.get());
    a.Login();
    a.ClearUnitAttentions(Lun(1));
    store->answer = failure;
    const auto outcome = a.Run(Read10(a, 0, 1, Lun(1)));
    ASSERT_EQ(outcome.status, 2);
    const std::string key = "sense_key=" + std::to_string(outcome.sense.at(4) & 0xf);
    const std::string asc = " asc=" + std::to_string(outcome.sense.at(14));
    EXPECT_THAT(lines_,
                Contains(AllOf(HasSubstr("error store_error "), HasSubstr(" lun=1 "),
                               HasSubstr("operation_code=40 "), HasSubstr(key), HasSubstr(asc))));
  }
}

TEST_F(SessionLogTest, NothingOfThatWithoutDebug) {
  Start(base::LogLevel::kInfo);
  Initiator a(rig_.get());
  a.Login();
  a.ClearUnitAttentions();
  EXPECT_THAT(lines_, Not(Contains(HasSubstr("debug"))));
  EXPECT_THAT(lines_, Contains(HasSubstr("info login ")));
}

// RFC 7143 §11.9.1 numbers them.
TEST_F(SessionLogTest, EventsHaveTheRfcsNumbers) {
  Start(base::LogLevel::kInfo);
  Initiator a(rig_.get());
  a.Login();
  for (const auto kind : {AsyncRequest::Kind::kNegotiation, AsyncRequest::Kind::kDropSession}) {
    rig_->target().Announce({.kind = kind}, [](size_t) {});
    rig_->Elapse(absl::Milliseconds(10));
  }
  EXPECT_THAT(lines_, Contains(AllOf(HasSubstr("info async_event "), HasSubstr("event=4"))));
  EXPECT_THAT(lines_, Contains(AllOf(HasSubstr("info async_event "), HasSubstr("event=3"))));
}

TEST_F(SessionLogTest, SessionsEndForAReason) {
  Start(base::LogLevel::kInfo);
  Initiator a(rig_.get());
  a.Login();
  Initiator b(rig_.get());
  b.Login();
  rig_->Elapse(absl::Milliseconds(10));
  EXPECT_THAT(lines_, Contains(AllOf(HasSubstr("info session_end "), HasSubstr(a.name),
                                     HasSubstr("why=\"reinstated\""))));
}

// Who didn't log out before the end of a stop was dropped by that, and by nobody.
TEST_F(SessionLogTest, AStopSaysWhatItDropped) {
  Start(base::LogLevel::kInfo);
  Initiator a(rig_.get());
  a.Login();
  bool stopped = false;
  rig_->Stop(absl::Seconds(1), [&stopped] { stopped = true; });
  rig_->world().RunUntil([&stopped] { return stopped; }, {.time = absl::Seconds(10)});
  EXPECT_TRUE(stopped);
  EXPECT_THAT(lines_, Contains(AllOf(HasSubstr("info session_end "), HasSubstr("stop"))));
  EXPECT_THAT(lines_, Not(Contains(HasSubstr("administrator"))));
}

}  // namespace
}  // namespace pushpull::target::testing
