// ABORT TASK of what is neither waiting nor running (RFC 7143 §11.5.1, §11.6.1).

#include <cstdint>
#include <string>

#include "gtest/gtest.h"
#include "target/session/testing/rig.h"

namespace pushpull::target::testing {
namespace {

using Code = TaskManagementResponseCode;

class SessionAbortTest : public ::testing::Test {
 protected:
  SessionAbortTest() {
    a_.Login();
    a_.ClearUnitAttentions();
  }
  TaskManagementRequest AbortOf(uint32_t tag) {
    TaskManagementRequest abort = Tmf(a_, TaskManagementFunction::kAbortTask);
    abort.referenced_task_tag = tag;
    return abort;
  }

  Rig rig_;
  Initiator a_{&rig_};
};

// Its status comes, and only then is it said that there is no such task any more.
TEST_F(SessionAbortTest, WhatIsBeingAnsweredIsAnsweredFirst) {
  for (const bool bidirectional : {false, true}) {
    SCOPED_TRACE(bidirectional);
    ScsiCommand read = Read10(a_, 0, 1024);
    Outgoing pdu;
    if (bidirectional) {
      read.write = true;
      read.expected_data_transfer_length = 0;
      pdu.ahs = {0, 5, 2, 0, 0, 8, 0, 0};  // 512 KiB
    }
    a_.StopReading();
    pdu.bhs = a_.Number(read).Encode();
    a_.SendPdu(pdu);
    rig_.Elapse(absl::Milliseconds(10));
    a_.Send(AbortOf(read.initiator_task_tag));
    rig_.Elapse(absl::Milliseconds(10));
    a_.ReadOn();
    bool status = false;
    while (!status) {
      const auto got = a_.Next();
      ASSERT_TRUE(got.has_value());
      status = got->opcode() == (bidirectional ? Opcode::kScsiResponse : Opcode::kDataIn) &&
               (bidirectional || DataIn::Decode(BhsView(got->bhs)).status_present);
    }
    EXPECT_EQ(a_.ExpectTmf().response, Code::kTaskDoesNotExist);
  }
}

TEST_F(SessionAbortTest, ARequestDoesNotNameItself) {
  TaskManagementRequest abort = Tmf(a_, TaskManagementFunction::kAbortTask);
  abort.referenced_task_tag = abort.initiator_task_tag;
  a_.Send(abort);
  EXPECT_EQ(a_.ExpectTmf().response, Code::kTaskDoesNotExist);
}

// RFC 7143 §11.10.4: the tag that the target gave for the rest of it is no longer one.
TEST_F(SessionAbortTest, ATextSequenceEnds) {
  TextRequest text;
  text.immediate = true;
  text.final = false;
  text.text_continue = true;
  text.initiator_task_tag = a_.NextTag();
  const std::string half = "X-org.exam";
  a_.Send(text, {half.begin(), half.end()});
  const auto answer = a_.Expect<TextResponse>(Opcode::kTextResponse);
  EXPECT_NE(answer.target_transfer_tag, kNoTag);
  a_.Send(AbortOf(text.initiator_task_tag));
  EXPECT_EQ(a_.ExpectTmf().response, Code::kFunctionComplete);
  text.final = true;
  text.text_continue = false;
  text.target_transfer_tag = answer.target_transfer_tag;
  a_.Send(text);
  a_.ExpectReject();
}

// RFC 7143 §11.5.1: an immediate request has the number of the command behind it, for which the
// window may have no room.
TEST_F(SessionAbortTest, AGroupAbortBehindAFullWindowIsTaken) {
  while (a_.cmd_sn != a_.max_cmd_sn + 1) {
    a_.Send(Write10(a_, 0, 1));
    a_.ExpectR2t();
  }
  a_.Send(Tmf(a_, TaskManagementFunction::kTargetWarmReset));
  EXPECT_TRUE(a_.Silent()) << "it waits for data, and isn't rejected";
}

}  // namespace
}  // namespace pushpull::target::testing
