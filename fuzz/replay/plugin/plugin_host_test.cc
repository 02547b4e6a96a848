#include "fuzz/replay/plugin/plugin_host.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fuzz/replay/delivery.h"
#include "fuzz/replay/trace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::replay {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Plugin(std::string_view name) {
  return absl::StrCat("fuzz/replay/plugins/", std::string(name), ".so");
}

// Two NOP-Outs, the second with data.
Trace SmallTrace() {
  std::vector<uint8_t> bytes(48 + 48 + 8);
  bytes[0] = 0x40;
  bytes[48] = 0x40;
  bytes[48 + 7] = 5;
  for (size_t i = 0; i < 5; ++i) bytes[96 + i] = static_cast<uint8_t>(i + 1);
  return MakeTrace("small", Direction::kToTarget, {}, std::move(bytes));
}

std::unique_ptr<PluginHost> Host(std::string_view name, std::string_view option,
                                 int deadline_ms = 20000) {
  PluginOptions options;
  options.path = Plugin(name);
  options.options = std::string(option);
  options.deadline_ms = deadline_ms;
  auto host = PluginHost::Create(options);
  EXPECT_TRUE(host.ok()) << host.status();
  return host.ok() ? *std::move(host) : nullptr;
}

Delivery CutAt(const Trace& trace, size_t at) {
  Delivery delivery;
  delivery.Feed(at);
  delivery.Feed(trace.bytes.size() - at);
  delivery.End();
  return delivery;
}

Delivery PushedOneByOne(const Trace& trace) {
  Delivery delivery;
  delivery.Clear(Source::kPush);
  for (size_t i = 0; i < trace.messages(); ++i) delivery.Push(1);
  delivery.End();
  return delivery;
}

Outcome Played(PluginHost& host, const Delivery& delivery) {
  const auto outcome = host.Play(delivery);
  EXPECT_TRUE(outcome.ok()) << outcome.status();
  return outcome.ok() ? *outcome : Outcome();
}

v1::EventLog Logged(PluginHost& host, const Delivery& delivery) {
  const auto log = host.PlayForLog(delivery);
  EXPECT_TRUE(log.ok()) << log.status();
  return log.ok() ? *log : v1::EventLog();
}

TEST(PluginOptionsTest, SplitsAtTheFirstComma) {
  EXPECT_EQ(PluginOptions::Parse("a.so").path, "a.so");
  EXPECT_EQ(PluginOptions::Parse("a.so").options, "");
  EXPECT_EQ(PluginOptions::Parse("/x/a.so,b,c=d").path, "/x/a.so");
  EXPECT_EQ(PluginOptions::Parse("/x/a.so,b,c=d").options, "b,c=d");
}

TEST(PluginHostTest, LoadErrorsSayWhatToDo) {
  struct Case {
    std::string path;
    absl::StatusCode code;
    std::string says;
  };
  const Case kCases[] = {
      {"no/such.so", absl::StatusCode::kNotFound, "no such file"},
      {"README.md", absl::StatusCode::kInvalidArgument, "is it a shared object"},
      {"fuzz/replay/plugin/no_entry.so", absl::StatusCode::kInvalidArgument,
       "exports no pushpull_receiver_entry(): define it"},
      {Plugin("faulty_old"), absl::StatusCode::kInvalidArgument,
       "has abi_version 2, this Pushpull 1: build the plug-in"},
      {Plugin("faulty_null"), absl::StatusCode::kInvalidArgument, "doesn't know version 1"},
      {Plugin("faulty_crash"), absl::StatusCode::kInvalidArgument,
       "crashed: SIGABRT (Aborted) while it was loaded"},
  };
  for (const Case& c : kCases) {
    PluginOptions options;
    options.path = c.path;
    const auto host = PluginHost::Create(options);
    ASSERT_FALSE(host.ok()) << c.path;
    EXPECT_EQ(host.status().code(), c.code) << host.status();
    EXPECT_THAT(std::string(host.status().message()), AllOf(HasSubstr(c.says), HasSubstr(c.path)));
  }
}

TEST(PluginHostTest, PlaysAndTellsOfPdus) {
  const Trace trace = SmallTrace();
  auto host = Host("wrong", "");
  EXPECT_EQ(host->name(), "plugin wrong");
  ASSERT_TRUE(host->Open(trace).ok());
  EXPECT_THAT(host->sources(), ElementsAre(Source::kTcp, Source::kPush));
  const Outcome whole = Played(*host, Whole(trace, Source::kTcp));
  EXPECT_FALSE(whole.fault);
  EXPECT_EQ(whole.events, 3u);
  for (size_t at = 1; at < trace.bytes.size(); ++at) {
    const Outcome cut = Played(*host, CutAt(trace, at));
    EXPECT_EQ(cut.events_digest, whole.events_digest) << at;
    EXPECT_NE(cut.spans_digest, whole.spans_digest) << at;
  }
  EXPECT_EQ(Played(*host, PushedOneByOne(trace)).events_digest, whole.events_digest);
  EXPECT_EQ(Played(*host, Whole(trace, Source::kPush)).events_digest, whole.events_digest);
  EXPECT_EQ(host->children(), 2u);  // one to look at it, one for the trace

  const v1::EventLog log = Logged(*host, CutAt(trace, 100));
  ASSERT_EQ(log.event_size(), 3);
  EXPECT_EQ(log.event(0).pdu().bhs(), std::string(base::AsText(trace.BytesOf(trace.pdus[0]))));
  EXPECT_EQ(log.event(1).pdu().data(), "\x1\x2\x3\x4\x5");
  EXPECT_TRUE(log.event(2).has_end());
  EXPECT_FALSE(log.event(2).end().inside_pdu());
}

TEST(PluginHostTest, NotYetBeforeEachReadChangesNothing) {
  const Trace trace = SmallTrace();
  auto host = Host("wrong", "");
  ASSERT_TRUE(host->Open(trace).ok());
  const Outcome whole = Played(*host, Whole(trace, Source::kTcp));
  Delivery delivery = CutAt(trace, 50);
  delivery.not_yet_before_each_read = true;
  EXPECT_EQ(Played(*host, delivery).events_digest, whole.events_digest);
  delivery.end_with_last = true;
  EXPECT_EQ(Played(*host, delivery).events_digest, whole.events_digest);
  EXPECT_EQ(Played(*host, delivery).events, 3u);
}

struct DeathCase {
  std::string option;
  std::string kind;
  std::string says;
  Source source = Source::kTcp;
};

class DeathTest : public ::testing::TestWithParam<DeathCase> {};

// A death is a finding, and the next delivery is played by another child.
TEST_P(DeathTest, IsAFindingAndGoesOn) {
  const DeathCase& c = GetParam();
  const Trace trace = SmallTrace();
  // Only who hangs needs the deadline.
  auto host = Host("faulty", c.option, c.kind == "hung" ? 300 : 20000);
  ASSERT_TRUE(host->Open(trace).ok());
  const Delivery whole = Whole(trace, Source::kTcp);
  const Outcome good = Played(*host, whole);
  EXPECT_FALSE(good.fault);

  const Delivery deadly = c.source == Source::kPush ? PushedOneByOne(trace) : CutAt(trace, 20);
  const Outcome died = Played(*host, deadly);
  EXPECT_TRUE(died.fault);
  EXPECT_NE(died.events_digest, good.events_digest);
  ASSERT_EQ(host->deaths().size(), 1u);
  EXPECT_EQ(host->deaths()[0].kind, c.kind) << host->deaths()[0].text;
  EXPECT_THAT(host->deaths()[0].text, HasSubstr(c.says));
  EXPECT_EQ(host->deaths()[0].delivery, deadly);

  EXPECT_EQ(Played(*host, whole).events_digest, good.events_digest);
  EXPECT_EQ(Played(*host, deadly).events_digest, died.events_digest);

  const v1::EventLog log = Logged(*host, deadly);
  ASSERT_GT(log.event_size(), 0);
  const v1::OtherEvent& last = log.event(log.event_size() - 1).other();
  EXPECT_EQ(last.kind(), c.kind);
  EXPECT_THAT(last.text(), HasSubstr(c.says));
  EXPECT_FALSE(Played(*host, whole).fault);
}

INSTANTIATE_TEST_SUITE_P(
    All, DeathTest,
    ::testing::Values(DeathCase{"crash", "crashed", "in poll()"},
                      DeathCase{"abort", "crashed", "SIGABRT (Aborted) in poll()"},
                      DeathCase{"exit", "exited", "exit status 0 in poll()"},
                      DeathCase{"hang", "hung", "no answer within 300 ms in poll()"},
                      DeathCase{"flood", "violation", "more than 4104 events in poll()"},
                      DeathCase{"bad_event", "violation", "an event of kind 9"},
                      DeathCase{"bad_recv", "violation", "recv() into no room"},
                      DeathCase{"garbage", "garbled", "answers that can't be"},
                      DeathCase{"children", "crashed", "SIGKILL"},
                      DeathCase{"chatter", "crashed", "in poll()"},
                      DeathCase{"repost", "violation", "which it doesn't have", Source::kPush},
                      DeathCase{"crash", "crashed", "in push()", Source::kPush}),
    [](const auto& info) {
      return info.param.option + (info.param.source == Source::kPush ? "_pushed" : "");
    });

TEST(PluginHostTest, KeepsTheLastWords) {
  const Trace trace = SmallTrace();
  auto host = Host("faulty", "chatter");
  ASSERT_TRUE(host->Open(trace).ok());
  EXPECT_TRUE(Played(*host, CutAt(trace, 20)).fault);
  ASSERT_EQ(host->deaths().size(), 1u);
  EXPECT_THAT(host->deaths()[0].output, HasSubstr("last words\n"));
  EXPECT_LE(host->deaths()[0].output.size(), 32768u);
  (void)Logged(*host, CutAt(trace, 20));
  EXPECT_THAT(host->last_words(), HasSubstr("last words\n"));
  (void)Logged(*host, Whole(trace, Source::kTcp));
  EXPECT_EQ(host->last_words(), "");
}

TEST(PluginHostTest, GivesUpATraceThatIsTooOftenDeadly) {
  const Trace trace = SmallTrace();
  PluginOptions options;
  options.path = Plugin("faulty");
  options.options = "crash";
  options.max_deaths = 5;
  auto made = PluginHost::Create(options);
  ASSERT_TRUE(made.ok());
  PluginHost* const host = made->get();
  ASSERT_TRUE(host->Open(trace).ok());
  const Outcome good = Played(*host, Whole(trace, Source::kTcp));
  const uint64_t before = host->children();
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(Played(*host, CutAt(trace, 20)).fault);
  EXPECT_EQ(host->deaths().size(), 5u);
  EXPECT_EQ(host->children() - before, 4u);
  EXPECT_EQ(Played(*host, CutAt(trace, 21)).events_digest, good.events_digest);
  // From then on it is played anew.
  ASSERT_TRUE(host->Open(trace).ok());
  EXPECT_FALSE(Played(*host, Whole(trace, Source::kTcp)).fault);
}

TEST(PluginHostTest, AForgedReplyHarmsNobody) {
  const Trace trace = SmallTrace();
  auto host = Host("faulty", "replies");
  ASSERT_TRUE(host->Open(trace).ok());
  // The child wiped its own call: whatever comes of it, the host goes on.
  EXPECT_TRUE(host->Play(CutAt(trace, 20)).ok());
  EXPECT_TRUE(host->PlayForLog(CutAt(trace, 20)).ok());
  EXPECT_FALSE(Played(*host, Whole(trace, Source::kTcp)).fault);
}

TEST(PluginHostTest, KeptBuffersAreAFinding) {
  const Trace trace = SmallTrace();
  auto host = Host("faulty", "keep");
  ASSERT_TRUE(host->Open(trace).ok());
  Delivery delivery = PushedOneByOne(trace);
  EXPECT_FALSE(Played(*host, delivery).fault);  // there are enough
  delivery.slots = 1;
  EXPECT_TRUE(Played(*host, delivery).fault);
  const v1::EventLog log = Logged(*host, delivery);
  EXPECT_THAT(log.event(log.event_size() - 1).other().text(),
              HasSubstr("keeps all 1 posted buffers: message 2 of 2 finds none"));
}

TEST(PluginHostTest, TellsWhatItDoesNotTake) {
  Trace trace = SmallTrace();
  auto unsupported = Host("faulty", "unsupported");
  absl::Status status = unsupported->Open(trace);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(status.message()), HasSubstr("not on a Sunday"));

  auto broken = Host("faulty", "broken");
  ASSERT_TRUE(broken->Open(trace).ok());
  EXPECT_TRUE(Played(*broken, Whole(trace, Source::kTcp)).fault);
  EXPECT_THAT(Logged(*broken, Whole(trace, Source::kTcp)).event(0).other().text(),
              HasSubstr("gave up with -2: not on a Sunday"));

  auto host = Host("faulty", "");
  trace.direction = Direction::kToInitiator;
  EXPECT_THAT(std::string(host->Open(trace).message()),
              HasSubstr("PUSHPULL_CAP_TO_INITIATOR isn't among its capabilities"));
  trace.direction = Direction::kToTarget;
  trace.parameters.header_digest = true;
  EXPECT_EQ(host->Open(trace).code(), absl::StatusCode::kUnimplemented);
  trace.parameters = {};
  trace.parameters.login_pdus = 1;
  EXPECT_EQ(host->Open(trace).code(), absl::StatusCode::kUnimplemented);
}

TEST(PluginHostTest, LeavesNoChild) {
  {
    const Trace trace = SmallTrace();
    auto host = Host("faulty", "children");
    ASSERT_TRUE(host->Open(trace).ok());
    EXPECT_TRUE(Played(*host, CutAt(trace, 20)).fault);
    EXPECT_FALSE(Played(*host, Whole(trace, Source::kTcp)).fault);
  }
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

}  // namespace
}  // namespace pushpull::replay
