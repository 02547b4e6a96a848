// iSCSI names and addresses as text keys have them. Internal to the monitor.

#ifndef CONFORMANCE_MONITOR_NAMES_H_
#define CONFORMANCE_MONITOR_NAMES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pushpull::conformance::monitor {

// Whether it is an iSCSI name of allowed characters and length, in the form of its type
// (RFC 7143 §4.2.7). Types that aren't known may be registered: their form isn't judged.
bool IsTargetName(std::string_view name);

// host[:port][,portal-group-tag] (RFC 7143 §13.8).
struct TargetAddress {
  std::string host;  // without brackets
  uint16_t port = 3260;
  std::optional<uint16_t> tag;
};
// nullopt: it has another form.
std::optional<TargetAddress> ParseTargetAddress(std::string_view text);

}  // namespace pushpull::conformance::monitor

#endif  // CONFORMANCE_MONITOR_NAMES_H_
