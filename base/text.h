// Debian's Abseil has an absl::string_view of its own: what takes one is given std::string_view by
// this. Interfaces of this project speak std::string_view.

#ifndef BASE_TEXT_H_
#define BASE_TEXT_H_

#include <string_view>

#include "absl/strings/string_view.h"

namespace pushpull::base {

inline absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view FromAbsl(absl::string_view text) { return {text.data(), text.size()}; }

}  // namespace pushpull::base

#endif  // BASE_TEXT_H_
