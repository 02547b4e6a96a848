#include "fuzz/replay/plugin/event_sink.h"

#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::replay {
namespace {

using ::testing::HasSubstr;

pushpull_event Event(uint32_t kind, std::string_view data = "", const char* text = nullptr) {
  pushpull_event event = {};
  event.struct_size = sizeof(event);
  event.kind = kind;
  event.data = reinterpret_cast<const uint8_t*>(data.data());
  event.data_bytes = data.size();
  event.text = text;
  return event;
}

struct Told {
  std::string log;
  uint64_t digest;
  uint32_t events;
};

Told Tell(const std::vector<pushpull_event>& events, bool data_only = false) {
  EventSink sink(data_only, {}, nullptr);
  v1::EventLog log;
  sink.Begin([&log](const v1::Event& event) { *log.add_event() = event; });
  for (const pushpull_event& event : events) EXPECT_EQ(sink.Add(event), "");
  sink.Finish();
  EventSink silent(data_only, {}, nullptr);
  silent.Begin(nullptr);
  for (const pushpull_event& event : events) EXPECT_EQ(silent.Add(event), "");
  silent.Finish();
  EXPECT_EQ(silent.digest(), sink.digest()) << "with and without a log";
  return {log.ShortDebugString(), sink.digest(), sink.events()};
}

// Digests are equal exactly where logs are.
TEST(EventSinkTest, DigestsStandForLogs) {
  static const std::vector<uint8_t> kBhs(48, 1);
  pushpull_event shown = Event(PUSHPULL_EVENT_PDU, "abc");
  shown.bhs = kBhs.data();
  shown.bhs_bytes = kBhs.size();
  pushpull_event with_ahs = shown;
  with_ahs.ahs = kBhs.data();
  with_ahs.ahs_bytes = 4;
  pushpull_event discarded = shown;
  discarded.flags = PUSHPULL_FLAG_DATA_DISCARDED;
  pushpull_event digest_failed = shown;
  digest_failed.flags = PUSHPULL_FLAG_DATA_DIGEST_FAILED;
  pushpull_event unknown_flag = shown;
  unknown_flag.flags = 1u << 20;
  pushpull_event fatal = Event(PUSHPULL_EVENT_ERROR);
  fatal.flags = PUSHPULL_FLAG_FATAL;
  pushpull_event code = Event(PUSHPULL_EVENT_ERROR);
  code.code = 3;
  pushpull_event inside = Event(PUSHPULL_EVENT_END);
  inside.flags = PUSHPULL_FLAG_INSIDE_PDU;
  const std::vector<std::vector<pushpull_event>> kLogs = {
      {},
      {Event(PUSHPULL_EVENT_PDU)},
      {Event(PUSHPULL_EVENT_PDU, "abc")},
      {Event(PUSHPULL_EVENT_DATA, "a"), Event(PUSHPULL_EVENT_PDU, "bc")},
      {Event(PUSHPULL_EVENT_DATA, "ab"), Event(PUSHPULL_EVENT_DATA, "c"),
       Event(PUSHPULL_EVENT_PDU)},
      {Event(PUSHPULL_EVENT_DATA, "abc")},
      {Event(PUSHPULL_EVENT_PDU, "abc", "status 0")},
      {Event(PUSHPULL_EVENT_PDU, "abc"), Event(PUSHPULL_EVENT_PDU)},
      {shown},
      {with_ahs},
      {discarded},
      {digest_failed},
      {unknown_flag},
      {Event(PUSHPULL_EVENT_ERROR)},
      {Event(PUSHPULL_EVENT_ERROR, "", "bad")},
      {fatal},
      {code},
      {Event(PUSHPULL_EVENT_END)},
      {inside},
      {Event(PUSHPULL_EVENT_END, "", "bye")},
  };
  for (const bool data_only : {false, true}) {
    for (size_t i = 0; i < kLogs.size(); ++i) {
      for (size_t j = 0; j < kLogs.size(); ++j) {
        const Told a = Tell(kLogs[i], data_only);
        const Told b = Tell(kLogs[j], data_only);
        EXPECT_EQ(a.digest == b.digest, a.log == b.log) << i << ", " << j << "\n"
                                                        << a.log << "\n"
                                                        << b.log;
      }
    }
  }
}

TEST(EventSinkTest, DataOnlyForgetsWherePdusEnd) {
  const Told one = Tell(
      {Event(PUSHPULL_EVENT_PDU, "ab"), Event(PUSHPULL_EVENT_PDU, "c"), Event(PUSHPULL_EVENT_END)},
      true);
  const Told other = Tell({Event(PUSHPULL_EVENT_DATA, "abc"), Event(PUSHPULL_EVENT_END)}, true);
  EXPECT_EQ(one.digest, other.digest);
  EXPECT_EQ(one.log, other.log);
}

TEST(EventSinkTest, JudgesEvents) {
  pushpull_event null_data = Event(PUSHPULL_EVENT_PDU);
  null_data.data = nullptr;
  null_data.data_bytes = 4;
  pushpull_event short_bhs = Event(PUSHPULL_EVENT_PDU);
  short_bhs.bhs = reinterpret_cast<const uint8_t*>("x");
  short_bhs.bhs_bytes = 1;
  pushpull_event old = Event(PUSHPULL_EVENT_PDU);
  old.struct_size = 8;
  pushpull_event huge = Event(PUSHPULL_EVENT_PDU);
  huge.ahs = huge.data = reinterpret_cast<const uint8_t*>("x");
  huge.ahs_bytes = huge.data_bytes = SIZE_MAX / 2 + 1;
  const struct {
    pushpull_event event;
    const char* says;
  } kCases[] = {
      {Event(0), "kind 0"},         {Event(5), "kind 5"},   {null_data, "null pointer"},
      {short_bhs, "BHS of 1 byte"}, {old, "struct_size 8"}, {huge, "bytes of events"},
  };
  for (const auto& c : kCases) {
    EventSink sink(false, {}, nullptr);
    sink.Begin(nullptr);
    EXPECT_THAT(sink.Add(c.event), HasSubstr(c.says));
    EXPECT_EQ(sink.events(), 0u);
  }
}

TEST(EventSinkTest, StopsAtItsLimits) {
  EventSink sink(false, {.events = 2, .bytes = 5}, nullptr);
  sink.Begin(nullptr);
  EXPECT_EQ(sink.Add(Event(PUSHPULL_EVENT_PDU, "abc")), "");
  EXPECT_THAT(sink.Add(Event(PUSHPULL_EVENT_DATA, "abc")), HasSubstr("more than 5 bytes"));
  EXPECT_EQ(sink.Add(Event(PUSHPULL_EVENT_PDU)), "");
  EXPECT_THAT(sink.Add(Event(PUSHPULL_EVENT_PDU)), HasSubstr("more than 2 events"));
  sink.Begin(nullptr);
  EXPECT_EQ(sink.Add(Event(PUSHPULL_EVENT_PDU, "abc")), "");
}

TEST(PrintableTest, EscapesAndCuts) {
  EXPECT_EQ(Printable("a b~"), "a b~");
  EXPECT_EQ(Printable(std::string("\x1b\0\\\xff", 4)), "\\x1b\\x00\\x5c\\xff");
  EXPECT_EQ(Printable("abcdef", 3), "abc...");
}

}  // namespace
}  // namespace pushpull::replay
