// What a target settles once for all of its sessions: what it grants in negotiations, and what it
// says of itself.

#ifndef TARGET_VARIATION_TARGET_CHOICES_H_
#define TARGET_VARIATION_TARGET_CHOICES_H_

#include <cstdint>
#include <string>

#include "target/negotiation/parameters.h"

namespace pushpull::target {

struct TargetChoices {
  NegotiationLimits limits;
  uint32_t queue_depth = 128;            // commands that a session may have under way, from 1
  uint16_t target_portal_group_tag = 1;  // any (RFC 7143 §13.9)
  std::string alias;                     // TargetAlias may be left out (§13.6)
  uint16_t first_tsih = 1;               // any but 0 (§11.12.6)
};

// Other choices, by `seed`. Where `choices` sets a limit (the size of a burst ...) the new one is
// no higher, and what is switched off stays off.
// `plain_text`: nothing that shows in the form of texts alone.
TargetChoices VaryTarget(uint64_t seed, TargetChoices choices, bool plain_text = false);

}  // namespace pushpull::target

#endif  // TARGET_VARIATION_TARGET_CHOICES_H_
