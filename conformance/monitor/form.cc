#include "conformance/monitor/form.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_format.h"
#include "initiator_sim/pdu/digest.h"
#include "initiator_sim/pdu/figure.h"

namespace pushpull::conformance::monitor {

void CheckHeaderForm(const Context& c, const FormRules& rules, bool final) {
  const initiator_sim::Bhs& mask = initiator_sim::ReservedMask(c.pdu.kind_case());
  for (size_t i = 0; i < initiator_sim::kBhsSize; ++i) {
    const uint8_t wrong = c.tap.bytes[i] & mask[i];
    if (wrong == 0) continue;
    c.Report(rules.reserved_bits,
             absl::StrFormat("reserved bits 0x%02x of byte %d are not 0 (the byte is 0x%02x)",
                             wrong, i, c.tap.bytes[i]));
    break;
  }
  if (final && (c.tap.bytes[1] & 0x80) == 0) c.Report(rules.final_bit, "bit 0 of byte 1 is 0");
}

void CheckPadAndDigests(const Context& c, const FormRules& rules) {
  const std::string& pad = c.pdu.pad();
  if (std::any_of(pad.begin(), pad.end(), [](char byte) { return byte != 0; })) {
    c.Report(rules.pad_zero, "the pad is not 0");
  }
  const auto& layout = c.tap.decoded->layout;
  if (!c.tap.decoded->header_digest_ok) {
    c.Report(rules.header_digest,
             absl::StrFormat("the header digest is 0x%08x, not 0x%08x", c.pdu.header_digest(),
                             initiator_sim::DigestOf(c.tap.bytes.first(layout.header_digest))));
  }
  if (!c.tap.decoded->data_digest_ok) {
    c.Report(rules.data_digest,
             absl::StrFormat("the data digest is 0x%08x, not 0x%08x", c.pdu.data_digest(),
                             initiator_sim::DigestOf(c.tap.bytes.subspan(
                                 layout.data, layout.data_digest - layout.data))));
  }
}

}  // namespace pushpull::conformance::monitor
