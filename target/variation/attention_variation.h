// Unit attentions that come in the middle of a session: another initiator, an administrator or the
// medium's own doing may be told with any command that may end with one (SAM-5 §5.14).

#ifndef TARGET_VARIATION_ATTENTION_VARIATION_H_
#define TARGET_VARIATION_ATTENTION_VARIATION_H_

#include <array>
#include <cstdint>
#include <optional>

#include "base/random.h"

namespace pushpull::target {

class AttentionVariation {
 public:
  struct Attention {
    uint8_t asc;
    uint8_t ascq;
  };

  // `any`: whether there are any at all.
  AttentionVariation(base::Random random, bool any) : random_(random), left_(any ? kMost : 0) {}

  // What is told instead of doing the command with this opcode, where it is.
  std::optional<Attention> InsteadOf(uint8_t opcode) {
    // REQUEST SENSE, INQUIRY, REPORT LUNS: these are done nevertheless.
    if (opcode == 0x03 || opcode == 0x12 || opcode == 0xa0) return std::nullopt;
    if (left_ == 0 || !random_.Chance(kPercent)) return std::nullopt;
    --left_;
    return kAttentions[random_.Below(kAttentions.size())];
  }

 private:
  // Of one session's commands. Where many have one, a script of a dozen commands, as tests are,
  // hardly ever gets through.
  static constexpr uint32_t kPercent = 1;
  static constexpr uint32_t kMost = 3;
  // MODE PARAMETERS CHANGED, CAPACITY DATA HAS CHANGED, INQUIRY DATA HAS CHANGED, REPORTED LUNS
  // DATA HAS CHANGED, and a vendor's own (SPC-4 annex D).
  static constexpr std::array<Attention, 5> kAttentions = {
      {{0x2a, 0x01}, {0x2a, 0x09}, {0x3f, 0x03}, {0x3f, 0x0e}, {0x80, 0x81}}};

  base::Random random_;
  uint32_t left_;
};

}  // namespace pushpull::target

#endif  // TARGET_VARIATION_ATTENTION_VARIATION_H_
