// What each name in a scenario stands for: each value is another one here, so that no two names can
// be exchanged.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>

#include "gtest/gtest.h"
#include "initiator_sim/player/play.h"
#include "initiator_sim/player/test_target.h"
#include "initiator_sim/session/session.h"

namespace pushpull::initiator_sim {
namespace {

class ValuesTest : public testing::Test {
 protected:
  void SetUp() override {
    bed_.options.luns = {5, 6};
    bed_.options.block_size = 4096;
    bed_.options.block_count = 77;
    bed_.options.scratch_lba = 78;
    play_ = std::make_shared<Play>(bed_.options, Script{});
    link_.name = "c";
    link_.session = &session_;
  }

  void ExpectNumbers(const std::map<std::string, uint64_t>& due, const Link* link) {
    for (const auto& [name, number] : due) {
      const auto value = play_->Value(name, link);
      ASSERT_TRUE(value.ok()) << value.status();
      ASSERT_TRUE(std::holds_alternative<uint64_t>(*value)) << name;
      EXPECT_EQ(std::get<uint64_t>(*value), number) << name;
    }
  }
  std::string Text(const std::string& name) {
    const auto value = play_->TextValue(name, &link_);
    return value.ok() ? *value : std::string(value.status().message());
  }

  PlayerTestBed bed_;
  Session session_;
  Link link_;
  std::shared_ptr<Play> play_;
};

TEST_F(ValuesTest, OfTheRun) {
  ExpectNumbers(
      {{"lun.0", 5}, {"lun.1", 6}, {"block_size", 4096}, {"block_count", 77}, {"scratch_lba", 78}},
      nullptr);
  EXPECT_EQ(Text("initiator_name"), bed_.options.initiator_name);
  EXPECT_EQ(Text("target_name"), "iqn.2026-11.org.example:disk");
  EXPECT_EQ(Text("target_address"), "192.0.2.1:3260");
  EXPECT_EQ(Text("block_size"), "4096");
}

TEST_F(ValuesTest, OfAConnectionAndItsSession) {
  session_.cmd_sn = 11;
  session_.exp_cmd_sn = 9;
  session_.max_cmd_sn = 14;
  session_.tsih = 15;
  session_.isid = {'i', 's', 'i', 'd', '0', '1'};
  session_.window_known = true;
  link_.state.exp_stat_sn = 16;
  link_.stat_sn = 17;
  link_.state.cid = 18;
  link_.state.own_max_recv_data_segment_length = 19;
  link_.state.peer_max_recv_data_segment_length = 20;
  session_.parameters.Set("MaxBurstLength", "512");
  session_.parameters.Set("InitialR2T", "No");
  session_.parameters.Set("HeaderDigest", "CRC32C");
  ExpectNumbers({{"cmd_sn", 11},
                 {"exp_cmd_sn", 9},
                 {"max_cmd_sn", 14},
                 {"window", 4},
                 {"tsih", 15},
                 {"exp_stat_sn", 16},
                 {"stat_sn", 17},
                 {"cid", 18},
                 {"receive_bytes", 19},
                 {"negotiated.MaxRecvDataSegmentLength", 20},
                 {"negotiated.MaxBurstLength", 512},
                 {"negotiated.InitialR2T", 0},
                 {"negotiated.FirstBurstLength", 65536}},  // its default
                &link_);
  EXPECT_EQ(Text("isid"), "isid01");
  EXPECT_EQ(Text("negotiated.HeaderDigest"), "CRC32C");
}

TEST_F(ValuesTest, OfATask) {
  Task* const task = play_->NewTask("t", &link_);
  task->tag = 1;
  task->cmd_sn = 2;
  task->lun_bytes = 3;
  task->expected_length = 4;
  task->write_data = "12345";
  task->target_transfer_tag = 6;
  task->r2t = OpenR2t{.r2t_sn = 7, .buffer_offset = 8, .length = 9};
  task->data_sn = 10;
  task->r2t_count = 11;
  task->data_in_count = 12;
  task->received_length = 13;
  task->sent_length = 14;
  task->response_count = 15;
  ExpectNumbers({{"task.t.initiator_task_tag", 1},
                 {"task.t.cmd_sn", 2},
                 {"task.t.lun_bytes", 3},
                 {"task.t.expected_data_transfer_length", 4},
                 {"task.t.length", 5},
                 {"task.t.target_transfer_tag", 6},
                 {"task.t.r2t_sn", 7},
                 {"task.t.buffer_offset", 8},
                 {"task.t.desired_data_transfer_length", 9},
                 {"task.t.data_sn", 10},
                 {"task.t.r2t_count", 11},
                 {"task.t.data_in_count", 12},
                 {"task.t.received_length", 13},
                 {"task.t.sent_length", 14},
                 {"task.t.response_count", 15}},
                nullptr);
}

TEST_F(ValuesTest, WhatWasSavedComesFirst) {
  play_->SetValue("block_size", uint64_t{1});
  ExpectNumbers({{"block_size", 1}}, nullptr);
}

TEST_F(ValuesTest, WhatNothingStandsForIsSaid) {
  EXPECT_EQ(Text("lun.2"), "value \"lun.2\": the run has 2 LUNs; say so in needs { luns }");
  EXPECT_EQ(Text("lun.x"), "value \"lun.x\": the run has 2 LUNs; say so in needs { luns }");
  EXPECT_EQ(Text("task.u.cmd_sn"), "value \"u\": no task of this name was begun");
  EXPECT_EQ(Text("connection.d.cid"),
            "value \"connection.d.cid\": no connection of this name was opened");
  const std::string unknown = ": nothing of this name was bound, saved or is known here";
  EXPECT_EQ(Text("nobody"), "value \"nobody\"" + unknown);
  EXPECT_EQ(Text("negotiated"), "value \"negotiated\"" + unknown);
  EXPECT_FALSE(play_->Value("cmd_sn", nullptr).ok()) << "of no connection";
  play_->NewTask("t", &link_);
  EXPECT_EQ(Text("task.t.nothing"), "value \"task.t.nothing\": tasks have no such value");
}

}  // namespace
}  // namespace pushpull::initiator_sim
