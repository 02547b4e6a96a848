// What `pushpull fuzz --target` and `--plugin` share.

#ifndef TOOLS_PUSHPULL_FUZZ_COMMAND_H_
#define TOOLS_PUSHPULL_FUZZ_COMMAND_H_

#include <cstdint>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "conformance/report/result_folder.h"
#include "fuzz/blackbox/campaign.h"
#include "pushpull/v1/report.pb.h"
#include "tools/pushpull/run_options.h"

namespace pushpull::tools {

struct FuzzFlags {
  RunFlags run;
  std::string plugin;
  double time_s = 0;
  uint64_t runs = 0, first = 0;
  uint64_t minimize_plays = fuzz::CampaignOptions().minimize_plays;
  double sequence_timeout_s = absl::ToDoubleSeconds(fuzz::CampaignOptions().sequence_timeout);
  uint32_t jobs = fuzz::CampaignOptions().together;
};

// What a result says of the run itself.
void DescribeFuzz(const FuzzFlags& flags, absl::Time started, v1::RunResult* run);

// result.json, junit.xml, findings.sarif, report.txt (`text`) and report.html.
absl::Status WriteFuzzResults(const conformance::ResultFolder& folder, const v1::RunResult& run,
                              const std::string& text);

// `pushpull fuzz --plugin`: its exit code. INVALID_ARGUMENT names an option that is about targets.
absl::StatusOr<int> FuzzPlugin(const CLI::App& command, const FuzzFlags& flags);

}  // namespace pushpull::tools

#endif  // TOOLS_PUSHPULL_FUZZ_COMMAND_H_
