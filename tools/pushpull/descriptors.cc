#include "tools/pushpull/descriptors.h"

#include <sys/resource.h>

#include "absl/strings/str_cat.h"

namespace pushpull::tools {

void RaiseDescriptorLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);  // where it fails what there is has to do
}

absl::Status NeedDescriptors(uint64_t count) {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= count) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("this takes up to ", count, " open files and connections, and only ",
                   limit.rlim_cur, " are allowed: raise the limit (ulimit -n ", count, ")"));
}

}  // namespace pushpull::tools
