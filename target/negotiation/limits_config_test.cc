#include "target/negotiation/limits_config.h"

#include <string>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

absl::StatusOr<NegotiationLimits> Parse(const std::string& text) {
  v1::NegotiationLimits config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &config));
  return LimitsFromConfig(config);
}

TEST(LimitsFromConfig, UnsetIsTheDefault) {
  const auto limits = Parse("");
  ASSERT_TRUE(limits.ok());
  EXPECT_EQ(limits->max_recv_data_segment_length, 262144u);
  EXPECT_EQ(limits->max_burst_length, 1048576u);
  EXPECT_EQ(limits->first_burst_length, 262144u);
  EXPECT_EQ(limits->max_outstanding_r2t, 16);
  EXPECT_FALSE(limits->initial_r2t);
  EXPECT_TRUE(limits->immediate_data);
  EXPECT_TRUE(limits->header_digest);
  EXPECT_TRUE(limits->data_digest);
  EXPECT_EQ(limits->default_time2wait, 2);
  EXPECT_EQ(limits->default_time2retain, 20);
  EXPECT_EQ(limits->max_outstanding_unexpected_pdus, 16u);
}

TEST(LimitsFromConfig, TakesThoseOfIser) {
  const auto limits =
      Parse("initiator_recv_data_segment_length: 512 max_outstanding_unexpected_pdus: 2");
  ASSERT_TRUE(limits.ok()) << limits.status();
  EXPECT_EQ(limits->initiator_recv_data_segment_length, 512u);
  EXPECT_EQ(limits->max_outstanding_unexpected_pdus, 2u);
  EXPECT_EQ(Parse("max_outstanding_unexpected_pdus: 1024")->max_outstanding_unexpected_pdus, 1024u);
  EXPECT_EQ(Parse("max_outstanding_unexpected_pdus: 1").status().message(),
            "limits.max_outstanding_unexpected_pdus is 1, but can be 2 to 1024: a receive is "
            "posted for each (RFC 7145 §6.7)");
}

TEST(LimitsFromConfig, TakesWhatIsSet) {
  const auto limits = Parse(
      "max_recv_data_segment_length: 512 max_burst_length: 8192 first_burst_length: 4096 "
      "max_outstanding_r2t: 1 initial_r2t: true immediate_data: false header_digest: false "
      "data_digest: false default_time2wait: 0 default_time2retain: 3600 queue_depth: 7");
  ASSERT_TRUE(limits.ok()) << limits.status();
  EXPECT_EQ(limits->max_recv_data_segment_length, 512u);
  EXPECT_EQ(limits->max_burst_length, 8192u);
  EXPECT_EQ(limits->first_burst_length, 4096u);
  EXPECT_EQ(limits->max_outstanding_r2t, 1);
  EXPECT_TRUE(limits->initial_r2t);
  EXPECT_FALSE(limits->immediate_data);
  EXPECT_FALSE(limits->header_digest);
  EXPECT_FALSE(limits->data_digest);
  EXPECT_EQ(limits->default_time2wait, 0);
  EXPECT_EQ(limits->default_time2retain, 3600);
}

TEST(LimitsFromConfig, RefusesWhatTheKeyDoesNotAdmit) {
  for (const char* text :
       {"max_recv_data_segment_length: 511", "max_recv_data_segment_length: 16777216",
        "max_burst_length: 0", "first_burst_length: 100", "max_outstanding_r2t: 0",
        "max_outstanding_r2t: 65536", "initiator_recv_data_segment_length: 511",
        "max_outstanding_unexpected_pdus: 0", "max_outstanding_unexpected_pdus: 1025",
        "default_time2wait: 3601", "default_time2retain: 4000"}) {
    const auto limits = Parse(text);
    EXPECT_EQ(limits.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_EQ(Parse("max_outstanding_r2t: 0").status().message(),
            "limits.max_outstanding_r2t is 0, but MaxOutstandingR2T can be 1 to 65535 "
            "(RFC 7143 §13.17)");
}

TEST(LimitsFromConfig, KeepsFirstBurstBelowMaxBurst) {
  EXPECT_FALSE(Parse("max_burst_length: 4096 first_burst_length: 8192").ok());
  EXPECT_FALSE(Parse("max_burst_length: 4096 first_burst_length: 4097").ok());
  EXPECT_EQ(Parse("max_burst_length: 4096 first_burst_length: 4096")->first_burst_length, 4096u);
  const auto lowered = Parse("max_burst_length: 4096");
  ASSERT_TRUE(lowered.ok());
  EXPECT_EQ(lowered->first_burst_length, 4096u);
}

}  // namespace
}  // namespace pushpull::target
