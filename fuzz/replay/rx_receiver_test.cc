#include "fuzz/replay/rx_receiver.h"

#include <string>
#include <vector>

#include "base/random.h"
#include "fuzz/replay/event_digest.h"
#include "fuzz/replay/replay_testing.h"
#include "gtest/gtest.h"
#include "target/bugs/bugs.h"

namespace pushpull::replay {
namespace {

// Each event in a word or two.
std::string Brief(const v1::EventLog& log) {
  std::string text;
  for (const v1::Event& event : log.event()) {
    if (event.has_pdu()) {
      text += "pdu";
      if (!event.pdu().ahs().empty()) text += "+ahs" + std::to_string(event.pdu().ahs().size());
      if (!event.pdu().data().empty()) text += "+" + std::to_string(event.pdu().data().size());
      if (event.pdu().data_discarded()) text += "+discarded";
      if (event.pdu().data_digest_failed()) text += "+bad";
    } else if (event.has_error()) {
      text += event.error().reason();
    } else if (event.has_end()) {
      text += event.end().inside_pdu() ? "cut off" : "end";
    } else {
      text += event.other().kind() + ": " + event.other().text();
    }
    text += ", ";
  }
  return text;
}

std::string Played(const Trace& trace, Source source, Receiver* receiver) {
  EXPECT_EQ(receiver->Open(trace), absl::OkStatus());
  return Brief(*receiver->PlayForLog(Whole(trace, source)));
}

target::BugSet Only(target::Bug bug) {
  target::BugSet bugs;
  bugs.Add(bug);
  return bugs;
}

constexpr char kMixedEvents[] =
    "pdu+ahs32+33, pdu+70, pdu, unexpected_data, pdu+discarded, pdu+16, end, ";

TEST(RxReceiverTest, SeesEverything) {
  const auto receiver = MakeRxReceiver();
  EXPECT_EQ(Played(MixedTrace(false, false), Source::kPush, receiver.get()), kMixedEvents);
  for (const bool header : {false, true}) {
    for (const bool data : {false, true}) {
      const Trace trace = MixedTrace(header, data);
      EXPECT_EQ(Played(trace, Source::kTcp, receiver.get()), kMixedEvents);
      EXPECT_EQ(Played(trace, Source::kBytes, receiver.get()), kMixedEvents);
    }
  }
}

TEST(RxReceiverTest, DamageShows) {
  const auto receiver = MakeRxReceiver();
  Trace trace = MixedTrace(true, true);
  trace.bytes[trace.pdus[0].data_end - 1] ^= 1;
  EXPECT_EQ(Played(trace, Source::kTcp, receiver.get()).substr(0, 18), "pdu+ahs32+33+bad, ");
  trace.bytes[trace.pdus[1].begin + 3] ^= 1;
  EXPECT_EQ(Played(trace, Source::kTcp, receiver.get()), "pdu+ahs32+33+bad, header_digest, ");
  trace = MixedTrace(false, false);
  trace = MakeTrace("t", trace.direction, {.max_recv_data_segment_length = 60}, trace.bytes);
  EXPECT_EQ(Played(trace, Source::kTcp, receiver.get()), "pdu+ahs32+33, data_segment_too_long, ");
  EXPECT_EQ(Played(trace, Source::kPush, receiver.get()), "pdu+ahs32+33, data_segment_too_long, ");
  trace.bytes.resize(trace.bytes.size() - 5);
  trace = MakeTrace("t", trace.direction, {}, trace.bytes);
  EXPECT_EQ(Played(trace, Source::kTcp, receiver.get()),
            "pdu+ahs32+33, pdu+70, pdu, unexpected_data, pdu+discarded, cut off, ");
  EXPECT_EQ(Played(trace, Source::kPush, receiver.get()),
            "pdu+ahs32+33, pdu+70, pdu, unexpected_data, pdu+discarded, short_message, ");
}

TEST(RxReceiverTest, PushIsOfferedWhereItExists) {
  const auto receiver = MakeRxReceiver();
  const Trace plain = MixedTrace(false, false);
  ASSERT_EQ(receiver->Open(plain), absl::OkStatus());
  EXPECT_EQ(receiver->sources().size(), 3u);
  EXPECT_TRUE(receiver->push_equals_pull());
  const Trace digests = MixedTrace(false, true);
  ASSERT_EQ(receiver->Open(digests), absl::OkStatus());
  EXPECT_EQ(receiver->sources(), (std::vector<Source>{Source::kTcp, Source::kBytes}));
  const Trace cut_off = MakeTrace("t", plain.direction, {},
                                  std::vector<uint8_t>(plain.bytes.begin(), plain.bytes.end() - 1));
  ASSERT_EQ(receiver->Open(cut_off), absl::OkStatus());
  EXPECT_FALSE(receiver->push_equals_pull());
}

TEST(RxReceiverTest, DigestsStandForLogs) {
  const auto receiver = MakeRxReceiver();
  base::Random random(4);
  for (int run = 0; run < 50; ++run) {
    const Trace trace = RandomTrace(&random, 5, /*corrupt=*/true);
    ASSERT_EQ(receiver->Open(trace), absl::OkStatus());
    Trace other = trace;
    if (!other.bytes.empty()) other.bytes[random.Below(other.bytes.size())] ^= 4;
    const auto other_receiver = MakeRxReceiver();
    ASSERT_EQ(other_receiver->Open(other), absl::OkStatus());
    const Delivery whole = Whole(trace, Source::kTcp);
    const bool same_digest =
        receiver->Play(whole)->events_digest == other_receiver->Play(whole)->events_digest;
    const bool same_log =
        DigestOf(*receiver->PlayForLog(whole)) == DigestOf(*other_receiver->PlayForLog(whole));
    EXPECT_EQ(same_digest, same_log) << run;
    EXPECT_EQ(receiver->Play(whole)->events,
              static_cast<uint32_t>(receiver->PlayForLog(whole)->event_size()));
  }
}

TEST(RxReceiverTest, SpansTellDeliveriesApart) {
  const auto receiver = MakeRxReceiver();
  const Trace trace = MixedTrace(false, false);
  ASSERT_EQ(receiver->Open(trace), absl::OkStatus());
  const auto spans = [&](size_t cut) {
    Delivery delivery;
    delivery.Clear(Source::kTcp);
    delivery.Feed(cut);
    delivery.Feed(trace.bytes.size() - cut);
    delivery.End();
    return receiver->Play(delivery)->spans_digest;
  };
  EXPECT_EQ(spans(10), spans(11));  // both within a header
  EXPECT_NE(spans(47), spans(48));  // the header is there, or isn't
  EXPECT_NE(spans(83), spans(84));  // data comes in pieces of their own
  EXPECT_EQ(spans(10), spans(10));
}

TEST(RxReceiverTest, LeakedSlotsAreFaults) {
  const auto receiver = MakeRxReceiver(Only(target::Bug::kRxQueueKeepsReference));
  const Trace trace = MixedTrace(false, false);
  ASSERT_EQ(receiver->Open(trace), absl::OkStatus());
  EXPECT_EQ(receiver->Play(Whole(trace, Source::kTcp))->fault, target::kBugsEnabled);
  const auto keeper = MakeRxReceiver(Only(target::Bug::kRxMessageSlotKept));
  ASSERT_EQ(keeper->Open(trace), absl::OkStatus());
  EXPECT_EQ(keeper->Play(Whole(trace, Source::kPush))->fault, target::kBugsEnabled);
}

TEST(RxReceiverTest, DeliveriesDoNotLeanOnEachOther) {
  const auto receiver = MakeRxReceiver();
  base::Random random(9);
  const Trace trace = MixedTrace(false, false);
  ASSERT_EQ(receiver->Open(trace), absl::OkStatus());
  const uint64_t whole = receiver->Play(Whole(trace, Source::kTcp))->events_digest;
  for (int i = 0; i < 2000; ++i) {
    const Source source = receiver->sources()[random.Below(3)];
    const Delivery delivery = RandomDelivery(trace, source, &random);
    const auto outcome = receiver->Play(delivery);
    ASSERT_EQ(outcome->events_digest, whole) << ToString(delivery) << "\n"
                                             << Brief(*receiver->PlayForLog(delivery));
    ASSERT_FALSE(outcome->fault);
  }
}

}  // namespace
}  // namespace pushpull::replay
