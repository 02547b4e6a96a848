// Each predicate and each rule of a key: with what it holds, and with what it doesn't. A judge that
// forgets one of them lets every case that rests on it pass.

#include "initiator_sim/player/judge.h"

#include <google/protobuf/text_format.h>

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "initiator_sim/player/play.h"
#include "initiator_sim/player/test_target.h"
#include "initiator_sim/session/negotiation.h"

namespace pushpull::initiator_sim {
namespace {

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

class JudgeTest : public testing::Test {
 protected:
  JudgeTest() {
    play_->SetValue("eight", uint64_t{8});
    play_->SetValue("wrap", uint64_t{0xffffffff});
    play_->SetValue("word", std::string("beta"));
    play_->SetValue("yes", std::string("Yes"));
  }

  // What is said of a PDU that a predicate was asked of; "" where it holds.
  std::string Judge(const std::string& pdu, const std::string& predicate) {
    const auto came = Parse<v1::Pdu>(pdu);
    const Subject subject{.pdu = &came, .arrival = 7};
    const auto alternative = Parse<v1::Alternative>("where { " + predicate + " }");
    const auto differences = JudgePredicates(play_.get(), nullptr, subject, alternative.where());
    if (!differences.ok()) return absl::StrCat("error: ", differences.status().message());
    return absl::StrJoin(*differences, "; ");
  }
  std::string OfStatSn(uint64_t value, const std::string& is) {
    return Judge(absl::StrCat("nop_in { stat_sn: ", value, " }"), "field: 'stat_sn' " + is);
  }

  // What is said of a key's value; `offered` by us, `said` by the peer ("": nothing).
  std::string JudgeKey(const std::string& offered, const std::string& said,
                       const std::string& rule) {
    Negotiation negotiation;
    if (!offered.empty()) negotiation.Sent(offered + '\0', /*more=*/false);
    if (!said.empty()) negotiation.Received(said + '\0', /*more=*/false);
    const auto alternative = Parse<v1::Alternative>("key { " + rule + " }");
    const auto differences = JudgeKeys(play_.get(), nullptr, negotiation, alternative.key());
    if (!differences.ok()) return absl::StrCat("error: ", differences.status().message());
    return absl::StrJoin(*differences, "; ");
  }

  PlayerTestBed bed_;  // on whose loop nothing is played
  std::shared_ptr<Play> play_ = std::make_shared<Play>(bed_.options, Script{});
};

TEST_F(JudgeTest, PredicatesOfNumbers) {
  const struct {
    const char* is;
    std::vector<uint64_t> right, wrong;
    const char* said;  // of the first that is wrong
  } kCases[] = {
      {"eq: 8", {8}, {7, 9, 0}, "stat_sn is 7, expected 8"},
      {"not: 8", {7, 9}, {8}, "stat_sn is 8, expected not 8"},
      {"in { value: 3 value: 5 }", {3, 5}, {4, 2, 6}, "stat_sn is 4, expected one of 3, 5"},
      {"range { min: 3 max: 5 }", {3, 4, 5}, {2, 6}, "stat_sn is 2, expected 3 to 5"},
      {"bits { mask: 6 value: 4 }",
       {4, 5, 0xc},
       {6, 2, 0},
       "stat_sn is 6, expected 0x4 in the bits 0x6"},
      {"present: true", {0, 1}, {}, ""},
      {"present: false", {}, {0}, "stat_sn is 0, expected that it isn't there"},
      {"ref { from: 'eight' }", {8}, {7, 9}, "stat_sn is 7, expected = eight (8)"},
      {"ref { from: 'eight' add: 1 }", {9}, {8}, "stat_sn is 8, expected = eight + 1 (9)"},
      {"ref { from: 'eight' add: -1 }", {7}, {8}, "stat_sn is 8, expected = eight - 1 (7)"},
      {"ref { from: 'eight' compare: NOT_EQUAL }",
       {7, 9},
       {8},
       "stat_sn is 8, expected != eight (8)"},
      {"ref { from: 'eight' compare: LESS }", {7, 0}, {8, 9}, "stat_sn is 8, expected < eight (8)"},
      {"ref { from: 'eight' compare: LESS_OR_EQUAL }",
       {7, 8},
       {9},
       "stat_sn is 9, expected <= eight (8)"},
      {"ref { from: 'eight' compare: GREATER }", {9}, {8, 7}, "stat_sn is 8, expected > eight (8)"},
      {"ref { from: 'eight' compare: GREATER_OR_EQUAL }",
       {9, 8},
       {7},
       "stat_sn is 7, expected >= eight (8)"},
      {"ref { from: 'yes' }", {1}, {0}, "stat_sn is 0, expected = yes (1)"},
      // RFC 1982: what comes after 2^32 - 1 is 0.
      {"serial { from: 'wrap' }", {0xffffffff}, {0}, nullptr},
      {"serial { from: 'wrap' add: 1 }", {0}, {1, 0xffffffff}, nullptr},
      {"serial { from: 'wrap' compare: NOT_EQUAL }", {0}, {0xffffffff}, nullptr},
      {"serial { from: 'wrap' compare: LESS }", {0xfffffffe}, {0, 0xffffffff}, nullptr},
      {"serial { from: 'wrap' compare: LESS_OR_EQUAL }",
       {0xffffffff, 0xfffffffe},
       {0},
       "stat_sn is 0, expected <= wrap in serial arithmetic (4294967295 (0xffffffff))"},
      {"serial { from: 'wrap' compare: GREATER }", {0, 5}, {0xffffffff, 0xfffffffe}, nullptr},
      {"serial { from: 'wrap' compare: GREATER_OR_EQUAL }", {0, 0xffffffff}, {0xfffffffe}, nullptr},
  };
  for (const auto& c : kCases) {
    for (const uint64_t value : c.right) EXPECT_EQ(OfStatSn(value, c.is), "") << c.is;
    for (const uint64_t value : c.wrong) EXPECT_NE(OfStatSn(value, c.is), "") << c.is << value;
    if (c.said != nullptr && !c.wrong.empty()) {
      EXPECT_EQ(OfStatSn(c.wrong[0], c.is), c.said);
    }
  }
}

TEST_F(JudgeTest, FieldsThatAreNoneOfThePdu) {
  const std::string login = "login_response { status_class: 2 status_detail: 3 }";
  EXPECT_EQ(Judge(login, "field: '@login_status' eq: 0x203"), "");
  EXPECT_EQ(Judge(login, "field: '@login_status' eq: 0x302"),
            "@login_status is 515 (0x203), expected 770 (0x302)");
  EXPECT_EQ(Judge("nop_in { }", "field: '@login_status' eq: 0"),
            "there is no @login_status, expected 0");
  EXPECT_EQ(Judge("nop_in { }", "field: '@login_status' present: false"), "");
  EXPECT_EQ(Judge("nop_in { }", "field: '@login_status' present: true"),
            "there is no @login_status, expected that it is there");
  EXPECT_EQ(Judge("nop_in { } data { raw: 'abc' }", "field: '@data_length' eq: 3"), "");
  EXPECT_EQ(Judge("nop_in { }", "field: '@data_length' eq: 0"), "");
  EXPECT_EQ(Judge("nop_in { }", "field: '@arrival' eq: 7"), "");
  EXPECT_EQ(Judge("nop_in { }", "field: '@arrival' eq: 8 why: 'it came first'"),
            "@arrival is 7, expected 8: it came first");
}

TEST_F(JudgeTest, KeysOfAPdu) {
  const std::string text =
      "text_response { } data { raw: 'A=alpha\\0B=beta\\0N=0x10\\0Y=Yes\\0X=No\\0' }";
  const struct {
    const char* predicate;
    bool holds;
  } kCases[] = {
      {"field: 'key.A' text: 'alpha'", true},
      {"field: 'key.A' text: 'alph'", false},
      {"field: 'key.B' ref { from: 'word' }", true},
      {"field: 'key.A' ref { from: 'word' }", false},
      {"field: 'key.A' ref { from: 'word' compare: LESS }", true},
      {"field: 'key.A' ref { from: 'word' compare: GREATER }", false},
      {"field: 'key.A' ref { from: 'word' compare: NOT_EQUAL }", true},
      // A word and a number are two texts.
      {"field: 'key.A' ref { from: 'eight' }", false},
      {"field: 'key.A' ref { from: 'eight' compare: NOT_EQUAL }", true},
      {"field: 'key.N' ref { from: 'word' }", false},
      {"field: 'key.N' eq: 16", true},
      {"field: 'key.N' eq: 15", false},
      {"field: 'key.Y' eq: 1", true},
      {"field: 'key.X' eq: 0", true},
      {"field: 'key.X' eq: 1", false},
      {"field: 'key.A' eq: 0", false},  // no number
      {"field: 'key.C' present: false", true},
      {"field: 'key.C' not: 1", false},
  };
  for (const auto& c : kCases) EXPECT_EQ(Judge(text, c.predicate).empty(), c.holds) << c.predicate;
  EXPECT_EQ(Judge(text, "field: 'key.A' text: 'x'"), "key.A is \"alpha\", expected \"x\"");
  EXPECT_EQ(Judge(text, "field: 'key.A' ref { from: 'word' }"),
            "key.A is \"alpha\", expected = word (\"beta\")");
}

TEST_F(JudgeTest, WhatAScenarioGetsWrongIsAnErrorOfItsOwn) {
  EXPECT_EQ(OfStatSn(1, ""), "error: where { field: \"stat_sn\" } says nothing of it");
  EXPECT_NE(OfStatSn(1, "ref { from: 'unknown' }").find("error: "), std::string::npos);
  EXPECT_NE(Judge("nop_in { }", "field: 'r2t_sn' eq: 1").find("error: "), std::string::npos);
}

// RFC 7143 §6.2, §13.
TEST_F(JudgeTest, ResultsOfNegotiation) {
  const struct {
    const char *offered, *said, *rule;
    bool holds;
  } kCases[] = {
      {"MaxBurstLength=1024", "MaxBurstLength=1024", "rule: MINIMUM", true},
      {"MaxBurstLength=1024", "MaxBurstLength=512", "rule: MINIMUM", true},
      {"MaxBurstLength=1024", "MaxBurstLength=1025", "rule: MINIMUM", false},
      {"MaxBurstLength=1024", "MaxBurstLength=511", "rule: MINIMUM", false},
      {"MaxBurstLength=1024", "", "rule: MINIMUM", false},
      {"MaxBurstLength=1024", "MaxBurstLength=1025", "rule: ANY_LEGAL", true},
      {"MaxBurstLength=1024", "MaxBurstLength=511", "rule: ANY_LEGAL", false},
      {"DefaultTime2Wait=5", "DefaultTime2Wait=6", "rule: MAXIMUM", true},
      {"DefaultTime2Wait=5", "DefaultTime2Wait=4", "rule: MAXIMUM", false},
      {"DefaultTime2Wait=5", "DefaultTime2Wait=3601", "rule: MAXIMUM", false},
      {"ImmediateData=No", "ImmediateData=No", "rule: BOOLEAN_AND", true},
      {"ImmediateData=No", "ImmediateData=Yes", "rule: BOOLEAN_AND", false},
      {"ImmediateData=Yes", "ImmediateData=No", "rule: BOOLEAN_AND", true},
      {"ImmediateData=No", "", "rule: BOOLEAN_AND", true},  // decided by the offer
      {"ImmediateData=Yes", "", "rule: BOOLEAN_AND", false},
      {"InitialR2T=Yes", "InitialR2T=No", "rule: BOOLEAN_OR", false},
      {"InitialR2T=No", "InitialR2T=Yes", "rule: BOOLEAN_OR", true},
      {"InitialR2T=Yes", "", "rule: BOOLEAN_OR", true},
      {"InitialR2T=No", "", "rule: BOOLEAN_OR", false},
      {"HeaderDigest=CRC32C,None", "HeaderDigest=None", "rule: LIST_CHOICE", true},
      {"HeaderDigest=CRC32C", "HeaderDigest=None", "rule: LIST_CHOICE", false},
      {"", "MaxRecvDataSegmentLength=512", "rule: DECLARED", true},
      {"", "MaxRecvDataSegmentLength=511", "rule: DECLARED", false},
      {"MaxRecvDataSegmentLength=4096", "MaxRecvDataSegmentLength=8192", "rule: DECLARED", true},
      {"MaxRecvDataSegmentLength=4096", "", "rule: DECLARED", true},
      // Of a key that no RFC names.
      {"X-a=5", "X-a=5", "rule: MINIMUM", true},
      {"X-a=5", "X-a=6", "rule: MINIMUM", false},
      {"X-a=5", "X-a=6", "rule: MAXIMUM", true},
      {"X-a=5", "X-a=4", "rule: MAXIMUM", false},
      {"X-a=5", "X-a=b", "rule: MAXIMUM", false},
      {"X-a=5", "X-a=0x5", "rule: MINIMUM", true},
      {"X-a=5", "X-a=0x6", "rule: MINIMUM", false},
      {"X-a=b,c", "X-a=c", "rule: LIST_CHOICE", true},
      {"X-a=b,c", "X-a=d", "rule: LIST_CHOICE", false},
      // What the rule says was offered counts, where it says so.
      {"", "MaxBurstLength=1024", "rule: MINIMUM offered: '1024'", true},
      {"", "MaxBurstLength=1025", "rule: MINIMUM offered: '1024'", false},
      // By value: in any notation (§6.1).
      {"MaxBurstLength=1024", "MaxBurstLength=0x200", "value: '512'", true},
      {"MaxBurstLength=1024", "MaxBurstLength=1024", "value: '512'", false},
      {"MaxBurstLength=1024", "", "value: '1024'", false},
      {"MaxBurstLength=1024", "MaxBurstLength=8", "value_from: 'eight'", true},
      {"MaxBurstLength=1024", "MaxBurstLength=9", "value_from: 'eight'", false},
      {"MaxBurstLength=1024", "MaxBurstLength=9", "value: '8' or_value: '9'", true},
      {"InitialR2T=Yes", "", "value: 'Yes'", true},  // no answer is owed: the outcome counts
      {"InitialR2T=Yes", "", "value: 'No'", false},
      {"X-a=b", "", "absent: true", true},
      {"X-a=b", "X-a=c", "absent: true", false},
      {"X-a=b", "X-a=c", "absent: false", true},
      {"X-a=b", "", "absent: false", false},
      {"X-a=b", "X-a=c", "present: true", true},
      {"X-a=b", "", "present: true", false},
      {"X-a=b", "", "present: false", true},
      {"X-a=b", "X-a=c", "present: false", false},
  };
  for (const auto& c : kCases) {
    const std::string pair = *c.offered != '\0' ? c.offered : c.said;
    const std::string rule = absl::StrCat("name: '", pair.substr(0, pair.find('=')), "' ", c.rule);
    const std::string said = JudgeKey(c.offered, c.said, rule);
    EXPECT_EQ(said.empty(), c.holds) << c.offered << " " << c.said << " " << rule << ": " << said;
  }
  EXPECT_EQ(JudgeKey("X-a=5", "X-a=6", "name: 'X-a' value: '7'"), "X-a=6 (offered 5): due is 7");
  EXPECT_EQ(JudgeKey("X-a=5", "", "name: 'X-a' value: '7'"),
            "X-a (offered 5): there was no answer, due is 7");
  EXPECT_EQ(JudgeKey("", "", "name: 'X-a' present: true"), "X-a: there is none");
  // Where nothing was offered.
  EXPECT_EQ(JudgeKey("", "", "name: 'X-a' rule: DECLARED"), "");
  EXPECT_EQ(JudgeKey("", "", "name: 'X-a' rule: MINIMUM"), "X-a: there was no answer");
  EXPECT_EQ(JudgeKey("", "X-a=5", "name: 'X-a' rule: ANY_LEGAL"), "");
}

TEST_F(JudgeTest, WhatIsSavedIsThereForLaterSteps) {
  const auto pdu = Parse<v1::Pdu>("nop_in { stat_sn: 5 }");
  const Subject subject{.pdu = &pdu};
  const auto expect = Parse<v1::Alternative>("save { field: 'stat_sn' as: 's' }");
  ASSERT_TRUE(SaveFields(play_.get(), nullptr, subject, expect.save()).ok());
  EXPECT_EQ(std::get<uint64_t>(*play_->Value("s", nullptr)), 5u);
  const auto absent = Parse<v1::Alternative>("save { field: '@login_status' as: 's' }");
  EXPECT_EQ(SaveFields(play_.get(), nullptr, subject, absent.save()).message(),
            "save { field: \"@login_status\" }: the PDU that came doesn't have it");
}

TEST(DescribeTest, SaysWhatIsExpected) {
  EXPECT_EQ(DescribeValue(uint64_t{9}), "9");
  EXPECT_EQ(DescribeValue(uint64_t{10}), "10 (0xa)");
  EXPECT_EQ(DescribeValue(std::string("a")), "\"a\"");
  EXPECT_EQ(DescribeKeyRule(Parse<v1::KeyRule>("name: 'A' value: 'b'")), "A=b");
  EXPECT_EQ(DescribeKeyRule(Parse<v1::KeyRule>("name: 'A' value_from: 'b'")), "A=<b>");
  EXPECT_EQ(DescribeKeyRule(Parse<v1::KeyRule>("name: 'A' rule: MINIMUM")),
            "A by the rule MINIMUM");
  EXPECT_EQ(DescribeKeyRule(Parse<v1::KeyRule>("name: 'A' absent: true")), "no A");
  EXPECT_EQ(DescribeKeyRule(Parse<v1::KeyRule>("name: 'A' absent: false")), "A");
  EXPECT_EQ(DescribeAlternative(Parse<v1::Alternative>("closed: true")),
            "the end of the connection");
  const std::string text = DescribeAlternative(Parse<v1::Alternative>(
      "pdu { nop_in { } } where { field: 'stat_sn' eq: 5 } key { name: 'A' value: 'b' } "
      "rejects: 't'"));
  EXPECT_TRUE(text.ends_with(", stat_sn 5, A=b of task t")) << text;
}

// RFC 7143 §11.17.4: the header of the rejected PDU is its data.
TEST(RejectIsOfTest, AHeaderThatWasSent) {
  Task task;
  task.sent_headers = {std::string(48, 'a'), std::string(48, 'b')};
  v1::Pdu reject;
  EXPECT_FALSE(RejectIsOf(reject, task));
  reject.mutable_data()->set_raw(std::string(48, 'b'));
  EXPECT_TRUE(RejectIsOf(reject, task));
  reject.mutable_data()->set_raw(std::string(48, 'b') + "more");
  EXPECT_TRUE(RejectIsOf(reject, task));
  reject.mutable_data()->set_raw(std::string(47, 'b'));
  EXPECT_FALSE(RejectIsOf(reject, task));
  reject.mutable_data()->set_raw(std::string(48, 'c'));
  EXPECT_FALSE(RejectIsOf(reject, task));
}

}  // namespace
}  // namespace pushpull::initiator_sim
