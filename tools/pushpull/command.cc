#include "tools/pushpull/command.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "conformance/report/verdict.h"

namespace pushpull::tools {

int Complain(const absl::Status& status) {
  const std::string message(status.message());
  std::fprintf(stderr, "pushpull: %s\n", message.c_str());
  if (absl::IsUnavailable(status)) return conformance::kExitTargetUnreachable;
  if (absl::IsInternal(status)) return conformance::kExitInternal;
  return conformance::kExitUsage;
}

bool UseColor(std::string_view when) {
  if (when == "always") return true;
  if (when == "never") return false;
  const char* no_color = std::getenv("NO_COLOR");
  return (no_color == nullptr || *no_color == '\0') && isatty(STDOUT_FILENO) != 0;
}

}  // namespace pushpull::tools
