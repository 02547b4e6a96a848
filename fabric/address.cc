#include <string>

#include "absl/strings/str_cat.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

std::string Address::ToString() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  return ipv6 ? absl::StrCat("[", host, "]:", port) : absl::StrCat(host, ":", port);
}

}  // namespace pushpull::fabric
