#include "fuzz/replay/capture_trace.h"

#include <gtest/gtest.h>

#include "absl/strings/str_join.h"

namespace pushpull::replay {
namespace {

constexpr char kFile[] = "conformance/capture/testdata/loopback.pcap";

TEST(CaptureTraceTest, ARealCapture) {
  const absl::StatusOr<CaptureTraces> all = TracesFromCaptureFile(kFile);
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(absl::StrJoin(all->remarks, "\n"), "");
  ASSERT_EQ(all->traces.size(), 6u);
  const absl::StatusOr<conformance::Capture> capture = conformance::ReadCaptureFile(kFile);
  for (size_t i = 0; i < all->traces.size(); ++i) {
    const Trace& trace = all->traces[i];
    const conformance::CapturedConnection& connection = capture->connections[i / 2];
    EXPECT_EQ(trace.direction, i % 2 == 0 ? Direction::kToTarget : Direction::kToInitiator);
    EXPECT_EQ(trace.bytes, i % 2 == 0 ? connection.to_target.bytes : connection.to_initiator.bytes);
    EXPECT_FALSE(trace.has_tail());
    EXPECT_EQ(trace.parameters.login_pdus, 1u);
    EXPECT_EQ(trace.parameters.header_digest, i / 2 == 1);
    EXPECT_FALSE(trace.parameters.data_digest);
  }
  // qemu-io: 18 commands and a logout after its login.
  EXPECT_EQ(all->traces[2].name,
            "conformance/capture/testdata/loopback.pcap connection 2 to_target");
  EXPECT_EQ(all->traces[2].pdus.size(), all->traces[3].pdus.size());
  EXPECT_TRUE(all->traces[2].parameters.immediate_data);
  EXPECT_EQ(all->traces[2].parameters.max_recv_data_segment_length, 262144u);
}

TEST(CaptureTraceTest, APartIsTakenUpToTheGap) {
  absl::StatusOr<conformance::Capture> capture = conformance::ReadCaptureFile(kFile);
  ASSERT_TRUE(capture.ok());
  conformance::CapturedConnection& connection = capture->connections[2];
  // The last two requests were lost, all but the last byte.
  conformance::CapturedStream& stream = connection.to_target;
  const size_t size = stream.bytes.size();
  stream.gaps.push_back({.at = size - 50, .missing = 7});
  const absl::StatusOr<CaptureTraces> all = TracesFromCapture(*capture, "f");
  ASSERT_TRUE(all.ok());
  const Trace& trace = all->traces[4];
  EXPECT_EQ(trace.bytes.size(), size - 96);
  EXPECT_FALSE(trace.has_tail());
  EXPECT_FALSE(all->remarks.empty());
}

TEST(CaptureTraceTest, ACaptureWithoutPdusIsAnError) {
  conformance::Capture capture;
  capture.frames = 7;
  EXPECT_EQ(TracesFromCapture(capture, "f").status().message(),
            "f: there is no iSCSI PDU in 7 packets; if the target's port isn't 3260, say which it "
            "is");
  EXPECT_TRUE(absl::IsNotFound(TracesFromCaptureFile("/no/such").status()));
}

}  // namespace
}  // namespace pushpull::replay
