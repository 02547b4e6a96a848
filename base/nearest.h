// What somebody may have meant who typed a name that there isn't.

#ifndef BASE_NEAREST_H_
#define BASE_NEAREST_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace pushpull::base {

// Up to `at_most` of the names, nearest first: by the mistakes that make what was typed of a name,
// of which letters left out weigh least. One that holds what was typed comes before all others.
// Upper and lower case are the same.
std::vector<std::string> Nearest(std::string_view typed, const std::vector<std::string>& names,
                                 size_t at_most = 3);

}  // namespace pushpull::base

#endif  // BASE_NEAREST_H_
