// The table of the monitor's rules.

#ifndef CONFORMANCE_MONITOR_RULES_H_
#define CONFORMANCE_MONITOR_RULES_H_

#include <span>
#include <string_view>
#include <vector>

#include "pushpull/v1/requirement.pb.h"

namespace pushpull::conformance {

struct Rule {
  std::string_view name;     // "stat_sn_increments": stable, used in profiles and reports
  std::string_view section;  // "RFC 7143 §4.2.2.2"
  // Rows of the requirement catalogue, separated by spaces.
  std::string_view cite;
  std::string_view level;  // MUST, or SHOULD: a warning
  v1::Side side;           // whose behaviour is judged
  std::string_view summary;
};

std::span<const Rule> MonitorRules();

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_MONITOR_RULES_H_
