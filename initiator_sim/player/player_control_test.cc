// Steps that connect, ask for conditions, close, wait, call hooks, log out: what each of their
// fields does, and how their mistakes are told.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "initiator_sim/player/test_target.h"

namespace pushpull::initiator_sim {
namespace {

using testing::StartsWith;

struct Case {
  std::string steps;    // after the login
  std::string verdict;  // begins with
  std::string expected = {};
  std::string actual = {};
};

void CheckCases(const std::vector<Case>& cases, const std::string& before = "step { login {} } ") {
  for (const Case& one : cases) {
    SCOPED_TRACE(one.steps);
    PlayerTestBed bed;
    const PlayResult result = bed.Play(before + one.steps);
    EXPECT_THAT(VerdictOf(result), StartsWith(one.verdict));
    EXPECT_EQ(result.failure.expected(), one.expected);
    EXPECT_EQ(result.failure.actual(), one.actual);
  }
}

// What the test target answers: ImmediateData=No, InitialR2T=Yes, MaxBurstLength=16384.
TEST(PlayerControlTest, RequireNegotiated) {
  const auto require = [](const std::string& fields) {
    return "step { require_negotiated { " + fields + " } }";
  };
  CheckCases({
      {require("name: \"ImmediateData\" value: \"No\""), "PASS"},
      {require("name: \"ImmediateData\" value: \"Yes\""),
       "UNSUPPORTED: needs ImmediateData Yes, but it came to No", "ImmediateData Yes",
       "ImmediateData=No"},
      {require("name: \"InitialR2T\" value: \"Yes\""), "PASS"},
      {require("name: \"HeaderDigest\" value: \"CRC32C\" value: \"None\""), "PASS"},
      {require("name: \"HeaderDigest\" value: \"None\" value: \"CRC32C\""), "PASS"},
      {require("name: \"MaxBurstLength\" value: \"1\" value: \"2\""),
       "UNSUPPORTED: needs MaxBurstLength 1 or 2, but it came to 16384", "MaxBurstLength 1 or 2",
       "MaxBurstLength=16384"},
      {require("name: \"MaxBurstLength\" value: \"16384\""), "PASS"},
      {require("name: \"MaxBurstLength\""), "PASS"},
      {require("name: \"MaxBurstLength\" at_most: 16384"), "PASS"},
      {require("name: \"MaxBurstLength\" at_least: 16384"), "PASS"},
      {require("name: \"MaxBurstLength\" at_most: 16383"),
       "UNSUPPORTED: needs MaxBurstLength at most 16383, but it came to 16384",
       "MaxBurstLength at most 16383", "MaxBurstLength=16384"},
      {require("name: \"MaxBurstLength\" at_least: 16385 at_most: 20000"),
       "UNSUPPORTED: needs MaxBurstLength at least 16385 and at most 20000",
       "MaxBurstLength at least 16385 and at most 20000", "MaxBurstLength=16384"},
      {require("name: \"MaxBurstLength\" value: \"16384\" at_least: 16385"),
       "UNSUPPORTED: needs MaxBurstLength 16384 or at least 16385",
       "MaxBurstLength 16384 or at least 16385", "MaxBurstLength=16384"},
      // What is no number has no bounds.
      {require("name: \"HeaderDigest\" at_least: 0"),
       "UNSUPPORTED: needs HeaderDigest at least 0, but it came to None", "HeaderDigest at least 0",
       "HeaderDigest=None"},
      {require("name: \"HeaderDigest\" at_most: 9"),
       "UNSUPPORTED: needs HeaderDigest at most 9, but it came to None", "HeaderDigest at most 9",
       "HeaderDigest=None"},
      {"step { connection: \"c9\" require_negotiated { name: \"HeaderDigest\" } }",
       "ERROR: require_negotiated needs a connection that was opened"},
  });
}

TEST(PlayerControlTest, Require) {
  const std::string size = "step { require { value: \"block_size\" ";
  CheckCases({
      {size + "at_least: 512 at_most: 512 } }", "PASS"},
      {size + "} }", "PASS"},
      {size + "at_least: 513 } }", "SKIP: needs block_size at least 513, but it is 512",
       "block_size at least 513", "512"},
      {size + "at_most: 511 why: \"small ones\" } }",
       "SKIP: needs block_size at most 511, but it is 512: small ones", "block_size at most 511",
       "512"},
      {size + "at_least: 1 at_most: 2 } }",
       "SKIP: needs block_size at least 1, at most 2, but it is 512",
       "block_size at least 1, at most 2", "512"},
      {"step { require { value: \"negotiated.HeaderDigest\" at_least: 1 } }",
       "ERROR: require: \"negotiated.HeaderDigest\" is no number but \"None\""},
      {"step { require { value: \"nobody\" } }", "ERROR: value \"nobody\""},
  });
}

TEST(PlayerControlTest, MistakesOfTheScenario) {
  CheckCases({
      {"step { connection: \"c9\" close {} }", "ERROR: connection c9 was never opened"},
      {"step { connection: \"c9\" acknowledge {} }", "ERROR: connection c9 was never opened"},
      {"step { name: \"nothing\" }", "ERROR: the step says nothing of what to do"},
      {"step { elapse { negotiated_key: \"HeaderDigest\" } }",
       "ERROR: elapse: HeaderDigest is no number of seconds"},
      {"step { elapse { negotiated_key: \"Nothing\" } }", "ERROR: "},
      {"step { connection: \"c2\" connect { portal: 1 } }", "ERROR: portal 1 is asked for"},
      {"step { connection: \"c2\" connect { address_from: \"nobody\" } }",
       "ERROR: value \"nobody\""},
      {"step { connection: \"c2\" connect {} } step { connection: \"c2\" logout {} }", "ERROR: "},
  });
}

// An address that the target said, whole or with another port.
TEST(PlayerControlTest, AddressesAreTakenFromWhatWasSaid) {
  const auto connect = [](const std::string& address, const std::string& more) {
    return absl::StrCat("let { name: \"a\" text: \"", address,
                        "\" } step { connect { portal: 0 address_from: \"a\" ", more, " } }");
  };
  CheckCases(
      {
          {connect("192.0.2.1:3260,1", ""), "PASS"},
          {connect("192.0.2.9:3260,1", "expect_refused: true"), "PASS"},
          {connect("192.0.2.1:9,1", "expect_refused: true"), "PASS"},
          {connect("192.0.2.1:9,1", "port: 3260"), "PASS"},
          {connect("192.0.2.1:no,1", ""), "ERROR: "},
      },
      /*before=*/"");
}

TEST(PlayerControlTest, LogoutsSayWhatTheyClose) {
  const struct {
    std::string fields;
    v1::LogoutReason reason;
  } kCases[] = {{"", v1::CLOSE_SESSION},
                {"reason: CLOSE_CONNECTION", v1::CLOSE_CONNECTION},
                {"reason: CLOSE_SESSION response: CLOSED", v1::CLOSE_SESSION}};
  for (const auto& one : kCases) {
    PlayerTestBed bed;
    EXPECT_EQ(VerdictOf(bed.Play(absl::StrCat("step { login {} } step { logout { ", one.fields,
                                              " } } step { close {} }"))),
              "PASS");
    const std::vector<v1::Pdu> seen = bed.target.Seen(v1::Pdu::kLogoutRequest);
    ASSERT_EQ(seen.size(), 1u);
    EXPECT_EQ(seen[0].logout_request().reason(), one.reason) << one.fields;
  }
}

TEST(PlayerControlTest, HooksThatAnswerAtOnce) {
  const std::string steps = "step { trigger { hook: \"drain\" } } step { login {} }";
  const struct {
    absl::Status status;
    std::string verdict;
  } kCases[] = {
      {absl::OkStatus(), "PASS"},
      {absl::UnimplementedError("not by this one"), "SKIP: needs hook drain: not by this one"},
      {absl::AbortedError("it broke"), "ERROR: hook drain failed: it broke"},
  };
  for (const auto& one : kCases) {
    PlayerTestBed bed;
    size_t calls = 0;
    bed.options.hook = [&](const v1::Trigger&, HookDone done) {
      ++calls;
      done(one.status);
    };
    EXPECT_EQ(VerdictOf(bed.Play(steps)), one.verdict);
    EXPECT_EQ(calls, 1u);
  }
}

// What a step waits for is told when it never comes.
TEST(PlayerControlTest, WaitsAreNamed) {
  PlayerTestBed bed;
  bed.target.on_pdu = [](TestTarget::Connection&, const v1::Pdu& pdu) {
    return pdu.has_logout_request();
  };
  EXPECT_THAT(VerdictOf(bed.Play("step { login {} } step { logout {} }")),
              testing::HasSubstr("awaiting the Logout Response"));
}

TEST(PlayerControlTest, ElapseLeavesStepsWithoutALimit) {
  PlayerTestBed bed;
  bed.options.step_timeout = absl::Seconds(1);
  const absl::Time begin = bed.world.now();
  EXPECT_EQ(VerdictOf(bed.Play("step { elapse { milliseconds: 90000 } } step { login {} }")),
            "PASS");
  EXPECT_EQ(bed.world.now() - begin, absl::Seconds(90));
}

}  // namespace
}  // namespace pushpull::initiator_sim
