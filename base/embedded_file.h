// A file that was built into the program (bazel/embed): suites, catalogue, templates. The one
// binary then works wherever it is copied.

#ifndef BASE_EMBEDDED_FILE_H_
#define BASE_EMBEDDED_FILE_H_

#include <string_view>

namespace pushpull::base {

struct EmbeddedFile {
  std::string_view path;  // from the workspace root
  std::string_view contents;
};

}  // namespace pushpull::base

#endif  // BASE_EMBEDDED_FILE_H_
