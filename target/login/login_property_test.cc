// Random logins, by seed: whatever comes, the target answers by the rules or closes, and stays
// within its bounds.

#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "base/random.h"
#include "gtest/gtest.h"
#include "target/login/login.h"
#include "target/login/testing.h"
#include "target/negotiation/keys.h"
#include "target/negotiation/values.h"

namespace pushpull::target {
namespace {

// Mostly sensible pairs, so that dialogues go far; the rest is anything.
class TextMaker {
 public:
  explicit TextMaker(base::Random random) : random_(random) {}

  std::string Make(bool first) {
    std::string text;
    if (first && !random_.Chance(2)) {
      text = WireText(random_.Chance(80) ? kNames : kDiscoveryNames);
    }
    for (uint64_t i = random_.Below(5); i > 0; --i) AppendPair(text, Key(), Value());
    if (random_.Chance(2)) text += Bytes(20);
    if (random_.Chance(2) && !text.empty()) {
      text[random_.Below(text.size())] = static_cast<char>(random_.Next());
    }
    return text;
  }

 private:
  std::string Key() {
    if (random_.Chance(10)) return "X-key" + std::to_string(random_.Below(1000));
    if (random_.Chance(1)) return Bytes(80);
    const auto keys = AllKeys();
    // The names come first of all, and once.
    const KeyRow& row = keys[random_.Below(keys.size())];
    return row.declared() && row.security && !random_.Chance(5) ? "InitialR2T"
                                                                : std::string(row.name);
  }

  std::string Value() {
    constexpr std::string_view kValues[] = {
        "Yes",      "No",         "None", "CRC32C", "CRC32C,None", "0",
        "1",        "2",          "512",  "4096",   "65536",       "16777215",
        "16777216", "0x1000",     "CHAP", "Foo",    "Reject",      "Discovery",
        "RFC3720",  "Irrelevant", "",     "1~2",    "3600",        "NotUnderstood"};
    if (random_.Chance(3)) return std::string(random_.Below(300), 'v');
    const size_t count = std::size(kValues) - (random_.Chance(90) ? 8 : 0);
    return std::string(kValues[random_.Below(count)]);
  }

  std::string Bytes(uint64_t most) {
    std::string bytes(random_.Below(most), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random_.Next());
    return bytes;
  }

  base::Random random_;
};

struct Tally {
  int finals = 0;
  int fails = 0;
  int exchanges = 0;
};

// What holds for every response, by RFC 7143 §6.3 and §11.13.
void CheckResponse(const LoginRequest& request, const LoginStep& step, uint32_t stat_sn) {
  const LoginResponse& response = step.response;
  ASSERT_LE(step.text.size(), 8192u);
  ASSERT_EQ(response.isid, (Isid{0x80, 1, 2, 3, 4, 5}));
  ASSERT_EQ(response.version_active, 0);
  ASSERT_EQ(response.stat_sn, stat_sn);
  const bool failed = step.kind == LoginStep::Kind::kFail;
  ASSERT_EQ(failed, response.status_class != 0);
  if (failed) {
    ASSERT_FALSE(response.transit || response.text_continue);
    ASSERT_FALSE(step.error.reason.empty());
    return;
  }
  ASSERT_EQ(response.current_stage, request.current_stage);
  ASSERT_FALSE(response.transit && response.text_continue);
  ASSERT_FALSE(response.transit && !request.transit);
  if (response.transit) {
    ASSERT_LE(response.next_stage, request.next_stage);
    ASSERT_GT(response.next_stage, request.current_stage);
  } else {
    ASSERT_EQ(static_cast<int>(response.next_stage), 0);
  }
  if (request.text_continue) {
    ASSERT_TRUE(step.text.empty());
  }
  if (!response.text_continue && !step.text.empty()) {
    ASSERT_EQ(step.text.back(), '\0');
  }
  ASSERT_EQ(step.kind == LoginStep::Kind::kFinal,
            response.transit && response.next_stage == Stage::kFullFeaturePhase);
  ASSERT_EQ(response.tsih != 0, step.kind == LoginStep::Kind::kFinal);
}

void CheckParameters(const LoginResult& result) {
  const SessionParameters& session = result.session;
  EXPECT_LE(session.first_burst_length, session.max_burst_length);
  EXPECT_GE(session.first_burst_length, 512u);
  EXPECT_LE(session.max_burst_length, 1048576u);
  EXPECT_GE(session.max_burst_length, 512u);
  EXPECT_EQ(session.max_connections, 1);
  EXPECT_EQ(session.error_recovery_level, 0);
  EXPECT_LE(session.default_time2wait, 3600);
  EXPECT_GE(session.default_time2wait, 2);
  EXPECT_LE(session.default_time2retain, 20);
  EXPECT_GE(session.max_outstanding_r2t, 1);
  EXPECT_LE(session.max_outstanding_r2t, 16);
  EXPECT_FALSE(session.rdma_extensions);
  EXPECT_GE(result.connection.initiator_max_recv_data_segment_length, 512u);
  EXPECT_LE(result.connection.initiator_max_recv_data_segment_length, kMaxDataSegmentLength);
}

// No key of an RFC is ever called unknown (RFC7143-6.2-f).
void CheckPairs(const std::string& text) {
  const auto pairs = ParseText(text);
  ASSERT_TRUE(pairs.ok()) << pairs.error().reason;
  for (const KeyValue& pair : *pairs) {
    ASSERT_EQ(pair.value == kValueNotUnderstood, FindKey(pair.key) == nullptr) << pair.key;
  }
}

void RunLogin(uint64_t seed, Tally& tally) {
  SCOPED_TRACE(seed);
  base::Random random(seed);
  TextMaker maker(random.Fork());
  LoginConfig config;
  config.initial_stat_sn = static_cast<uint32_t>(random.Next());
  config.limits.cut_inside_pairs = random.Chance(50);
  Dialogue login(config);
  Stage stage =
      random.Chance(50) ? Stage::kSecurityNegotiation : Stage::kLoginOperationalNegotiation;
  std::string unsent, answers;
  bool first = true, empty_due = false;
  // Every request is a whole exchange or has a byte of text at least.
  for (uint32_t i = 0;; ++i) {
    ASSERT_LT(i, 100000u) << "it doesn't end";
    LoginRequest request = login.header;
    request.current_stage = stage;
    if (random.Chance(1)) request.current_stage = static_cast<Stage>(random.Below(4));
    if (unsent.empty() && !empty_due) unsent = maker.Make(first);
    const size_t size = random.Chance(60) ? unsent.size() : random.Below(unsent.size() + 1);
    const std::string part = unsent.substr(0, empty_due ? 0 : size);
    if (!empty_due) unsent.erase(0, size);
    request.text_continue = !unsent.empty() && !empty_due;
    request.transit = !request.text_continue && random.Chance(50);
    if (request.transit || random.Chance(5)) {
      request.next_stage =
          random.Chance(90) ? Stage::kFullFeaturePhase : static_cast<Stage>(random.Below(4));
    }
    first &= request.text_continue;
    if (random.Chance(1)) {
      login.Show(login.machine.OnOtherPdu());
    } else {
      login.Show(login.machine.OnRequest(request, base::AsBytes(part)));
    }
    ++tally.exchanges;
    if (login.step.kind == LoginStep::Kind::kClose) {
      ASSERT_EQ(i, 0u);
      break;
    }
    CheckResponse(request, login.step, config.initial_stat_sn + i);
    if (testing::Test::HasFatalFailure()) return;
    if (login.step.kind == LoginStep::Kind::kFail) break;
    answers += login.step.text;
    empty_due = login.step.response.text_continue;
    if (!empty_due) CheckPairs(std::exchange(answers, ""));
    if (login.step.response.transit) stage = login.step.response.next_stage;
    if (login.step.kind == LoginStep::Kind::kFinal) break;
  }
  EXPECT_TRUE(login.machine.finished());
  const bool final = login.step.kind == LoginStep::Kind::kFinal;
  (final ? tally.finals : tally.fails) += 1;
  if (final) CheckParameters(login.machine.result());
  EXPECT_EQ(login.Say("1-3", kNames), "close");
}

TEST(LoginProperty, AnswersByTheRulesOrCloses) {
  Tally tally;
  for (uint64_t seed = 1; seed <= 20000 && !testing::Test::HasFailure(); ++seed) {
    RunLogin(seed, tally);
  }
  // The dialogues are such as to reach both ends.
  EXPECT_GT(tally.finals, 2000);
  EXPECT_GT(tally.fails, 2000);
  EXPECT_GT(tally.exchanges, 30000);
}

}  // namespace
}  // namespace pushpull::target
