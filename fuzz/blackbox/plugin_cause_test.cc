#include "fuzz/blackbox/plugin_cause.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

#include "fuzz/blackbox/slug.h"

namespace pushpull::fuzz {
namespace {

v1::EventLog Log(const std::string& text) {
  v1::EventLog log;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &log)) << text;
  return log;
}

// Two PDUs: 48 bytes of BHS, 8 of AHS, a digest, 6 of data, 2 of pad, a digest; then 48 alone.
replay::Trace TwoPdus() {
  replay::Trace trace;
  trace.bytes.resize(120 + 10);
  trace.pdus = {{.begin = 0,
                 .bhs_end = 48,
                 .ahs_ends = {52, 56},
                 .header_digest_end = 60,
                 .data_end = 66,
                 .pad_end = 68,
                 .end = 72},
                {.begin = 72,
                 .bhs_end = 120,
                 .ahs_ends = {},
                 .header_digest_end = 120,
                 .data_end = 120,
                 .pad_end = 120,
                 .end = 120}};
  trace.tail_begin = 120;
  return trace;
}

replay::Delivery CutAt(size_t at) {
  replay::Delivery delivery;
  delivery.Feed(at);
  delivery.Feed(130 - at);
  delivery.End();
  return delivery;
}

const std::string kPdu = "event { pdu { bhs: 'h' ahs: 'a' data: 'd' } } ";
const std::string kEnd = "event { end {} } ";

PluginCause Cause(const replay::Delivery& found, const std::string& due, const std::string& came) {
  return CauseOf(TwoPdus(), found, Log(due), Log(came));
}

TEST(PluginCauseTest, NamesThePlaceOfTheFirstCut) {
  const struct {
    size_t at;
    const char* place;
    const char* id;
  } kCases[] = {
      {1, "cut in the BHS", "differs_cut_in_the_bhs"},
      {48, "cut in the BHS", "differs_cut_in_the_bhs"},
      {49, "cut in the AHSs", "differs_cut_in_the_ahss"},
      {56, "cut in the AHSs", "differs_cut_in_the_ahss"},
      {57, "cut in the header digest", "differs_cut_in_the_header_digest"},
      {60, "cut in the header digest", "differs_cut_in_the_header_digest"},
      {61, "cut in the data", "differs_cut_in_the_data"},
      {66, "cut in the data", "differs_cut_in_the_data"},
      {67, "cut in the pad", "differs_cut_in_the_pad"},
      {68, "cut in the pad", "differs_cut_in_the_pad"},
      {69, "cut in the data digest", "differs_cut_in_the_data_digest"},
      {71, "cut in the data digest", "differs_cut_in_the_data_digest"},
      {72, "cut between PDUs", "differs_cut_between_pdus"},
      {73, "cut in the BHS", "differs_cut_in_the_bhs"},
      {120, "cut between PDUs", "differs_cut_between_pdus"},
      {121, "cut in the last PDU", "differs_cut_in_the_last_pdu"},
  };
  for (const auto& c : kCases) {
    const PluginCause cause = Cause(CutAt(c.at), kPdu + kEnd, kPdu);
    EXPECT_EQ(cause.message, std::string("nothing instead of the end where it was ") + c.place)
        << c.at;
    EXPECT_EQ(cause.id, c.id) << c.at;
  }
  replay::Delivery uncut;
  uncut.Feed(130);
  EXPECT_EQ(Cause(uncut, kEnd, "").id, "differs_uncut");
  replay::Delivery pushed;
  pushed.Clear(replay::Source::kPush);
  pushed.Push(2);
  EXPECT_EQ(Cause(pushed, kEnd, "").id, "differs_pushed_whole");
  pushed.Push(1);
  EXPECT_EQ(Cause(pushed, kEnd, "").id, "differs_pushed");
}

TEST(PluginCauseTest, SaysWhatDiffers) {
  const struct {
    std::string due, came;
    const char* what;
  } kCases[] = {
      {kPdu, "event { pdu { bhs: 'x' ahs: 'x' data: 'x' } }", "another header"},
      {kPdu, "event { pdu { bhs: 'h' ahs: 'x' data: 'x' } }", "other AHSs"},
      {kPdu, "event { pdu { bhs: 'h' ahs: 'a' data: 'x' } }", "other data"},
      {kPdu + kPdu, kPdu + "event { pdu { bhs: 'h' ahs: 'a' data: 'y' } }", "other data"},
      {kPdu, kEnd, "the end instead of a PDU"},
      {kEnd, kPdu, "a PDU instead of the end"},
      {kEnd, "event { error {} }", "an error instead of the end"},
      {kEnd, kEnd + "event { other { kind: 'more' } }", "\"more\" instead of nothing"},
      {kEnd + kPdu, kEnd, "nothing instead of a PDU"},
  };
  for (const auto& c : kCases) {
    const PluginCause cause = Cause(CutAt(72), c.due, c.came);
    EXPECT_EQ(cause.message, std::string(c.what) + " where it was cut between PDUs");
    EXPECT_EQ(cause.id, "differs_cut_between_pdus");
  }
  EXPECT_EQ(Cause(CutAt(72), kPdu + kEnd, kPdu + kEnd).id, "") << "nothing is wrong";
  EXPECT_EQ(Cause(CutAt(72), "", "").message, "");
}

TEST(PluginCauseTest, FaultsComeFirst) {
  const auto fault = [](const std::string& kind, const std::string& text) {
    return Cause(CutAt(1), kPdu,
                 kEnd + "event { other { kind: '" + kind + "' text: '" + text + "' } }");
  };
  for (const char* kind : {"crashed", "exited", "hung", "violation", "garbled", "stuck"}) {
    EXPECT_EQ(fault(kind, "so").message, std::string(kind) + ": so");
    EXPECT_EQ(fault(kind, "so").id, std::string(kind) + "_so");
  }
  EXPECT_EQ(fault("other", "so").id, "differs_cut_in_the_bhs");
  // The signal's meaning is left out of the name, and so are numbers.
  const PluginCause crash = fault("crashed", "SIGSEGV (Segmentation fault) in poll()");
  EXPECT_EQ(crash.message, "crashed: SIGSEGV (Segmentation fault) in poll()");
  EXPECT_EQ(crash.id, "crashed_sigsegv_in_poll");
  EXPECT_EQ(fault("exited", "with 17, after 3 PDUs").id, "exited_with_after_pdus");
  EXPECT_EQ(fault("stuck", "at (nowhere").id, "stuck_at_nowhere");
  // Only what ended the log is one.
  EXPECT_EQ(Cause(CutAt(1), kEnd, "event { other { kind: 'hung' } } " + kEnd).id,
            "differs_cut_in_the_bhs");
}

TEST(SlugTest, KeepsSmallLettersAndDigits) {
  const std::pair<const char*, const char*> kCases[] = {
      {"", ""},          {"a", "a"},         {"AZaz09", "azaz09"}, {"a b", "a_b"},
      {"a -- b", "a_b"}, {" a", "a"},        {"a ", "a"},          {"_a_", "a"},
      {"@[`{/:", ""},    {"a@b[c", "a_b_c"}, {"\xc3\xa4x", "x"},
  };
  for (const auto& [text, slug] : kCases) EXPECT_EQ(Slug(text), slug) << text;
}

}  // namespace
}  // namespace pushpull::fuzz
