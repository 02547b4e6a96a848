// A vendor profile laid over the verdicts: expected failures become XFAIL, and an entry that no
// longer holds fails the run, so that the list can't rot.

#ifndef CONFORMANCE_RUNNER_OVERLAY_H_
#define CONFORMANCE_RUNNER_OVERLAY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/runner/profile.h"
#include "pushpull/v1/profile.pb.h"
#include "pushpull/v1/report.pb.h"

namespace pushpull::conformance {

class ProfileOverlay {
 public:
  // A profile that ParseProfile took. `today` is YYYY-MM-DD. `lines`: where each entry stands in
  // the profile's file; may be empty.
  explicit ProfileOverlay(const v1::Profile& profile, std::string_view today,
                          const std::vector<uint32_t>& lines = {});

  // The ids of all cases that there are, chosen for this run or not: whether an entry is stale
  // shows against them.
  void SetCases(const std::vector<std::string>& ids);

  // Sets overlay and overlay_reason.
  //   XFAIL  an entry names the id, the verdict and a prefix of the message
  //   XPASS  an entry with this very id expects a failure, and there was none; but one that is
  //          unsteady may pass
  // A failure that differs from its entry stays what it is; overlay_reason says how it differs.
  void Apply(v1::CaseResult* result);

  // After all results were seen: what is wrong with the profile itself.
  //   an entry whose date is past
  //   an entry that matches no case that there is, chosen or not
  //   a rule whose date is past, or that all cases were judged without seeing broken, unless it is
  //   unsteady
  //   a glob whose cases were all judged in this run (not SKIP, UNSUPPORTED or ERROR), and none of
  //   them fails as it says, unless it is unsteady
  std::vector<v1::ProfileComplaint> Complaints() const;

  // What lets a new failure go by unseen: unsteady entries without a prefix that took one in this
  // run.
  std::vector<std::string> Warnings() const;

  // What makes the profile fit: without stale entries and those of cases that pass, with one for
  // each case that failed unexpectedly (its entry, if it had one, with what came now).
  ProfileRepair Repair(const v1::RunResult& run, bool strict) const;

 private:
  struct Entry {
    v1::ExpectedFailure expected;
    std::vector<v1::Verdict> verdicts;
    uint32_t line = 0;
    bool glob = false;
    bool expired = false;
    size_t cases = 0;   // that it matches, of all there are
    size_t judged = 0;  // of them, in this run
    bool failed_as_expected = false;
    std::string taken;  // the message of the first failure that it took
  };

  struct KnownRule {
    std::string rule;
    bool expired = false;
    bool unsteady = false;
    bool seen = false;
  };

  // Empty: it holds.
  std::string ComplaintOf(const Entry& entry) const;
  std::string ComplaintOf(const KnownRule& known) const;

  std::vector<Entry> entries_;
  std::vector<KnownRule> rules_;
  size_t applied_ = 0;  // results, whatever their verdict
  std::vector<std::string> ids_;
};

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_RUNNER_OVERLAY_H_
