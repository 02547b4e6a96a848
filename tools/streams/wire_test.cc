// Random command streams over both transports, simulated.

#include "tools/streams/wire.h"

#include <cstdint>

#include "base/sanitized.h"
#include "fuzz/streams/stream.h"
#include "gtest/gtest.h"
#include "target/bugs/bugs.h"

namespace pushpull::tools {
namespace {

constexpr uint64_t kSeeds = base::kSanitized ? 3 : 10;

void PlaySeeds(Transport transport) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const auto finding = RunOverWire({.transport = transport, .seed = seed, .bugs = {}});
    ASSERT_FALSE(finding.has_value()) << "seed " << seed << ": " << finding->text << "\n"
                                      << streams::Describe(finding->stream);
  }
}

TEST(WireStreams, TargetIsAsTheModelHasItOverTcp) { PlaySeeds(Transport::kTcp); }
TEST(WireStreams, TargetIsAsTheModelHasItOverIser) { PlaySeeds(Transport::kIser); }

#if PUSHPULL_BUGS
TEST(WireStreams, FindADefect) {
  target::BugSet bugs;
  bugs.Add(target::Bug::kScsiClearKeepsRegistrations);
  for (const Transport transport : {Transport::kTcp, Transport::kIser}) {
    const auto finding = RunOverWire({.transport = transport, .commands = 20, .bugs = bugs});
    ASSERT_TRUE(finding.has_value());
    // The ending alone shows it.
    EXPECT_TRUE(finding->stream.empty()) << streams::Describe(finding->stream);
  }
}
#endif

}  // namespace
}  // namespace pushpull::tools
