// The answer to SendTargets (RFC 7143 Appendix C).

#ifndef TARGET_DISCOVERY_SEND_TARGETS_H_
#define TARGET_DISCOVERY_SEND_TARGETS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "target/negotiation/parameters.h"

namespace pushpull::target {

// One target that the asking initiator may access, with all of its portals.
struct TargetRecord {
  struct Portal {
    std::string address;  // "host[:port]"; an IPv6 address in brackets
    uint16_t portal_group_tag = 1;
  };
  std::string name;
  std::vector<Portal> portals;
};

// What the session's node knows. Called on the connection's loop.
class TargetDirectory {
 public:
  virtual ~TargetDirectory() = default;
  // All targets that this initiator may access.
  virtual std::vector<TargetRecord> TargetsFor(std::string_view initiator_name) = 0;
};

struct SendTargetsContext {
  SessionType session_type = SessionType::kNormal;
  std::string initiator_name;
  std::optional<std::string> target_name;  // the session's; none with an Unnamed Discovery session
};

// The response's pairs for SendTargets=`value`: target records, nothing at all where none fits, or
// "SendTargets=Reject" for All on a Normal session.
std::string AnswerSendTargets(const SendTargetsContext& context, std::string_view value,
                              TargetDirectory& directory);

}  // namespace pushpull::target

#endif  // TARGET_DISCOVERY_SEND_TARGETS_H_
