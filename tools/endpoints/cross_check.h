// Two readers for the same bytes: what the embedded target's codec reads of each PDU, both ways, is
// compared with what the initiator's reads. Both were written from the RFC apart from each other,
// so a difference is an error in one of ours.

#ifndef TOOLS_ENDPOINTS_CROSS_CHECK_H_
#define TOOLS_ENDPOINTS_CROSS_CHECK_H_

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "initiator_sim/player/tap.h"
#include "pushpull/v1/pdu.pb.h"
#include "target/pdu/bhs.h"
#include "target/session/node.h"

namespace pushpull::tools {

class CrossCheck : public initiator_sim::Tap {
 public:
  // What the target is to tell. From any thread, as long as this lives.
  std::function<void(const target::TapPdu&)> target_tap();

  void OnPdu(const initiator_sim::TapPdu& pdu) override;

  // What doesn't agree, a line each. After the play, on the player's thread.
  std::vector<std::string> Complaints();

 private:
  // A PDU as the target tells it, and as the initiator does.
  struct AtTarget {
    bool sent = false;
    target::Bhs bhs;
    std::string ahs;
    std::string data;
    bool has_data = false;  // it may have been discarded
  };
  struct AtInitiator {
    bool sent = false;
    v1::Pdu pdu;
    std::string bhs;
    std::string ahs;
  };

  std::mutex mutex_;
  std::vector<AtTarget> at_target_;        // guarded by mutex_
  std::vector<AtInitiator> at_initiator_;  // the player's thread's
};

}  // namespace pushpull::tools

#endif  // TOOLS_ENDPOINTS_CROSS_CHECK_H_
