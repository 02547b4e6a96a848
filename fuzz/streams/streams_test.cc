// Random command streams on the device server beside the model, and the defects that they find.

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/sanitized.h"
#include "conformance/model/model.h"
#include "fuzz/streams/generator.h"
#include "fuzz/streams/in_process.h"
#include "fuzz/streams/minimise.h"
#include "fuzz/streams/stream.h"
#include "gtest/gtest.h"
#include "target/bugs/bugs.h"

namespace pushpull::streams {
namespace {

constexpr uint64_t kSeeds = base::kSanitized ? 3 : 8;

TEST(Streams, DeviceServerIsAsTheModelHasIt) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const auto finding = RunInProcess({.seed = seed, .commands = 2000, .bugs = {}});
    ASSERT_FALSE(finding.has_value()) << "seed " << seed << ": " << finding->text << "\n"
                                      << Describe(finding->stream);
  }
}

TEST(Streams, AreTheirSeed) {
  const auto text = [](uint64_t seed) {
    conformance::model::Model model(Units(), Ports());
    for (size_t nexus = 0; nexus < Ports().size(); ++nexus) model.Open(nexus);
    Generator generator(seed, &model);
    Stream stream;
    for (int i = 0; i < 200; ++i) {
      stream.push_back(generator.Next());
      Take(stream.back(), &model);
    }
    return Describe(stream);
  };
  EXPECT_EQ(text(3), text(3));
  EXPECT_NE(text(3), text(4));
}

TEST(Streams, ComeDownToWhatMatters) {
  Stream stream(100);
  for (size_t i = 0; i < stream.size(); ++i) stream[i].command.lun = i;
  const Stream least = Minimise(stream, [](const Stream& less) {
    std::set<uint64_t> there;
    for (const Item& item : less) there.insert(item.command.lun);
    return there.contains(17) && there.contains(18) && there.contains(93);
  });
  ASSERT_EQ(least.size(), 3u);
  EXPECT_EQ(least[1].command.lun, 18u);
}

#if PUSHPULL_BUGS

// All defects of the device server that a name with "scsi_" has are found, but these.
constexpr const char* kHidden[] = {
    "scsi_compare_not_atomic",      // commands come one at a time
    "scsi_reservation_not_saved",   // nothing outlives the target here
    "scsi_copy_segment_ignored",    // all segments of the streams are of a type that there is
    "scsi_designator_length",       // page 83h is the target's own to fill
    "scsi_preempt_aborts_nothing",  // commands come one at a time
    "scsi_verify_takes_data",       // what isn't asked for is not compared
    "scsi_unmap_empty_refused",     // each UNMAP of the streams has a list
    "scsi_limits_unchecked",        // no command of the streams is that long
    "scsi_d_sense_ignored",         // either format is read, and what it says compared
};

// After this one a command never ends, where a stream would stand still.
constexpr const char* kEndless[] = {"scsi_failed_ordered_blocks"};

// And so are these.
constexpr const char* kFoundToo[] = {
    "lun_reset_without_unit_attention",
    "reservation_lost_with_session",
    "transport_id_without_isid",
};

bool IsFound(target::Bug bug, uint64_t seeds) {
  target::BugSet bugs;
  bugs.Add(bug);
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    const auto finding = RunInProcess({.seed = seed, .commands = 1000, .bugs = bugs});
    if (!finding.has_value()) continue;
    std::string last = Describe(finding->stream.back());
    if (last.size() > 100) last.resize(100);
    testing::Test::RecordProperty(std::string(target::BugName(bug)),
                                  absl::StrCat(finding->stream.size(), " commands, the last one ",
                                               last, ": ", finding->text));
    return true;
  }
  return false;
}

TEST(Streams, FindDefects) {
  for (const target::BugInfo& info : target::AllBugs()) {
    const bool hidden = std::ranges::find(kHidden, info.name) != std::end(kHidden);
    const bool too = std::ranges::find(kFoundToo, info.name) != std::end(kFoundToo);
    if (!info.by_scsi() && !too) continue;
    if (std::ranges::find(kEndless, info.name) != std::end(kEndless)) continue;
    // Some take a long time, and which depends on the compiler, too.
    EXPECT_NE(IsFound(info.bug, hidden ? kSeeds : 20 * kSeeds), hidden) << info.name;
  }
}

#endif

}  // namespace
}  // namespace pushpull::streams
