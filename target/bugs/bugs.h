// The reference target's defects on demand: what proves that a conformance case can fail.
//
// A BugSet is a field of a target instance, never global. Code that has a defect asks
//
//   if (bugs.Has(Bug::kR2tSnRepeats)) r2t_sn = 0;
//
// With --//target/bugs:enabled=false (--config=bench) Has is constant false: nothing of any defect
// is compiled.

#ifndef TARGET_BUGS_BUGS_H_
#define TARGET_BUGS_BUGS_H_

#include <bitset>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace pushpull::target {

enum class Bug : uint16_t {
#define BUG(enumerator, name, memory, rows, sentence) enumerator,
#include "target/bugs/bug_list.inc"
#undef BUG
  kCount,
};

inline constexpr bool kBugsEnabled = PUSHPULL_BUGS != 0;

struct BugInfo {
  Bug bug;
  std::string_view name;      // what `--bug` takes
  std::string_view sentence;  // what the target does wrong
  std::string_view rows;      // what it breaks: ids of requirements, joined by commas, or sections
  bool memory_breaking;       // only in sanitizer builds, and in a process of its own

  // It shows only under some deliveries of the same bytes: no requirement's cases find it, but the
  // replay does.
  bool by_delivery() const { return name.starts_with("rx_"); }

  // It shows only in what a power failure leaves: no case over the wire finds it, but the simulated
  // disk does (tools/crash).
  bool by_power_failure() const { return rows.starts_with("SBC") && !by_scsi(); }

  // No requirement of an RFC speaks of it: the device server's own tests find it.
  bool by_scsi() const { return name.starts_with("scsi_"); }
};

// All defects in the order of `Bug`; empty in a build without them.
std::span<const BugInfo> AllBugs();

// The defect's name. Only in a build with defects.
std::string_view BugName(Bug bug);

// By name. An unknown one is an InvalidArgument that proposes the nearest names; in a build without
// defects every name is a FailedPrecondition. A defect that breaks memory is refused where no
// sanitizer would see it.
absl::StatusOr<Bug> ParseBugName(std::string_view name);

class BugSet {
 public:
  bool Has(Bug bug) const {
    if constexpr (kBugsEnabled) {
      return set_[static_cast<size_t>(bug)];
    } else {
      return false;
    }
  }
  bool any() const { return kBugsEnabled && set_.any(); }
  void Add(Bug bug) {
    if constexpr (kBugsEnabled) set_.set(static_cast<size_t>(bug));
  }

 private:
  // Without defects there is nothing to remember.
  std::bitset<kBugsEnabled ? static_cast<size_t>(Bug::kCount) : 0> set_;
};

}  // namespace pushpull::target

#endif  // TARGET_BUGS_BUGS_H_
