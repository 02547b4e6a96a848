// Text sequences of the Full Feature Phase: SendTargets (RFC 7143 Appendix C), continuation and
// keys (§6.4, §11.10, §11.11).

#include "target/discovery/text_exchange.h"

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "gtest/gtest.h"
#include "target/negotiation/testing.h"

namespace pushpull::target {
namespace {

constexpr char kInitiator[] = "iqn.2026-11.org.example:host";

class FakeDirectory : public TargetDirectory {
 public:
  std::vector<TargetRecord> TargetsFor(std::string_view initiator_name) override {
    EXPECT_EQ(initiator_name, kInitiator);
    return records;
  }
  std::vector<TargetRecord> records = {
      {"iqn.a", {{"192.0.2.1:3260", 1}, {"[2001:db8::1]:3260", 1}, {"192.0.2.2:3261", 2}}},
      {"iqn.b", {{"192.0.2.1:3260", 0}}},
  };
};

const std::string kRecordA =
    "TargetName=iqn.a|TargetAddress=192.0.2.1:3260,1|TargetAddress=[2001:db8::1]:3260,1|"
    "TargetAddress=192.0.2.2:3261,2";
const std::string kRecordB = "TargetName=iqn.b|TargetAddress=192.0.2.1:3260,0";

// One connection. An answer is shown as "F text", "- text" (F=0), "C text", or "reject REASON".
class Talk {
 public:
  explicit Talk(SessionType type, TextExchange::Config config = {}) : Talk(type, {}, config) {}
  Talk(SessionType type, std::optional<std::string> target_name, TextExchange::Config config = {})
      : exchange_(&directory, Complete(type, target_name, config)) {
    header.initiator_task_tag = 0x20;
  }

  // A sequence's first request, with F.
  std::string Ask(std::string_view text) {
    header.target_transfer_tag = kNoTag;
    return Say("F", text);
  }
  // The next request of the sequence: the tag was copied.
  std::string Say(std::string_view flags, std::string_view text = "") {
    return SayBytes(flags, WireText(text));
  }
  std::string SayBytes(std::string_view flags, std::string_view bytes) {
    TextRequest request = header;
    request.final = flags.find('F') != flags.npos;
    request.text_continue = flags.find('C') != flags.npos;
    reply = exchange_.OnRequest(request, base::AsBytes(bytes), session, connection);
    if (reply.kind == TextReply::Kind::kReject) {
      EXPECT_FALSE(reply.error.reason.empty());
      return "reject " + std::to_string(static_cast<int>(reply.reject_reason));
    }
    const TextResponse& response = reply.response;
    EXPECT_EQ(response.initiator_task_tag, request.initiator_task_tag);  // RFC7143-11.11.3-a
    // RFC7143-11.11.1-b, 11.11.4-a, 6.4-c
    EXPECT_EQ(response.final, response.target_transfer_tag == kNoTag);
    EXPECT_FALSE(response.final && response.text_continue);  // RFC7143-11.11.2-a
    EXPECT_FALSE(response.final && !request.final);          // RFC7143-11.11.1-a
    EXPECT_LE(reply.text.size(), connection.initiator_max_recv_data_segment_length);
    if (reply.new_parameters) {
      EXPECT_TRUE(response.final);
      connection = *reply.new_parameters;
    }
    header.target_transfer_tag = response.target_transfer_tag;
    header.lun = response.lun;
    const std::string sign = response.final ? "F" : response.text_continue ? "C" : "-";
    return reply.text.empty() ? sign : sign + " " + ShownText(reply.text);
  }

  FakeDirectory directory;
  SessionParameters session;
  ConnectionParameters connection;
  TextRequest header;  // of the next request, but for its flags
  TextReply reply;     // the last

 private:
  static TextExchange::Config Complete(SessionType type, std::optional<std::string> target_name,
                                       TextExchange::Config config) {
    config.session = {type, kInitiator, std::move(target_name)};
    return config;
  }
  TextExchange exchange_;
};

Talk Normal() { return Talk(SessionType::kNormal, "iqn.b"); }

// RFC7143-C-a, -b, -e, -g, -i, 13.8-b, 6.4-a
TEST(SendTargets, OnUnnamedDiscoverySessions) {
  Talk talk(SessionType::kDiscovery);
  EXPECT_EQ(talk.Ask("SendTargets=All"), "F " + kRecordA + "|" + kRecordB);
  EXPECT_EQ(talk.Ask("SendTargets=iqn.a"), "F " + kRecordA);
  EXPECT_EQ(talk.Ask("SendTargets=iqn.b"), "F " + kRecordB);
  EXPECT_EQ(talk.Ask("SendTargets=iqn.c"), "F");
  EXPECT_EQ(talk.Ask("SendTargets="), "F");
  EXPECT_EQ(talk.Ask("SendTargets=all"), "F");
  talk.directory.records.clear();
  EXPECT_EQ(talk.Ask("SendTargets=All"), "F");  // RFC7143-C-h
}

TEST(SendTargets, OnNamedDiscoverySessions) {
  Talk talk(SessionType::kDiscovery, "iqn.b");
  EXPECT_EQ(talk.Ask("SendTargets=All"), "F " + kRecordA + "|" + kRecordB);
  EXPECT_EQ(talk.Ask("SendTargets="), "F " + kRecordB);
}

// RFC7143-C-c, -d, -f
TEST(SendTargets, OnNormalSessions) {
  Talk talk = Normal();
  EXPECT_EQ(talk.Ask("SendTargets="), "F " + kRecordB);
  EXPECT_EQ(talk.Ask("SendTargets=iqn.b"), "F " + kRecordB);
  EXPECT_EQ(talk.Ask("SendTargets=iqn.a"), "F");
  EXPECT_EQ(talk.Ask("SendTargets=All"), "F SendTargets=Reject");
}

// RFC7143-4.3-b, 6.2-g
TEST(SendTargets, StandsAlone) {
  Talk discovery(SessionType::kDiscovery);
  EXPECT_EQ(discovery.Ask("SendTargets=All|X-a=1"), "reject 4");
  EXPECT_EQ(discovery.Ask("SendTargets=All|SendTargets=All"), "reject 4");
  EXPECT_EQ(discovery.Ask("SendTargets=Reject"), "reject 4");
  EXPECT_EQ(discovery.Ask("X-a=1"), "reject 4");
  EXPECT_EQ(discovery.Ask("MaxRecvDataSegmentLength=512"), "reject 4");
  EXPECT_EQ(discovery.Ask("SendTargets"), "reject 4");
  EXPECT_EQ(discovery.Say("", "SendTargets=All"), "- " + kRecordA + "|" + kRecordB);
  EXPECT_EQ(discovery.Say("F", "SendTargets=All"), "reject 4");
  Talk normal = Normal();
  EXPECT_EQ(normal.Ask("InitiatorAlias=a|SendTargets="), "reject 4");
  EXPECT_EQ(normal.Say("", "InitiatorAlias=a"), "-");
  EXPECT_EQ(normal.Say("F", "SendTargets="), "reject 4");
  normal.header.target_transfer_tag = kNoTag;
  EXPECT_EQ(normal.Say("", "SendTargets="), "- " + kRecordB);
  EXPECT_EQ(normal.Say("F", "InitiatorAlias=a"), "reject 4");
}

// RFC7143-C-j, 11.10.4-a, -b, 11.11.6-a, 6.2-a: long lists, at several bounds and both cuts.
TEST(SendTargets, LongListsAreContinued) {
  for (const bool inside : {false, true}) {
    for (const uint32_t limit : {512u, 513u, 1000u, 8192u, 1u << 20}) {
      TextExchange::Config config;
      config.limits.cut_inside_pairs = inside;
      Talk talk(SessionType::kDiscovery, config);
      talk.connection.initiator_max_recv_data_segment_length = limit;
      talk.directory.records.clear();
      std::string expected;
      for (int i = 0; i < 1000; ++i) {
        const std::string name = "iqn.2026-11.org.example:" + std::to_string(i);
        talk.directory.records.push_back({name, {{"192.0.2.1", 1}}});
        AppendPair(expected, "TargetName", name);
        AppendPair(expected, "TargetAddress", "192.0.2.1,1");
      }
      talk.header.lun = 7;
      talk.Ask("SendTargets=All");
      const uint32_t tag = talk.header.target_transfer_tag;
      std::string text = talk.reply.text;
      while (!talk.reply.response.final) {
        EXPECT_EQ(talk.reply.response.target_transfer_tag, tag);
        EXPECT_EQ(talk.reply.response.lun, 7u);
        EXPECT_TRUE(talk.reply.response.text_continue);
        ASSERT_FALSE(talk.reply.text.empty());  // RFC7143-6.4-e
        talk.Say("F");
        text += talk.reply.text;
      }
      EXPECT_EQ(text, expected);
    }
  }
}

class LongList : public testing::Test {
 protected:
  LongList() {
    talk_.connection.initiator_max_recv_data_segment_length = 80;
    first_ = talk_.Ask("SendTargets=All");
    EXPECT_TRUE(first_.starts_with("C TargetName=iqn.a|")) << first_;
  }
  Talk talk_{SessionType::kDiscovery};
  std::string first_;
};

// RFC7143-11.10.4-a: a new request begins again.
TEST_F(LongList, IsRestartedByTheReservedTag) {
  const uint32_t old_tag = talk_.header.target_transfer_tag;
  EXPECT_EQ(talk_.Ask("SendTargets=All"), first_);
  EXPECT_NE(talk_.header.target_transfer_tag, old_tag);
  talk_.header.target_transfer_tag = old_tag;
  EXPECT_EQ(talk_.Say("F"), "reject 9");
}

// RFC7143-11.10.4-c, 11.10.3: only the sequence's own tags go on, and others do no harm.
TEST_F(LongList, GoesOnByItsTagsAlone) {
  const TextRequest good = talk_.header;
  talk_.header.target_transfer_tag = 0x12345678;
  EXPECT_EQ(talk_.Say("F"), "reject 9");
  talk_.header = good;
  talk_.header.initiator_task_tag = 0x21;
  EXPECT_EQ(talk_.Say("F"), "reject 9");
  talk_.header = good;
  talk_.header.immediate = true;
  EXPECT_EQ(talk_.Say("F"), "reject 4");
  talk_.header = good;
  EXPECT_TRUE(talk_.Say("F").starts_with("C TargetAddress="));
}

TEST_F(LongList, BearsNoTextBetween) {
  EXPECT_EQ(talk_.Say("F", "SendTargets=All"), "reject 4");
  EXPECT_EQ(talk_.Say("F"), "reject 9");
}

TEST(TextExchange, UnknownTagAtRest) {
  Talk talk(SessionType::kDiscovery);
  talk.header.target_transfer_tag = 1;
  EXPECT_EQ(talk.Say("F", "SendTargets=All"), "reject 9");
}

// RFC7143-6.1-e, 6.2-b: a request's text over two PDUs, cut at every byte.
TEST(TextExchange, CutAnywhereIsTheSame) {
  const std::string wire = WireText("X-a=1|MaxRecvDataSegmentLength=1024|HeaderDigest=None");
  for (size_t cut = 0; cut <= wire.size(); ++cut) {
    Talk talk = Normal();
    EXPECT_EQ(talk.SayBytes("C", wire.substr(0, cut)), "-");
    EXPECT_EQ(talk.connection.initiator_max_recv_data_segment_length, 8192u);
    EXPECT_EQ(talk.SayBytes("F", wire.substr(cut)), "F X-a=NotUnderstood|HeaderDigest=Reject");
    EXPECT_EQ(talk.connection.initiator_max_recv_data_segment_length, 1024u);
  }
}

// RFC7143-13.12-a, 6.4-f, 6.2-i: in force when the sequence is done, and not before.
TEST(TextExchange, MaxRecvDataSegmentLengthTakesEffectAtTheEnd) {
  Talk talk = Normal();
  EXPECT_EQ(talk.Say("", "MaxRecvDataSegmentLength=1024"), "-");
  EXPECT_FALSE(talk.reply.new_parameters.has_value());
  EXPECT_EQ(talk.Say("", "MaxRecvDataSegmentLength=65536"), "-");
  EXPECT_EQ(talk.connection.initiator_max_recv_data_segment_length, 8192u);
  EXPECT_EQ(talk.Say("F"), "F");
  EXPECT_EQ(talk.connection.initiator_max_recv_data_segment_length, 65536u);
}

// RFC7143-7.12-b: a negotiation that fails leaves everything as it was.
TEST(TextExchange, FailureChangesNothing) {
  Talk talk = Normal();
  EXPECT_EQ(talk.Say("", "MaxRecvDataSegmentLength=65536"), "-");
  EXPECT_EQ(talk.Say("F", "InitiatorAlias=\xff"), "reject 4");
  EXPECT_EQ(talk.connection.initiator_max_recv_data_segment_length, 8192u);
  EXPECT_EQ(talk.Ask("InitiatorAlias=a"), "F");
  EXPECT_FALSE(talk.reply.new_parameters.has_value());
}

TEST(TextExchange, ResetChangesNothing) {
  Talk talk = Normal();
  EXPECT_EQ(talk.Say("", "MaxRecvDataSegmentLength=65536"), "-");
  EXPECT_EQ(talk.Ask("X-a=1"), "F X-a=NotUnderstood");
  EXPECT_EQ(talk.connection.initiator_max_recv_data_segment_length, 8192u);
}

// RFC7143-13-a, -b, 6.4-d, 11.10.2
TEST(TextExchange, Keys) {
  struct Case {
    const char* text;
    const char* answer;
  };
  const Case kCases[] = {
      {"", "F"},
      {"HeaderDigest=CRC32C", "F HeaderDigest=Reject"},
      {"MaxBurstLength=512|InitialR2T=No", "F MaxBurstLength=Reject|InitialR2T=Reject"},
      {"TaskReporting=RFC3720", "F TaskReporting=Reject"},
      {"X-com.test=1", "F X-com.test=NotUnderstood"},
      {"InitiatorAlias=a|InitiatorAlias=b", "reject 4"},
      {"MaxRecvDataSegmentLength=511", "reject 4"},
      {"MaxRecvDataSegmentLength=16777216", "reject 4"},
      {"TargetName=iqn.a", "reject 4"},
      {"AuthMethod=None", "reject 4"},
      {"CHAP_A=5", "reject 4"},
      {"MaxRecvDataSegmentLength=NotUnderstood", "reject 4"},
      {"NoValue", "reject 4"},
  };
  for (const Case& c : kCases) {
    Talk talk = Normal();
    EXPECT_EQ(talk.Ask(c.text), c.answer) << c.text;
  }
  Talk both = Normal();
  EXPECT_EQ(both.Say("CF", "X-a=1"), "reject 4");
  Talk split = Normal();
  EXPECT_EQ(split.Say("", "InitiatorAlias=a"), "-");
  EXPECT_EQ(split.Say("F", "InitiatorAlias=b"), "reject 4");
}

// RFC7143-11.11.4-b: bounded in bytes and in exchanges.
TEST(TextExchange, IsBounded) {
  TextExchange::Config config;
  config.max_exchanges = 10;
  Talk idle(SessionType::kNormal, "iqn.b", config);
  for (int i = 0; i < 10; ++i) ASSERT_EQ(idle.Say(""), "-");
  EXPECT_EQ(idle.Say(""), "reject 10");

  Talk long_text = Normal();
  const std::string part(8192, 'a');
  for (int i = 0; i < 8; ++i) ASSERT_EQ(long_text.SayBytes("C", part), "-");
  EXPECT_EQ(long_text.SayBytes("C", "a"), "reject 10");
}

TEST(TextExchange, TagsAreNeverReserved) {
  Talk talk = Normal();
  for (int i = 0; i < 1000; ++i) {
    talk.header.target_transfer_tag = kNoTag;
    ASSERT_EQ(talk.Say(""), "-");
    ASSERT_NE(talk.header.target_transfer_tag, kNoTag);
  }
}

TEST(TextExchange, ForgetsWhenAsked) {
  FakeDirectory directory;
  TextExchange::Config config;
  config.session = {SessionType::kNormal, kInitiator, "iqn.b"};
  TextExchange exchange(&directory, config);
  TextRequest request;
  request.initiator_task_tag = 5;
  request.final = false;
  EXPECT_EQ(exchange.initiator_task_tag(), std::nullopt);
  TextReply reply = exchange.OnRequest(request, {}, {}, {});
  EXPECT_EQ(exchange.initiator_task_tag(), 5u);
  exchange.Reset();
  EXPECT_EQ(exchange.initiator_task_tag(), std::nullopt);
  request.target_transfer_tag = reply.response.target_transfer_tag;
  reply = exchange.OnRequest(request, {}, {}, {});
  EXPECT_EQ(reply.kind, TextReply::Kind::kReject);
}

TEST(TextExchange, Defects) {
  if (!kBugsEnabled) GTEST_SKIP();
  FakeDirectory directory;
  TextExchange::Config config;
  config.session = {SessionType::kDiscovery, kInitiator, std::nullopt};
  config.bugs.Add(Bug::kTextFinalMissing);
  TextExchange exchange(&directory, config);
  TextRequest request;
  request.initiator_task_tag = 5;
  const std::string text = WireText("SendTargets=iqn.b");
  const TextReply reply = exchange.OnRequest(request, base::AsBytes(text), {}, {});
  EXPECT_FALSE(reply.response.final);
  EXPECT_NE(reply.response.target_transfer_tag, kNoTag);
  EXPECT_EQ(ShownText(reply.text), kRecordB);
}

}  // namespace
}  // namespace pushpull::target
