// Keys in another order, and numbers in another notation: what the text of an answer leaves open
// (RFC 7143 §6.1, §6.2).

#ifndef TARGET_VARIATION_TEXT_FORM_H_
#define TARGET_VARIATION_TEXT_FORM_H_

#include <string>
#include <string_view>

#include "base/random.h"

namespace pushpull::target {

class TextForm {
 public:
  explicit TextForm(base::Random random) : random_(random) {}

  // `text`: whole pairs, each with its NUL; no record of SendTargets, where the order counts. A
  // RDMAExtensions stays in front (RFC 7145 §6.3 has it negotiated first).
  std::string Vary(std::string_view text);

 private:
  std::string VaryValue(std::string_view key, std::string_view value);
  std::string VaryBinary(std::string_view value);
  std::string Hexadecimal(uint64_t number, size_t digits);

  base::Random random_;
};

}  // namespace pushpull::target

#endif  // TARGET_VARIATION_TEXT_FORM_H_
