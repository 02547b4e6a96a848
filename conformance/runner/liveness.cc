#include "conformance/runner/liveness.h"

#include <chrono>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "conformance/report/verdict.h"
#include "conformance/runner/inspect.h"
#include "conformance/runner/play_case.h"

namespace pushpull::conformance {
namespace {

// Between two looks at a target that is starting.
constexpr absl::Duration kLookEvery = absl::Milliseconds(100);

}  // namespace

absl::Status Liveness::Check(const PlaySettings& settings, const TargetFacts& facts,
                             initiator_sim::Tap* tap) const {
  PlayCaseOptions options;
  options.monitor = false;
  options.settings = &settings;
  options.facts = &facts;
  options.seed = seed_;
  options.tap = tap;
  const v1::CaseResult result = PlayCase(factory_, sanity_, options);
  if (!IsFailure(result.verdict(), false)) return absl::OkStatus();
  const v1::Failure& failure = result.failure();
  std::string message =
      absl::StrCat(About(factory_->uri()), "a plain session fails: ", failure.message());
  if (!failure.expected().empty()) absl::StrAppend(&message, "; expected: ", failure.expected());
  if (!failure.actual().empty() && failure.actual() != failure.message()) {
    absl::StrAppend(&message, "; came: ", failure.actual());
  }
  return absl::UnavailableError(message);
}

absl::Status Liveness::Restart(const std::string& case_id, const PlaySettings& settings,
                               const TargetFacts& facts, const ResultFolder* folder) const {
  const auto deadline =
      std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(commands_.limit);
  absl::Status status = RunCommand(commands_, commands_.restart, "restart", case_id, folder);
  if (!status.ok()) return status;
  while (!(status = Check(settings, facts)).ok() && std::chrono::steady_clock::now() < deadline) {
    auto pause = factory_->Make(seed_);
    if (pause.ok()) (*pause)->RunUntil([] { return false; }, kLookEvery);
  }
  if (status.ok()) return status;
  return absl::UnavailableError(absl::StrCat("it ended with 0, but within ",
                                             absl::FormatDuration(commands_.limit), " ",
                                             std::string(status.message())));
}

}  // namespace pushpull::conformance
