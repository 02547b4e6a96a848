// The table of `pushpull replay`: a line for each trace, and a last one for all.

#ifndef FUZZ_REPLAY_TABLE_H_
#define FUZZ_REPLAY_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "fuzz/replay/replay.h"

namespace pushpull::replay {

class Table {
 public:
  // `name_columns`: of the longest name.
  explicit Table(size_t name_columns);

  std::string Header() const;
  // Also counts it.
  std::string Row(const Replayed& replayed);
  // What was left out, and the sums. `seconds` that it took.
  std::string Footer(double seconds) const;

  uint64_t traces() const { return traces_; }  // that were played
  uint64_t findings() const { return findings_; }
  uint64_t refused() const { return refused_; }
  uint64_t unsteady() const { return unsteady_; }  // deliveries, of all traces
  // Schedules (or parts of them) that weren't played, as they were too much, with how many traces.
  const std::map<std::string, uint64_t>& left_out() const { return left_out_; }

 private:
  const size_t name_columns_;
  uint64_t traces_ = 0;
  uint64_t refused_ = 0;
  uint64_t findings_ = 0;
  uint64_t deliveries_ = 0;
  uint64_t distinct_ = 0;
  uint64_t unsteady_ = 0;
  std::map<std::string, uint64_t> left_out_;  // items, and for how many traces
};

// "1,234,567"
std::string Grouped(uint64_t number);

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_TABLE_H_
