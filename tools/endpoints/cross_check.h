// Two readers for the same bytes: what the embedded target reads of each request is compared with
// what the initiator's own codec reads. Both were written from the RFC apart from each other, so a
// difference is an error in one of ours.

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
  struct Received {
    target::Bhs bhs;
    std::string ahs;
    std::string data;
    bool has_data = false;  // it may have been discarded
  };
  struct Sent {
    v1::Pdu pdu;
    std::string bhs;
    std::string ahs;
  };

  std::mutex mutex_;
  std::vector<Received> received_;  // guarded by mutex_
  std::vector<Sent> sent_;          // the player's thread's
};

// The differences between two readings of one request: "cmd_sn: the target reads 5, the initiator
// 6". Empty: none. `bhs` is read by the target's codec.
std::string CompareReadings(const target::Bhs& bhs, const v1::Pdu& pdu);

}  // namespace pushpull::tools

#endif  // TOOLS_ENDPOINTS_CROSS_CHECK_H_
