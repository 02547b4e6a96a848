// Conversations for tests, written as text: one PDU a line, with only what matters.

#ifndef CONFORMANCE_MONITOR_TRACE_H_
#define CONFORMANCE_MONITOR_TRACE_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/monitor/monitor.h"
#include "conformance/tap/tap_feeder.h"
#include "pushpull/v1/pdu.pb.h"
#include "pushpull/v1/report.pb.h"

namespace pushpull::conformance {

// Plays traces to a monitor. Lines:
//
//   open                       a connection; it becomes the one that the next lines are about
//   joined                     likewise, but its opening isn't told
//   use 1                      back to the first connection
//   login A=1 B=2 / A=1 C=3    a right login of one exchange, with these keys of initiator / target
//   join A=1 / A=1             likewise, of another connection (CID 2, 3 ...) to the session
//   > nop_out { }              a PDU of the initiator, as textproto
//   >! nop_out { }             one that the initiator sends wrong on purpose
//   < nop_in { }               a PDU of the target
//   reject 4                   a Reject of the last PDU of the initiator, with this reason
//   reject 4 20                likewise, with the first 20 bytes of the header only
//   reject 4 48 final: false   likewise, with the whole header and these fields of the Reject
//   digests                    header and data digests from now on
//   close                      the target ends the connection
//   close within a PDU         likewise, between the bytes of a PDU
//
// What a line doesn't say takes its right value: Initiator Task Tags are counted up by requests
// (but for Data-Out and the like) and taken up by responses; CmdSN, StatSN, ExpCmdSN and MaxCmdSN
// are right.
class Trace {
 public:
  explicit Trace(Monitor* monitor) : feeder_({monitor}) {}

  void Play(std::string_view text);

 private:
  struct Wire {
    uint32_t id = 0;
    uint32_t stat_sn = 1000;
    initiator_sim::Digests digests;
  };

  void Line(const std::string& line);
  void Login(const std::string& keys, bool join);
  void Send(const std::string& text, bool misbehaving);
  void Reject(const std::string& arguments);
  void CompleteRequest(v1::Pdu* pdu);
  void CompleteResponse(v1::Pdu* pdu);

  TapFeeder feeder_;
  std::vector<Wire> wires_;
  size_t current_ = 0;
  uint32_t tag_ = 0;
  uint32_t cmd_sn_ = 500;
  uint16_t tsih_ = 0;
  std::string last_header_;
};

// The violations of a trace.
std::vector<v1::Violation> ViolationsOf(std::string_view trace, Judged judged = Judged::kTarget);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_MONITOR_TRACE_H_
