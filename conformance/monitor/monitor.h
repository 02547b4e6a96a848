// The passive rules: names each violation of the RFCs that both directions of a connection show.
//
// One set of rules for three uses: live under every case, over captures (lint), and as the crash
// condition of session fuzzing. It knows only what went over the wire, keeps its own view of what
// was negotiated, and gives the benefit of the doubt: where the RFC allows several readings, where
// a side that misbehaved made the other's behaviour undefined, and where the beginning wasn't seen,
// it is silent.

#ifndef CONFORMANCE_MONITOR_MONITOR_H_
#define CONFORMANCE_MONITOR_MONITOR_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "conformance/monitor/rules.h"
#include "initiator_sim/player/tap.h"
#include "pushpull/v1/report.pb.h"

namespace pushpull::conformance {

enum class Judged : uint8_t {
  kTarget,
  kBoth,  // the initiator too: not for one that misbehaves on purpose
};

class Monitor final : public initiator_sim::Tap {
 public:
  // Of each rule at most `max_per_rule` violations are kept.
  explicit Monitor(size_t max_per_rule = 10, Judged judged = Judged::kTarget);
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;
  ~Monitor() override;

  void OnOpened(const initiator_sim::TapConnection& connection, absl::Time time) override;
  void OnClosed(const initiator_sim::TapConnection& connection, absl::Time time, bool by_peer,
                const std::string& reason) override;
  // Frames are counted from 1, over all connections, in the order of these calls: the numbers that
  // WireLog gives. A connection whose opening wasn't told was open before: of it, only what can be
  // judged without its login is.
  void OnPdu(const initiator_sim::TapPdu& pdu) override;

  // In the order of frames. `level` is MUST or SHOULD.
  const std::vector<v1::Violation>& violations() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_MONITOR_MONITOR_H_
