// CmdSN and ExpStatSN. (RFC 7143 §4.2.2)

#include <variant>

#include "absl/strings/str_cat.h"
#include "base/serial.h"
#include "conformance/monitor/request.h"
#include "initiator_sim/pdu/field_path.h"

namespace pushpull::conformance::monitor {
namespace {

using base::SerialGreater;
using base::SerialLess;

void CheckExpStatSn(const Context& c) {
  const auto field = initiator_sim::GetField(c.pdu, "exp_stat_sn");
  const std::optional<uint32_t> next = c.connection.next_stat_sn;
  // Before the first response the field says nothing.
  if (!next.has_value() || !field.ok() || !field->has_value()) return;
  const uint32_t exp = static_cast<uint32_t>(std::get<uint64_t>(**field));
  if (SerialGreater(exp, *next)) {
    c.Report(RuleId::kIExpStatSnSeen,
             absl::StrCat("ExpStatSN is ", exp, ", where the next StatSN is ", *next));
    return;
  }
  std::optional<uint32_t>& last = c.connection.sender.exp_stat_sn;
  if (last.has_value() && SerialLess(exp, *last)) {
    c.Report(RuleId::kIExpStatSnNeverFalls, absl::StrCat("ExpStatSN is ", exp, " after ", *last));
    return;
  }
  last = exp;
}

// Commands of several connections may overtake one another: then only a session's own order, which
// no capture shows, says whether a number is right.
bool OneConnection(const Session& session) { return session.cids.size() <= 1; }

// Whether a number that was there before may come again.
bool MayRepeat(const Session& session) {
  return session.sender.rejected || session.agreed.error_recovery_level.value_or(1) > 0;
}

void CheckOrder(const Context& c, uint32_t cmd_sn) {
  std::optional<uint32_t>& next = c.session.sender.next_cmd_sn;
  if (!next.has_value() || !OneConnection(c.session)) return;
  if (c.pdu.immediate()) {
    if (cmd_sn != *next) {
      c.Report(RuleId::kICmdSnOfImmediate,
               absl::StrCat("CmdSN of an immediate command is ", cmd_sn, ", not ", *next));
    }
    return;
  }
  if (SerialLess(cmd_sn, *next)) {
    if (MayRepeat(c.session)) return;
    c.Report(RuleId::kICmdSnIncrements,
             absl::StrCat("CmdSN is ", cmd_sn, " again, the next one is ", *next));
    return;
  }
  if (cmd_sn != *next) {
    c.Report(RuleId::kICmdSnIncrements, absl::StrCat("CmdSN is ", cmd_sn, ", not ", *next));
  }
  next = cmd_sn + 1;
}

// Whether the target has to take it.
bool IsWithinWindow(const Context& c, uint32_t cmd_sn) {
  std::optional<uint32_t>& max = c.session.sender.max_cmd_sn;
  if (c.pdu.immediate() || !max.has_value() || !OneConnection(c.session)) return true;
  if (!SerialGreater(cmd_sn, *max)) return true;
  c.Report(RuleId::kICmdSnWithinWindow,
           absl::StrCat("CmdSN ", cmd_sn, " is above MaxCmdSN ", *max));
  return false;
}

}  // namespace

void CheckRequestNumbers(const Context& c) {
  CheckExpStatSn(c);
  const std::optional<uint32_t> cmd_sn = CmdSnOf(c.pdu);
  if (!cmd_sn.has_value()) return;
  if (IsWithinWindow(c, *cmd_sn)) CheckOrder(c, *cmd_sn);
}

}  // namespace pushpull::conformance::monitor
