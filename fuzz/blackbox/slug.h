// Names of findings, from what is told of them.

#ifndef FUZZ_BLACKBOX_SLUG_H_
#define FUZZ_BLACKBOX_SLUG_H_

#include <string>
#include <string_view>

namespace pushpull::fuzz {

// Small letters and digits, with an underscore for whatever stands between them.
std::string Slug(std::string_view text);

}  // namespace pushpull::fuzz

#endif  // FUZZ_BLACKBOX_SLUG_H_
