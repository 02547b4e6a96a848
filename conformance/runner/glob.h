// Globs over case ids: "login/*", "*/digest_?rror". '*' matches across '/' too.

#ifndef CONFORMANCE_RUNNER_GLOB_H_
#define CONFORMANCE_RUNNER_GLOB_H_

#include <string_view>

namespace pushpull::conformance {

bool GlobMatch(std::string_view pattern, std::string_view text);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_RUNNER_GLOB_H_
