#include "conformance/runner/left_watch.h"

#include <google/protobuf/text_format.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "initiator_sim/pdu/codec.h"

namespace pushpull::conformance {
namespace {

using initiator_sim::Direction;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

constexpr char kLogin[] = R"(
  login_request { isid: "abcdef" } data { raw: "InitiatorName=iqn.a\0" })";
constexpr char kLetIn[] = "login_response { transit: true next_stage: FULL_FEATURE_PHASE }";
constexpr char kReserve[] = R"(scsi_command { lun: 3 cdb { raw: "\x16\0\0\0\0\0" } })";

class LeftWatchTest : public testing::Test {
 protected:
  // A PDU on a connection, as the tap tells it.
  void Pdu(uint32_t connection, const std::string& text) {
    v1::Pdu pdu;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &pdu)) << text;
    const auto encoded = initiator_sim::Encode(pdu, {});
    ASSERT_TRUE(encoded.ok()) << encoded.status();
    const initiator_sim::DecodedPdu decoded = initiator_sim::Decode(encoded->bytes, {});
    initiator_sim::TapConnection on;
    on.id = connection;
    watch_.OnPdu({.connection = &on,
                  .direction = Direction::kToTarget,
                  .time = {},
                  .bytes = encoded->bytes,
                  .decoded = &decoded,
                  .digests = {}});
  }
  void LogIn(uint32_t connection) {
    Pdu(connection, kLogin);
    Pdu(connection, kLetIn);
  }
  bool PortIsOpen() { return !watch_.ports().empty() && watch_.ports()[0].open; }

  LeftWatch watch_;
};

std::optional<Left> LeftByText(const std::string& cdb) { return LeftBy(base::AsBytes(cdb)); }

TEST_F(LeftWatchTest, KnowsTheCommandsThatLeaveSomething) {
  const std::pair<const char*, Left> kinds[] = {
      {"\x5f", Left::kRegistrations},   {"\x16", Left::kUnitReservation},
      {"\x56", Left::kUnitReservation}, {"\x15", Left::kModePages},
      {"\x55", Left::kModePages},       {"\x1e", Left::kPrevention},
      {"\x1b", Left::kStopped}};
  for (const auto& [code, left] : kinds) {
    EXPECT_EQ(LeftByText(std::string(code) + std::string(5, '\0')), left) << code;
  }
  EXPECT_EQ(LeftByText("\xa4\x0a"), Left::kPortGroups);
  EXPECT_EQ(LeftByText("\xa4\xea"), Left::kPortGroups);
  EXPECT_EQ(LeftByText("\xa4\x0b"), std::nullopt) << "another service action";
  EXPECT_EQ(LeftByText("\x2a\x00"), std::nullopt);
  EXPECT_EQ(LeftByText("\x5f"), std::nullopt) << "cut off";
}

TEST_F(LeftWatchTest, NotesWhoDidWhatToWhichLun) {
  LogIn(1);
  Pdu(1, kReserve);
  ASSERT_THAT(watch_.ports(), SizeIs(1));
  const LeftWatch::Port& port = watch_.ports()[0];
  EXPECT_EQ(port.port.name, "iqn.a");
  EXPECT_EQ(port.port.isid, "abcdef");
  EXPECT_THAT(port.deeds, ElementsAre(Pair(Left::kUnitReservation, ElementsAre(3))));
}

TEST_F(LeftWatchTest, ASessionIsOpenUntilItsLogoutIsAnswered) {
  LogIn(1);
  EXPECT_TRUE(PortIsOpen());
  Pdu(1, "logout_request {}");
  EXPECT_TRUE(PortIsOpen());
  Pdu(1, "logout_response { response: CID_NOT_FOUND }");
  EXPECT_TRUE(PortIsOpen());
  Pdu(1, "logout_response { response: CLOSED }");
  EXPECT_FALSE(PortIsOpen());
}

TEST_F(LeftWatchTest, APortThatComesAgainIsTheSame) {
  LogIn(1);
  Pdu(1, "logout_response { response: CLOSED }");
  LogIn(2);
  EXPECT_TRUE(PortIsOpen());
  Pdu(2, kReserve);
  ASSERT_THAT(watch_.ports(), SizeIs(1));
  EXPECT_THAT(watch_.ports()[0].deeds, SizeIs(1));
  Pdu(3, R"(login_request { isid: "abcdeg" } data { raw: "InitiatorName=iqn.a\0" })");
  Pdu(3, kLetIn);
  Pdu(4, R"(login_request { isid: "abcdef" } data { raw: "InitiatorName=iqn.b\0" })");
  Pdu(4, kLetIn);
  EXPECT_THAT(watch_.ports(), SizeIs(3));
  EXPECT_THAT(watch_.deeds(), SizeIs(1));
}

TEST_F(LeftWatchTest, WhoIsNotLetInLeavesNothing) {
  const char* const answers[] = {
      "login_response { transit: true next_stage: FULL_FEATURE_PHASE status_class: 2 }",
      "login_response { next_stage: FULL_FEATURE_PHASE }",
      "login_response { transit: true next_stage: LOGIN_OPERATIONAL_NEGOTIATION }"};
  for (const char* answer : answers) {
    Pdu(1, kLogin);
    Pdu(1, answer);
    Pdu(1, kReserve);
    EXPECT_THAT(watch_.ports(), IsEmpty()) << answer;
  }
}

TEST_F(LeftWatchTest, AnAnswerThatNobodyAskedForIsNoPort) {
  Pdu(1, kLetIn);
  EXPECT_THAT(watch_.ports(), IsEmpty());
}

TEST_F(LeftWatchTest, ADiscoverySessionLeavesNothing) {
  Pdu(1, R"(login_request { isid: "abcdef" }
            data { raw: "InitiatorName=iqn.a\0SessionType=Discovery\0" })");
  // Said once, in the first request.
  Pdu(1, "login_request { isid: \"abcdef\" }");
  Pdu(1, kLetIn);
  EXPECT_THAT(watch_.ports(), IsEmpty());
}

TEST_F(LeftWatchTest, ANameIsSaidOnce) {
  Pdu(1, kLogin);
  Pdu(1, "login_request { isid: \"abcdef\" }");
  Pdu(1, kLetIn);
  ASSERT_THAT(watch_.ports(), SizeIs(1));
  EXPECT_EQ(watch_.ports()[0].port.name, "iqn.a");
}

constexpr char kSetPortGroups[] = R"(
  scsi_command { initiator_task_tag: 7 lun: 2 cdb { raw: "\xa4\x0a\0\0\0\0\0\0\0\0\0\0" } })";

TEST_F(LeftWatchTest, PortGroupsThatWereNotSetAreNotLeft) {
  LogIn(1);
  Pdu(1, kSetPortGroups);
  EXPECT_THAT(watch_.deeds(), ElementsAre(Pair(Left::kPortGroups, ElementsAre(2))));
  Pdu(1, "scsi_response { initiator_task_tag: 8 status: CHECK_CONDITION }");
  EXPECT_THAT(watch_.deeds(), SizeIs(1)) << "another task's";
  Pdu(1, "scsi_response { initiator_task_tag: 7 status: CHECK_CONDITION }");
  EXPECT_THAT(watch_.deeds(), IsEmpty());
}

TEST_F(LeftWatchTest, PortGroupsThatWereSetAre) {
  LogIn(1);
  Pdu(1, kSetPortGroups);
  Pdu(1, "scsi_response { initiator_task_tag: 7 status: GOOD }");
  EXPECT_THAT(watch_.deeds(), SizeIs(1));
}

TEST_F(LeftWatchTest, PortGroupsStayWhenAnotherCommandIsRefused) {
  LogIn(1);
  Pdu(1, kSetPortGroups);
  Pdu(1, R"(scsi_command { initiator_task_tag: 8 lun: 2 cdb { raw: "\x16\0\0\0\0\0" } })");
  Pdu(1, "scsi_response { initiator_task_tag: 8 status: CHECK_CONDITION }");
  EXPECT_TRUE(watch_.deeds().contains(Left::kPortGroups));
}

TEST_F(LeftWatchTest, OtherCommandsThatWereRefusedCountAllTheSame) {
  LogIn(1);
  Pdu(1, R"(scsi_command { initiator_task_tag: 7 lun: 3 cdb { raw: "\x16\0\0\0\0\0" } })");
  Pdu(1, "scsi_response { initiator_task_tag: 7 status: CHECK_CONDITION }");
  EXPECT_THAT(watch_.deeds(), SizeIs(1));
}

}  // namespace
}  // namespace pushpull::conformance
