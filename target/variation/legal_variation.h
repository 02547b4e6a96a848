// All that the RFC leaves to a target, chosen by a seed (`--legal-variation`) instead of always in
// the same way: a suite that holds any of it against a target is wrong. Who has a choice to make
// has a pointer to this, which is null for a target that doesn't vary.
//
// The parts draw from sequences of their own. What a target settles once is in target_choices.h.

#ifndef TARGET_VARIATION_LEGAL_VARIATION_H_
#define TARGET_VARIATION_LEGAL_VARIATION_H_

#include <cstdint>

#include "base/random.h"
#include "target/variation/attention_variation.h"
#include "target/variation/data_variation.h"
#include "target/variation/delays.h"
#include "target/variation/ending_variation.h"
#include "target/variation/login_variation.h"
#include "target/variation/session_variation.h"
#include "target/variation/spared.h"
#include "target/variation/unasked_pdus.h"

namespace pushpull::target {

// Of one connection, or of one session.
struct LegalVariation {
  explicit LegalVariation(uint64_t seed, bool plain_text = false,
                          const Spared& spared = {.unit_attentions = true})
      : LegalVariation(base::Random(seed), plain_text, spared) {}

  LoginVariation login;
  SessionVariation session;
  DataVariation data;
  UnaskedPdus unasked;
  Delays delays;
  EndingVariation ending;
  AttentionVariation attention;

 private:
  LegalVariation(base::Random random, bool plain_text, const Spared& spared)
      : login(random.Fork(), plain_text),
        session(random.Fork()),
        data(random.Fork(), !spared.empty_data_in),
        unasked(random.Fork(), !spared.vendor_events),
        delays(random.Fork()),
        ending(random.Fork()),
        attention(random.Fork(), !spared.unit_attentions) {}
};

}  // namespace pushpull::target

#endif  // TARGET_VARIATION_LEGAL_VARIATION_H_
