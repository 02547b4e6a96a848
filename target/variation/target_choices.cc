#include "target/variation/target_choices.h"

#include <algorithm>
#include <array>

#include "base/random.h"

namespace pushpull::target {
namespace {

// One of `values`, or `most` where that is less.
template <size_t kCount>
uint32_t OneOf(base::Random& random, const std::array<uint32_t, kCount>& values, uint32_t most) {
  return std::min(values[random.Below(kCount)], most);
}

// What a negotiation may end in is bound by its result function (RFC 7143 §6.2): a target may wish
// for less than the initiator offers, each for its own reasons.
void VaryBursts(base::Random& random, NegotiationLimits& limits) {
  limits.max_recv_data_segment_length =
      OneOf(random, std::array<uint32_t, 6>{8192, 8192, 4096, 16384, 65536, 262144},
            limits.max_recv_data_segment_length);
  limits.max_burst_length =
      OneOf(random, std::array<uint32_t, 6>{16384, 40000, 65536, 131072, 262144, 1048576},
            limits.max_burst_length);
  limits.first_burst_length = OneOf(random, std::array<uint32_t, 4>{8192, 16384, 65536, 262144},
                                    std::min(limits.first_burst_length, limits.max_burst_length));
  limits.max_outstanding_r2t = static_cast<uint16_t>(
      OneOf(random, std::array<uint32_t, 6>{1, 2, 3, 8, 16, 65535}, limits.max_outstanding_r2t));
}

void VarySwitches(base::Random& random, NegotiationLimits& limits) {
  limits.initial_r2t |= random.Chance(15);      // OR: §13.10
  limits.immediate_data &= !random.Chance(10);  // AND: §13.11
  limits.header_digest &= !random.Chance(10);   // None is always there to be taken: §13.1
  limits.data_digest &= !random.Chance(10);
  // OR: §13.18, §13.19. No leaves the order to the sender of the data.
  if (random.Chance(50)) limits.data_pdu_in_order = false;
  if (random.Chance(50)) limits.data_sequence_in_order = false;
  if (random.Chance(25)) limits.default_time2wait = static_cast<uint16_t>(random.Below(8));
  if (random.Chance(25)) limits.default_time2retain = static_cast<uint16_t>(random.Below(40));
}

}  // namespace

TargetChoices VaryTarget(uint64_t seed, TargetChoices choices, bool plain_text) {
  base::Random random(seed);
  choices.queue_depth =
      OneOf(random, std::array<uint32_t, 9>{1, 2, 3, 4, 6, 9, 20, 64, 128}, choices.queue_depth);
  VaryBursts(random, choices.limits);
  VarySwitches(random, choices.limits);
  choices.limits.cut_inside_pairs = random.Chance(50) && !plain_text;  // §6.1
  if (random.Chance(30) && !plain_text) {
    choices.limits.node_architecture = "pushpull, varied";  // §13.26
  }
  if (random.Chance(40)) {
    choices.target_portal_group_tag = static_cast<uint16_t>(random.Below(65536));
  }
  if (random.Chance(30)) choices.alias.clear();
  choices.limits.declares_default_segment = random.Chance(50);  // §13.12
  choices.first_tsih = static_cast<uint16_t>(random.Chance(30) ? 0xffff - random.Below(3)
                                                               : random.Between(1, 0xffff));
  return choices;
}

}  // namespace pushpull::target
