// What an administrator is told: counters as JSON and in Prometheus's text form (version 0.0.4),
// and the sessions.

#ifndef TARGET_ADMIN_REPORTS_H_
#define TARGET_ADMIN_REPORTS_H_

#include <string>
#include <vector>

#include "target/session/session_info.h"
#include "target/target.h"

namespace pushpull::target {

// {"connections": 1, ... "pdus_received_by_opcode": {"NOP-Out": 3, ...} ...}
std::string CountersJson(const Target& target, const std::vector<SessionInfo>& sessions);
// Names begin with pushpull_target_; those of what has happened so far end with _total.
std::string CountersText(const Target& target, const std::vector<SessionInfo>& sessions);

// {"sessions": [{"tsih": 1, "initiator": "iqn...", ... "connections": [...]}]}
std::string SessionsJson(const std::vector<SessionInfo>& sessions);

}  // namespace pushpull::target

#endif  // TARGET_ADMIN_REPORTS_H_
