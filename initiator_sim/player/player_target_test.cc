// Scripted targets: one player plays the target, another the initiator.

#include <optional>
#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "initiator_sim/player/test_target.h"

namespace pushpull::initiator_sim {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Both {
  PlayResult target;
  PlayResult initiator;
};

Script MakeScript(const std::string& text) {
  Script script;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &script.scenario)) << text;
  return script;
}

Both PlayBoth(const std::string& target, const std::string& initiator) {
  fabric::SimWorld world(3);
  fabric::SimNetwork network(&world);
  PlayerOptions options;
  options.network = &network;
  options.loop = world.NewLoop();
  options.listen = {{.host = "192.0.2.5", .port = 3260}};
  options.target_name = "iqn.2026-11.org.example:scripted";
  Player first(options, MakeScript("role: TARGET " + target));
  options.loop = world.NewLoop();
  options.portals = options.listen;
  Player second(options, MakeScript(initiator));
  std::optional<PlayResult> first_result, second_result;
  first.Start([&](PlayResult result) { first_result = std::move(result); });
  EXPECT_EQ(first.listening().size(), 1u);
  second.Start([&](PlayResult result) { second_result = std::move(result); });
  world.RunUntil([&] { return first_result.has_value() && second_result.has_value(); });
  EXPECT_TRUE(first_result.has_value() && second_result.has_value());
  return {first_result.value_or(PlayResult()), second_result.value_or(PlayResult())};
}

TEST(PlayerTargetTest, ServesAnInitiator) {
  const Both both = PlayBoth(R"(
    step { accept {} }
    step { accept_login { offered { name: "InitiatorName" present: true }
             save { field: "key.InitiatorName" as: "name" } } }
    step { serve {} }
  )",
                             R"(
    step { login {} }
    step { command { cdb { inquiry {} } } }
    step { command { cdb { read_capacity { size: 10 } } read_length: 8
                     expect_data { raw: "\x00\x00\x7f\xff\x00\x00\x02\x00" } } }
    step { command { cdb { report_luns {} } } }
    step { command { cdb { write { lba: 9 blocks: 600 } } write_data { pattern { seed: 8 } } } }
    step { command { cdb { read { lba: 9 blocks: 600 } } expect_data { pattern { seed: 8 } } } }
    step { command { cdb { read { lba: 40000 blocks: 1 } } sense { sense_key: ILLEGAL_REQUEST } } }
    step { command { cdb { raw: "\xff" } sense { additional_sense_code: 0x20 } } }
    step { command { lun: 5 cdb { test_unit_ready {} } sense { additional_sense_code: 0x25 } } }
    step { text_until_final { offer { name: "SendTargets" }
             key { name: "TargetName" value: "iqn.2026-11.org.example:scripted" }
             key { name: "TargetAddress" value: "192.0.2.5:3260,1" } } }
  )");
  EXPECT_EQ(VerdictOf(both.target), "PASS");
  EXPECT_EQ(VerdictOf(both.initiator), "PASS");
}

TEST(PlayerTargetTest, ServesWithDigestsAndUnsolicitedData) {
  const Both both = PlayBoth(R"(
    step { accept {} }
    step { accept_login { key { name: "FirstBurstLength" value: "4096" }
                          key { name: "MaxRecvDataSegmentLength" value: "1024" } } }
    step { serve {} }
  )",
                             R"(
    step { login { key { name: "HeaderDigest" value: "CRC32C" }
                   key { name: "DataDigest" value: "CRC32C,None" } } }
    step { require_negotiated { name: "HeaderDigest" value: "CRC32C" } }
    step { require_negotiated { name: "DataDigest" value: "CRC32C" } }
    step { command { cdb { write { blocks: 64 } } write_data { pattern { seed: 8 } } } }
    step { command { cdb { read { blocks: 64 } } expect_data { pattern { seed: 8 } } } }
  )");
  EXPECT_EQ(VerdictOf(both.target), "PASS");
  EXPECT_EQ(VerdictOf(both.initiator), "PASS");
}

TEST(PlayerTargetTest, ScriptsAWrite) {
  const char* const target = R"(
    step { accept {} }
    step { accept_login { key { name: "InitialR2T" value: "Yes" }
                          key { name: "ImmediateData" value: "No" } } }
    step { serve { until { scsi_command { write: true } } } }
    step { expect { task: "w" one_of { pdu { scsi_command { write: true } } } } }
    step { send { task: "w"
                  pdu { r2t { target_transfer_tag: 0 desired_data_transfer_length: 512 } } } }
    step { expect { task: "w" one_of {
             pdu { data_out { target_transfer_tag: 0 buffer_offset: 0 data_sn: 0 final: true } }
             where { field: "@data_length" eq: 512 } } } }
    step { send { task: "w" pdu { r2t { buffer_offset: 512 } } } }
    step { expect { task: "w" one_of { pdu { data_out { buffer_offset: 512 final: true } }
             where { field: "target_transfer_tag" ref { from: "task.w.target_transfer_tag" } } } } }
    step { send { task: "w" pdu { scsi_response { status: GOOD } } } }
    step { serve {} }
  )";
  const Both both = PlayBoth(target, R"(
    step { login {} }
    step { command { cdb { write { blocks: 4 } } write_data { pattern { seed: 8 } } } }
  )");
  EXPECT_EQ(VerdictOf(both.target), "PASS");
  EXPECT_EQ(VerdictOf(both.initiator), "PASS");

  // An initiator that answers wrong is told so.
  const Both wrong = PlayBoth(target, R"(
    step { login {} }
    step { send { task: "w" pdu { scsi_command { cdb { write { blocks: 4 } } } } } }
    step { serve_r2ts { task: "w" deviate: DATA_SN_GAP } }
    epilogue: NOTHING
  )");
  EXPECT_THAT(VerdictOf(wrong.target),
              StartsWith("FAIL: another PDU came than was expected: data_sn is 1, expected 0"))
      << "the first Data-Out of a sequence carries a gap";
}

TEST(PlayerTargetTest, ScriptsMisbehaviour) {
  const Both both = PlayBoth(R"(
    step { accept {} }
    step { accept_login {} }
    step { expect { task: "r" one_of { pdu { scsi_command { read: true } } } } }
    step { send { task: "r" pdu { data_in { buffer_offset: 4096 } data { raw: "beyond" } } } }
    step { expect_closed { ignore {} } }
  )",
                             R"(
    step { login { unit_attention: LEFT } }
    step { command { cdb { read { blocks: 1 } } } }
  )");
  EXPECT_EQ(VerdictOf(both.target), "PASS");
  EXPECT_THAT(VerdictOf(both.initiator), StartsWith("FAIL: Data-In reaches to byte 4102"));
}

TEST(PlayerTargetTest, RefusesAndRedirects) {
  const Both both = PlayBoth(R"(
    step { accept {} }
    step { accept_login { status: 0x0101 key { name: "TargetAddress" value: "192.0.2.5" } } }
    step { close {} }
    step { connection: "c2" accept {} }
    step { connection: "c2" accept_login { tsih: 77 } }
    step { connection: "c2" serve {} }
  )",
                             R"(
    step { login { expect { status: 0x0101 } save { field: "key.TargetAddress" as: "there" } } }
    step { expect_closed {} }
    step { connection: "c2" login { address_from: "there" save { field: "tsih" as: "t" } } }
  )");
  EXPECT_EQ(VerdictOf(both.target), "PASS");
  EXPECT_EQ(VerdictOf(both.initiator), "PASS");
}

TEST(PlayerTargetTest, JudgesWhatTheInitiatorOffers) {
  const Both both = PlayBoth(R"(
    step { accept {} }
    step { accept_login { offered { name: "InitialR2T" value: "Yes" } } }
  )",
                             "step { login {} } epilogue: NOTHING");
  EXPECT_EQ(VerdictOf(both.target),
            "FAIL: the initiator offered what it must not: InitialR2T=No: due is Yes");
}

TEST(PlayerTargetTest, SaysWhyItCannotListen) {
  fabric::SimWorld world(1);
  fabric::SimNetwork network(&world);
  PlayerOptions options;
  options.network = &network;
  options.loop = world.NewLoop();
  Player player(options, MakeScript("role: TARGET step { accept {} }"));
  std::optional<PlayResult> result;
  player.Start([&](PlayResult one) { result = std::move(one); });
  world.RunUntilIdle();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(VerdictOf(*result), "ERROR: a scripted target needs an address to listen on");
}

TEST(PlayerTargetTest, NobodyComes) {
  fabric::SimWorld world(1);
  fabric::SimNetwork network(&world);
  PlayerOptions options;
  options.network = &network;
  options.loop = world.NewLoop();
  options.listen = {{.host = "192.0.2.5", .port = 0}};
  Player player(options, MakeScript("role: TARGET step { accept {} }"));
  std::optional<PlayResult> result;
  player.Start([&](PlayResult one) { result = std::move(one); });
  EXPECT_NE(player.listening().at(0).port, 0);
  world.RunUntilIdle();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(VerdictOf(*result),
            "TIMEOUT: nothing came in time: awaiting a connection of the initiator");
}

}  // namespace
}  // namespace pushpull::initiator_sim
