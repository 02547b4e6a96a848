// The suites come to the same verdicts however the bytes are cut and delayed.

#include <cstdint>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tools/suites/testing.h"

namespace pushpull::tools {
namespace {

TEST(SplitsTest, OneByteAtATime) {
  uint64_t reads = 0, bytes = 0;
  EmbeddedSimOptions endpoint;
  endpoint.network = fabric::SimOptions::Both({.max_read_bytes = 1});
  endpoint.on_connection = [&](const fabric::SimConnectionRecord& connection) {
    for (const fabric::SimCounters& way : {connection.to_acceptor, connection.to_connector}) {
      reads += way.reads;
      bytes += way.bytes_read;
    }
  };
  EXPECT_EQ(Unexpected(PlaySuites(AllCases(), endpoint, {})), "");
  EXPECT_EQ(reads, bytes);
  EXPECT_GT(bytes, 100'000u);
}

TEST(SplitsTest, DelaysOfThirtyMilliseconds) {
  EmbeddedSimOptions endpoint;
  endpoint.network = fabric::SimOptions::Both({
      .min_latency = absl::Milliseconds(30),
      .max_latency = absl::Milliseconds(30),
  });
  EXPECT_EQ(Unexpected(PlaySuites(AllCases(), endpoint, {})), "");
}

// What the initiator writes in pieces.
TEST(SplitsTest, CutWrites) {
  for (const char* schedule : {"fields", "mss:536", "random:7:3"}) {
    conformance::RunOptions options;
    options.play.splits = initiator_sim::SplitSchedule::Parse(schedule).value();
    EXPECT_EQ(Unexpected(PlaySuites(AllCases(), EmbeddedSimOptions(), options)), "") << schedule;
  }
}

}  // namespace
}  // namespace pushpull::tools
