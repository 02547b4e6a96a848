// A finding as people read it: where it was cut, the first event that differs side by side, the
// bytes around.

#ifndef FUZZ_REPLAY_DIFFERENCE_H_
#define FUZZ_REPLAY_DIFFERENCE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "fuzz/replay/delivery.h"
#include "fuzz/replay/trace.h"
#include "pushpull/v1/event.pb.h"

namespace pushpull::replay {

// "2 bytes into the AHS of PDU 1 (SCSI Command)", "between PDU 2 and PDU 3", "where the data of PDU
// 4 (NOP-Out) begins". PDUs are counted from 1, as events and steps are.
std::string PlaceOf(const Trace& trace, size_t offset);

// One event, a line each: the decoded PDU, the error, the end. `trace` says which direction.
std::vector<std::string> EventLines(const v1::Event& event);

// The index of the first event in which the logs differ; the shorter one's size where it is the
// other's beginning; -1 where they are equal.
int FirstDifference(const v1::EventLog& a, const v1::EventLog& b);

struct DifferenceView {
  const Trace* trace;
  const Delivery* reference;
  const v1::EventLog* reference_log;
  const Delivery* found;  // the least
  const v1::EventLog* found_log;
};

// Some twenty to sixty lines of up to 100 columns or a little more.
std::string DescribeDifference(const DifferenceView& view);

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_DIFFERENCE_H_
