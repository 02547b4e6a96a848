// The plain sessions before the first case: of one that fails, what went over the wire.

#ifndef CONFORMANCE_RUNNER_LAST_PLAY_H_
#define CONFORMANCE_RUNNER_LAST_PLAY_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "conformance/monitor/monitor.h"
#include "conformance/report/result_folder.h"
#include "conformance/tap/wire_log.h"
#include "initiator_sim/player/tap.h"

namespace pushpull::conformance {

// Sees several plays, one after the other, and keeps the last.
class LastPlay final : public initiator_sim::Tap {
 public:
  LastPlay();

  void OnOpened(const initiator_sim::TapConnection& connection, absl::Time time) override;
  void OnClosed(const initiator_sim::TapConnection& connection, absl::Time time, bool by_peer,
                const std::string& reason) override;
  void OnBytes(const initiator_sim::TapConnection& connection, absl::Time time, Direction direction,
               base::Bytes bytes) override;
  void OnPdu(const initiator_sim::TapPdu& pdu) override;
  void OnRdma(const initiator_sim::TapRdma& operation) override;
  void OnIserMessage(const initiator_sim::TapConnection& connection, absl::Time time,
                     Direction direction, base::Bytes message) override;
  void OnStep(size_t step, absl::Time time) override;

  // What a user is told of a play that failed: how it ended on the wire, which rules the target
  // broke, where all of it is (written into the folder, which may be null), and what now. Empty:
  // nothing came or went.
  absl::StatusOr<std::string> Tell(const ResultFolder* folder) const;

 private:
  std::unique_ptr<WireLog> log_;
  std::unique_ptr<Monitor> monitor_;
};

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_RUNNER_LAST_PLAY_H_
