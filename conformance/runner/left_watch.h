// What a play may leave on a target that other plays come to, noted from what it sent.

#ifndef CONFORMANCE_RUNNER_LEFT_WATCH_H_
#define CONFORMANCE_RUNNER_LEFT_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "initiator_sim/player/tap.h"

namespace pushpull::conformance {

// What outlives the command that brought it, and mostly the session, too.
enum class Left : uint8_t {
  kRegistrations,    // PERSISTENT RESERVE OUT (SPC-4 §6.16), and the reservation with them
  kUnitReservation,  // RESERVE (6) or (10) (SPC-2 §7.21)
  kModePages,        // MODE SELECT
  kPrevention,       // PREVENT ALLOW MEDIUM REMOVAL
  kStopped,          // START STOP UNIT
  kPortGroups,       // SET TARGET PORT GROUPS
};

// What a command with these bytes brings, if anything.
std::optional<Left> LeftBy(base::Bytes cdb);

// Whom a target knows by its name and ISID (RFC 7143 §4.4.2).
struct InitiatorPort {
  std::string name;
  std::string isid;  // six bytes
  auto operator<=>(const InitiatorPort&) const = default;
};

class LeftWatch final : public initiator_sim::Tap {
 public:
  // What a port has done: a LUN's number for each.
  using Deeds = std::map<Left, std::set<uint64_t>>;

  struct Port {
    InitiatorPort port;
    bool open = false;  // its session was not logged out
    Deeds deeds;
  };

  void OnPdu(const initiator_sim::TapPdu& tapped) override;

  // That were let into a normal session, in the order of their first.
  const std::vector<Port>& ports() const { return ports_; }
  // Of all ports together.
  Deeds deeds() const;

 private:
  struct Login {
    InitiatorPort port;
    bool discovery = false;
    std::optional<size_t> index;  // into ports_, once it was let in
  };

  void OnCommand(const initiator_sim::TapPdu& tapped, Port* port);
  void OnLoginRequest(const initiator_sim::TapPdu& tapped);
  void OnLoginResponse(const initiator_sim::TapPdu& tapped);

  std::map<uint32_t, Login> logins_;  // by connection
  std::vector<Port> ports_;
  // SET TARGET PORT GROUPS that have no status yet, by connection and Initiator Task Tag: their
  // LUNs. No look at the target says what was so before, so that what was refused must not count.
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> setting_;
};

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_RUNNER_LEFT_WATCH_H_
