// A vendor profile laid over the verdicts: expected failures become XFAIL, and an entry that no
// longer holds fails the run, so that the list can't rot.

#ifndef CONFORMANCE_RUNNER_OVERLAY_H_
#define CONFORMANCE_RUNNER_OVERLAY_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pushpull/v1/profile.pb.h"
#include "pushpull/v1/report.pb.h"

namespace pushpull::conformance {

class ProfileOverlay {
 public:
  // `today` is YYYY-MM-DD. Fails where an entry has no id, no reason, an unknown verdict or a date
  // that is none.
  static absl::StatusOr<ProfileOverlay> Create(const v1::Profile& profile, std::string_view today);

  // Sets overlay and overlay_reason.
  //   XFAIL  an entry names the id, the verdict and a prefix of the message
  //   XPASS  an entry with this very id expects a failure, and there was none
  // A failure that differs from its entry stays what it is; overlay_reason says how it differs.
  void Apply(v1::CaseResult* result);

  // After all results were seen: what is wrong with the profile itself. `whole_suite`: nothing was
  // filtered away, so an entry that met no case is stale.
  std::vector<std::string> Complaints(bool whole_suite) const;

 private:
  struct Entry {
    v1::ExpectedFailure expected;
    std::vector<v1::Verdict> verdicts;
    bool glob = false;
    bool expired = false;
    bool met = false;
    bool failed_as_expected = false;
  };

  std::vector<Entry> entries_;
};

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_RUNNER_OVERLAY_H_
