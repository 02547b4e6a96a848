// What TasksOf leaves out, and what it must not leave out.

#include "fuzz/replay/session_tasks.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "base/check.h"
#include "base/text_proto.h"
#include "conformance/tap/wire_log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "initiator_sim/pdu/codec.h"

namespace pushpull::replay {
namespace {

using conformance::Direction;
using conformance::WireLog;
using initiator_sim::TapConnection;
using testing::ElementsAre;
using testing::HasSubstr;

const TapConnection kFirst = {.id = 1, .name = "c1", .session = "c1", .local = {}, .peer = {}};
const TapConnection kSecond = {.id = 2, .name = "c2", .session = "s2", .local = {}, .peer = {}};

// A wire log, a PDU at a time.
class Wire {
 public:
  Wire() {
    log.OnOpened(kFirst, absl::UnixEpoch());
    log.OnOpened(kSecond, absl::UnixEpoch());
  }

  Wire& Sent(const std::string& text, const TapConnection& on = kFirst) {
    return Add(text, Direction::kToTarget, on);
  }
  Wire& Came(const std::string& text, const TapConnection& on = kFirst) {
    return Add(text, Direction::kToInitiator, on);
  }

  // "KIND TEXT DATA" of each event.
  std::vector<std::string> Events() const {
    std::vector<std::string> lines;
    const v1::EventLog events = TasksOf(log).Log();
    for (const v1::Event& event : events.event()) {
      lines.push_back(absl::StrCat(event.other().kind(), " ", event.other().text(),
                                   event.other().data().empty() ? "" : " ", event.other().data()));
    }
    return lines;
  }

  WireLog log;

 private:
  Wire& Add(const std::string& text, Direction direction, const TapConnection& on) {
    v1::Pdu pdu;
    CHECK(base::ParseTextProto(text, "pdu", &pdu).ok()) << text;
    const auto encoded = initiator_sim::Encode(pdu, {});
    CHECK(encoded.ok()) << encoded.status();
    const initiator_sim::DecodedPdu decoded = initiator_sim::Decode(encoded->bytes, {});
    log.OnPdu({.connection = &on,
               .direction = direction,
               .time = absl::UnixEpoch(),
               .bytes = encoded->bytes,
               .decoded = &decoded,
               .digests = {}});
    return *this;
  }
};

constexpr char kRead[] =
    "scsi_command { read: true initiator_task_tag: 7 expected_data_transfer_length: 6 "
    "cmd_sn: 4 cdb { read { blocks: 1 } } }";

TEST(SessionTasksTest, DataAndStatusAreWhatCountsHoweverTheyCame) {
  Wire one, other;
  one.Sent(kRead)
      .Came("data_in { initiator_task_tag: 7 data_sn: 0 } data { raw: \"abc\" }")
      .Came("data_in { initiator_task_tag: 7 data_sn: 1 buffer_offset: 3 } data { raw: \"def\" }")
      .Came("scsi_response { initiator_task_tag: 7 stat_sn: 9 exp_data_sn: 2 }");
  other.Came("nop_in { initiator_task_tag: 0xffffffff target_transfer_tag: 3 }")
      .Sent("nop_out { initiator_task_tag: 0xffffffff target_transfer_tag: 3 }")
      .Sent(kRead)
      .Came(
          "data_in { initiator_task_tag: 7 status_present: true stat_sn: 5 } "
          "data { raw: \"abcdef\" }");
  EXPECT_EQ(one.Events(), other.Events());
  ASSERT_EQ(one.Events().size(), 1u);
  EXPECT_THAT(one.Events()[0], HasSubstr("c1 task 1: SCSI Command final: true read: true"));
  EXPECT_THAT(one.Events()[0], HasSubstr(": SCSI Response final: true"));
  EXPECT_THAT(one.Events()[0], testing::EndsWith(" abcdef"));
}

TEST(SessionTasksTest, OtherStatusResidualSenseOrDataIsADifference) {
  const auto with = [](const std::string& answer, const std::string& more = "") {
    Wire wire;
    wire.Sent(kRead).Came(
        absl::StrCat("scsi_response { initiator_task_tag: 7 ", answer, " } ", more));
    return absl::StrJoin(wire.Events(), "\n");
  };
  std::vector<std::string> all = {
      with(""),
      with("status: BUSY"),
      with("response: TARGET_FAILURE"),
      with("residual_underflow: true residual_count: 1"),
      with("residual_underflow: true residual_count: 2"),
      with("status: CHECK_CONDITION", "data { sense { sense_key: ILLEGAL_REQUEST } }"),
      with("status: CHECK_CONDITION", "data { sense { sense_key: MEDIUM_ERROR } }"),
      absl::StrJoin(Wire().Sent(kRead).Events(), "\n"),
  };
  const size_t count = all.size();
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  EXPECT_EQ(all.size(), count);
}

TEST(SessionTasksTest, OrderAcrossTasksAndR2tsAreLeftOut) {
  const std::string write =
      "scsi_command { write: true initiator_task_tag: 1 cdb { write { blocks: 1 } } }";
  const std::string ping = "nop_out { initiator_task_tag: 2 } data { raw: \"x\" }";
  Wire one, other;
  one.Sent(write)
      .Sent(ping)
      .Came("r2t { initiator_task_tag: 1 target_transfer_tag: 8 }")
      .Sent("data_out { initiator_task_tag: 1 target_transfer_tag: 8 }")
      .Came("scsi_response { initiator_task_tag: 1 stat_sn: 3 }")
      .Came("nop_in { initiator_task_tag: 2 stat_sn: 4 } data { raw: \"x\" }");
  other.Sent(write)
      .Sent(ping)
      .Came("nop_in { initiator_task_tag: 2 stat_sn: 3 } data { raw: \"x\" }")
      .Came("r2t { initiator_task_tag: 1 target_transfer_tag: 1 }")
      .Came("r2t { initiator_task_tag: 1 target_transfer_tag: 2 r2t_sn: 1 }")
      .Came("scsi_response { initiator_task_tag: 1 stat_sn: 4 }");
  EXPECT_EQ(one.Events(), other.Events());
  EXPECT_EQ(one.Events().size(), 2u);
}

TEST(SessionTasksTest, TextGoesOnOverResponsesAndChallengesAreLeftOut) {
  const auto login = [](const std::string& challenge, bool in_two) {
    Wire wire;
    wire.Sent("login_request { initiator_task_tag: 1 }");
    const std::string text = absl::StrCat("A=1\\000CHAP_C=", challenge, "\\000");
    if (in_two) {
      wire.Came(
              "login_response { initiator_task_tag: 1 text_continue: true } data { text: \"A=\" }")
          .Sent("login_request { initiator_task_tag: 1 }");
    }
    wire.Came(absl::StrCat("login_response { initiator_task_tag: 1 tsih: 5 } data { text: \"",
                           in_two ? text.substr(2) : text, "\" }"));
    return wire.Events();
  };
  EXPECT_EQ(login("0x12", false), login("0x3456", true));
  ASSERT_EQ(login("0x12", true).size(), 1u);
  EXPECT_THAT(login("0x12", true)[0], HasSubstr("A=1"));
}

TEST(SessionTasksTest, WhatBelongsToNoTaskAndTheEnd) {
  Wire wire;
  wire.Sent("nop_out { initiator_task_tag: 1 }")
      .Sent("nop_out { initiator_task_tag: 1 }", kSecond)
      .Came("async_message { async_event: LOGOUT_REQUEST }", kSecond)
      .Came("reject { reason: PROTOCOL_ERROR } data { raw: \"short\" }");
  wire.log.OnClosed(kFirst, absl::UnixEpoch(), /*by_peer=*/true, "Connection reset by peer");
  wire.log.OnClosed(kSecond, absl::UnixEpoch(), /*by_peer=*/false, "");
  EXPECT_THAT(wire.Events(),
              ElementsAre(HasSubstr("task c1 task 1: NOP-Out final: true: no answer"),
                          HasSubstr("task s2 task 1: NOP-Out"), HasSubstr("reject c1: Reject"),
                          "ended c1", HasSubstr("async c2: Async")));

  Wire logout;
  logout.Sent("logout_request { initiator_task_tag: 1 }")
      .Came("logout_response { initiator_task_tag: 1 }");
  logout.log.OnClosed(kFirst, absl::UnixEpoch(), /*by_peer=*/true, "");
  EXPECT_EQ(logout.Events().size(), 1u) << "who closes first after a logout is chance";
}

TEST(SessionTasksTest, WhatMayGoUnansweredIsSaid) {
  const auto excused = [](const Wire& wire) { return TasksOf(wire.log).tasks.at(0).excused; };
  EXPECT_FALSE(excused(Wire().Sent(kRead)));
  const std::string tmf = "task_management_request { function: ABORT_TASK initiator_task_tag: 8 }";
  EXPECT_TRUE(excused(Wire().Sent(kRead).Sent(tmf)));
  EXPECT_TRUE(excused(Wire().Sent(kRead).Sent("logout_request { initiator_task_tag: 8 }")));
  const std::string answer = "scsi_response { initiator_task_tag: 7 }";
  EXPECT_FALSE(excused(Wire().Sent(kRead).Came(answer).Sent(tmf)));
  EXPECT_FALSE(excused(Wire().Sent(kRead).Sent(tmf).Came(answer)));
  for (const bool by_peer : {false, true}) {
    Wire wire;
    wire.Sent(kRead).Came("reject { reason: PROTOCOL_ERROR } data { raw: \"short\" }");
    wire.log.OnClosed(kFirst, absl::UnixEpoch(), by_peer, "");
    EXPECT_EQ(excused(wire), by_peer);
    EXPECT_EQ(TasksOf(wire.log).others.at(0).excused, by_peer);
  }
}

// A Reject belongs to the task whose header it carries.
TEST(SessionTasksTest, ARejectIsItsTasksAnswer) {
  Wire wire;
  wire.Sent("nop_out { initiator_task_tag: 9 }");
  const auto header = wire.log.Frame(1)->bytes;
  std::string raw;
  for (const uint8_t byte : header) absl::StrAppendFormat(&raw, "\\x%02x", byte);
  wire.Came(absl::StrCat("reject { reason: DATA_DIGEST_ERROR } data { raw: \"", raw, "\" }"));
  EXPECT_THAT(wire.Events(), ElementsAre(HasSubstr("NOP-Out final: true: Reject final: true "
                                                   "reason: DATA_DIGEST_ERROR")));
}

}  // namespace
}  // namespace pushpull::replay
