// A fuzzing campaign against a receiver behind the plug-in ABI (docs/PLUGINS.md): streams with what
// is wrong with some of them, each delivered in many ways, and what is left of a finding when it
// was confirmed and made small.

#ifndef FUZZ_BLACKBOX_PLUGIN_CAMPAIGN_H_
#define FUZZ_BLACKBOX_PLUGIN_CAMPAIGN_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "conformance/report/result_folder.h"
#include "fuzz/replay/plugin/plugin_host.h"
#include "fuzz/replay/trace.h"
#include "pushpull/v1/report.pb.h"

namespace pushpull::fuzz {

struct PluginStatus {
  uint64_t streams = 0, deliveries = 0;
  uint64_t refused = 0;  // streams that the plug-in doesn't take
  double seconds = 0;
  size_t findings = 0;
  std::string doing;
};

struct PluginCampaignOptions {
  replay::PluginOptions plugin;
  // From which streams grow, besides PDUs at random.
  std::vector<replay::Trace> seeds;
  uint64_t seed = 1;
  uint64_t first = 0;  // number of the first stream
  uint64_t runs = 0;   // 0: until time is up
  absl::Duration time = absl::InfiniteDuration();
  uint64_t minimize_plays = 300;  // streams by which one finding is made small
  std::string argument;           // --plugin as it was given
  std::string replay_command;     // "pushpull fuzz ..." before " --first N --runs 1"
  const std::atomic<bool>* interrupted = nullptr;
  std::function<void(const PluginStatus&)> status = {};  // now and then
};

struct PluginOutcome {
  PluginStatus status;
  // One result for each cause: FAIL. What wasn't seen again stands among the warnings.
  v1::RunResult result;
  // Of each result, in the same order: the difference side by side, for people.
  std::vector<std::string> texts;
};

// `folder` takes scenarios/ID.textproto of findings, which `pushpull replay` plays; may be null.
// NOT_FOUND, INVALID_ARGUMENT: what is wrong with the plug-in. OUT_OF_RANGE: it takes no stream.
absl::StatusOr<PluginOutcome> RunPluginCampaign(const PluginCampaignOptions& options,
                                                const conformance::ResultFolder* folder);

}  // namespace pushpull::fuzz

#endif  // FUZZ_BLACKBOX_PLUGIN_CAMPAIGN_H_
