// What a sequence showed of the target, besides the monitor's rules: which states were reached,
// whether it answered, and whether its answers were in proportion.

#ifndef FUZZ_BLACKBOX_WATCH_H_
#define FUZZ_BLACKBOX_WATCH_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "initiator_sim/player/tap.h"

namespace pushpull::fuzz {

// (phase, opcode that was sent, opcode that came with what it says): a state of the dialogue.
using State = uint32_t;

class Watch final : public initiator_sim::Tap {
 public:
  void OnOpened(const initiator_sim::TapConnection& connection, absl::Time time) override;
  void OnClosed(const initiator_sim::TapConnection& connection, absl::Time time, bool by_peer,
                const std::string& reason) override;
  void OnPdu(const initiator_sim::TapPdu& tapped) override;

  const std::set<State>& states() const { return states_; }
  // A PDU of the target's came at all.
  bool answered() const { return answered_; }
  // The target ended a connection that wasn't logged out, or a connection couldn't be made.
  bool lost() const { return lost_; }
  // How the target's answers are out of proportion to what was asked; empty: they aren't. Beyond
  // what all requests together can entitle a target to, by far.
  std::string Disproportion() const;
  // Opcode of the last PDU that was sent, and in which phase: "opcode 0x03 in the login".
  std::string last_sent() const;

 private:
  enum Phase : uint8_t { kBeforeLogin, kLogin, kFullFeature, kLoggedOut };
  struct Connection {
    Phase phase = kBeforeLogin;
    uint8_t sent = 0xff;  // opcode
  };
  void Reach(const Connection& connection, uint32_t answer);

  std::map<uint32_t, Connection> connections_;
  std::set<State> states_;
  Connection last_;
  bool answered_ = false;
  bool lost_ = false;
  uint64_t sent_pdus_ = 0, sent_bytes_ = 0, asked_bytes_ = 0;
  uint64_t came_pdus_ = 0, came_bytes_ = 0;  // PDUs: those that carry no data of a read
};

}  // namespace pushpull::fuzz

#endif  // FUZZ_BLACKBOX_WATCH_H_
