// The name that a target is given (RFC 7143 §4.2.7).

#ifndef TARGET_TARGET_NAME_H_
#define TARGET_TARGET_NAME_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace pushpull::target {

// The normalised form of a name as a person writes it: upper case becomes lower case (§4.2.7.1, RFC
// 3722). InvalidArgument says what is wrong with it:
//
//   iqn.YYYY-MM.REVERSED.DOMAIN[:ANYTHING]   §4.2.7.4
//   eui. and 16 hexadecimal digits           §4.2.7.5
//   naa. and 16 or 32 hexadecimal digits     §4.2.7.6
//
// at most 223 bytes (§4.2.7.2), of letters, digits, '-', '.' and ':'. Names beyond ASCII, which
// would need stringprep's tables, are refused; initiators' names may have them.
absl::StatusOr<std::string> NormalizeTargetName(std::string_view name);

}  // namespace pushpull::target

#endif  // TARGET_TARGET_NAME_H_
