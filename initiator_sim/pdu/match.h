// Does a PDU that came fit the one that a scenario expects?

#ifndef INITIATOR_SIM_PDU_MATCH_H_
#define INITIATOR_SIM_PDU_MATCH_H_

#include <string>
#include <vector>

#include "pushpull/v1/pdu.pb.h"

namespace pushpull::initiator_sim {

struct MatchResult {
  // The first few differences, each a sentence: "status is CHECK_CONDITION (0x2), expected GOOD
  // (0x0)".
  std::vector<std::string> differences;

  explicit operator bool() const { return differences.empty(); }
  // Joined by "; ".
  std::string ToString() const;
};

// What is unset in `expected` matches anything; an empty Pdu matches every PDU. `actual` is as
// Decode makes it. Data is compared in the form that `expected` has:
//   raw, text   the very same bytes
//   pattern     the same length and bytes; the difference says where misplaced bytes belong
//   keys        these keys are there, among others, in any order; an empty value stands for any
//   sense       the fields that are set, of either format
// A CDB is compared as bytes (with what an extended-CDB AHS holds); AHS, where there are any in
// `expected`, one by one. Patches are not looked at.
MatchResult Matches(const v1::Pdu& expected, const v1::Pdu& actual);

// The same for a data segment alone.
MatchResult MatchesData(const v1::Data& expected, std::string_view actual);

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PDU_MATCH_H_
