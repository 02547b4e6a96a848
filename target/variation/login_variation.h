// What a login leaves to the target: where StatSN begins, over how many responses its text is
// spread, and keys of its own.

#ifndef TARGET_VARIATION_LOGIN_VARIATION_H_
#define TARGET_VARIATION_LOGIN_VARIATION_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"
#include "target/variation/text_form.h"

namespace pushpull::target {

class LoginVariation {
 public:
  // A private key (RFC 7143 §13.22), which nobody knows: its answer is NotUnderstood (§6.2).
  static constexpr std::string_view kPrivateKey = "X-Org.pushpull.variation";

  // `plain_text`: the text of logins and Text Responses is as without variation.
  explicit LoginVariation(base::Random random, bool plain_text = false)
      : form_(random.Fork()),
        random_(random),
        plain_text_(plain_text),
        extra_responses_(random_.Below(4)) {}

  // §4.2.2.2: any is valid. Near the wrap, where serial numbers turn negative, zero, and anywhere.
  uint32_t InitialStatSn() {
    switch (random_.Below(4)) {
      case 0:
        return static_cast<uint32_t>(0 - random_.Between(1, 6));
      case 1:
        return 0x80000000 - static_cast<uint32_t>(random_.Between(1, 6));
      case 2:
        return 0;
      default:
        return static_cast<uint32_t>(random_.Next());
    }
  }

  // How the target writes a text that has nothing but whole pairs.
  std::string Written(std::string_view text) {
    return plain_text_ ? std::string(text) : form_.Vary(text);
  }

  // How much of a text of `bytes` goes into one PDU that takes `most`; the C bit tells that there
  // is more (§11.13.7, §11.11.2). Few parts more than needed: an initiator need not stand more than
  // six exchanges (§6.2).
  size_t Part(size_t bytes, size_t most) {
    if (plain_text_ || extra_responses_ == 0 || bytes < 2 || bytes > most || !random_.Chance(40))
      return most;
    --extra_responses_;
    return std::min<size_t>(most, random_.Between(1, bytes - 1));
  }

  // Whether the target declares its private key in this login.
  bool SendsPrivateKey() { return random_.Chance(25) && !plain_text_; }

  // Whether the target goes no further than into the operational stage, though the initiator would
  // skip it (§6.3: the selected NSG may be below the proposed one).
  bool EntersOperationalStage() { return random_.Chance(15); }

 private:
  TextForm form_;
  base::Random random_;
  const bool plain_text_;
  uint64_t extra_responses_;
};

}  // namespace pushpull::target

#endif  // TARGET_VARIATION_LOGIN_VARIATION_H_
