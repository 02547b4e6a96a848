// Random Text Requests, by seed: each is answered by the rules or rejected, within bounds.

#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "gtest/gtest.h"
#include "target/discovery/text_exchange.h"
#include "target/negotiation/keys.h"
#include "target/negotiation/testing.h"

namespace pushpull::target {
namespace {

class ManyTargets : public TargetDirectory {
 public:
  std::vector<TargetRecord> TargetsFor(std::string_view) override {
    std::vector<TargetRecord> records;
    for (int i = 0; i < 40; ++i) {
      records.push_back({"iqn.a:" + std::to_string(i), {{"192.0.2.1:3260", 1}}});
    }
    return records;
  }
};

std::string RandomText(base::Random& random) {
  constexpr std::string_view kValues[] = {"Yes", "512", "65536", "All", "", "iqn.a:7", "Reject"};
  std::string text;
  for (uint64_t i = random.Below(3); i > 0; --i) {
    const auto keys = AllKeys();
    const std::string key(random.Chance(30)   ? "SendTargets"
                          : random.Chance(50) ? "MaxRecvDataSegmentLength"
                                              : keys[random.Below(keys.size())].name);
    AppendPair(text, key, kValues[random.Below(std::size(kValues))]);
  }
  if (random.Chance(5) && !text.empty()) {
    text[random.Below(text.size())] = static_cast<char>(random.Next());
  }
  return text;
}

void CheckReply(const TextRequest& request, const TextReply& reply,
                const ConnectionParameters& connection) {
  if (reply.kind == TextReply::Kind::kReject) {
    ASSERT_FALSE(reply.error.reason.empty());
    ASSERT_FALSE(reply.new_parameters.has_value());
    return;
  }
  const TextResponse& response = reply.response;
  ASSERT_LE(reply.text.size(), connection.initiator_max_recv_data_segment_length);
  ASSERT_EQ(response.initiator_task_tag, request.initiator_task_tag);
  ASSERT_EQ(response.final, response.target_transfer_tag == kNoTag);
  ASSERT_FALSE(response.final && (response.text_continue || !request.final));
  if (request.text_continue) {
    ASSERT_TRUE(reply.text.empty());
  }
  if (reply.new_parameters) {
    ASSERT_TRUE(response.final);
    ASSERT_GE(reply.new_parameters->initiator_max_recv_data_segment_length, 512u);
  }
}

TEST(TextExchangeProperty, AnswersByTheRules) {
  int finals = 0, rejects = 0, continued = 0;
  for (uint64_t seed = 1; seed <= 3000 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    base::Random random(seed);
    ManyTargets directory;
    TextExchange::Config config;
    config.session.session_type =
        random.Chance(50) ? SessionType::kDiscovery : SessionType::kNormal;
    config.session.target_name = "iqn.a:7";
    config.limits.cut_inside_pairs = random.Chance(50);
    TextExchange exchange(&directory, config);
    ConnectionParameters connection;
    connection.initiator_max_recv_data_segment_length = 512;
    uint32_t tag = kNoTag;
    bool empty_due = false;
    for (int i = 0; i < 50; ++i) {
      TextRequest request;
      request.initiator_task_tag = random.Chance(97) ? 1 : 2;
      request.target_transfer_tag = random.Chance(95) ? tag : static_cast<uint32_t>(random.Next());
      request.final = random.Chance(60);
      request.text_continue =
          (!request.final && !empty_due && random.Chance(50)) || random.Chance(1);
      const std::string text = empty_due && random.Chance(98) ? "" : RandomText(random);
      const TextReply reply =
          exchange.OnRequest(request, base::AsBytes(text), SessionParameters(), connection);
      CheckReply(request, reply, connection);
      if (testing::Test::HasFatalFailure()) return;
      if (reply.new_parameters) connection = *reply.new_parameters;
      const bool rejected = reply.kind == TextReply::Kind::kReject;
      tag = rejected ? kNoTag : reply.response.target_transfer_tag;
      empty_due = !rejected && reply.response.text_continue;
      rejects += rejected;
      continued += empty_due;
      finals += !rejected && reply.response.final;
    }
  }
  EXPECT_GT(finals, 10000);
  EXPECT_GT(rejects, 10000);
  EXPECT_GT(continued, 1000);
}

}  // namespace
}  // namespace pushpull::target
