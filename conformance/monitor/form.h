// What PDUs of both sides are judged by in the same way; the rules differ by name only.

#ifndef CONFORMANCE_MONITOR_FORM_H_
#define CONFORMANCE_MONITOR_FORM_H_

#include "conformance/monitor/context.h"
#include "conformance/monitor/rules.h"

namespace pushpull::conformance::monitor {

struct FormRules {
  RuleId reserved_bits;
  RuleId final_bit;
  RuleId pad_zero;
  RuleId header_digest;
  RuleId data_digest;
};

// Reserved bits of the header, and the F bit of PDUs in which it is always 1 (`final`). The PDU has
// a whole header.
void CheckHeaderForm(const Context& c, const FormRules& rules, bool final);

// Needs no header that can be trusted. (RFC 7143 §11.7.6, §13.1)
void CheckPadAndDigests(const Context& c, const FormRules& rules);

}  // namespace pushpull::conformance::monitor

#endif  // CONFORMANCE_MONITOR_FORM_H_
