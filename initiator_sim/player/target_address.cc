#include "initiator_sim/player/target_address.h"

#include <charconv>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace pushpull::initiator_sim {
namespace {

constexpr uint16_t kIscsiPort = 3260;

absl::Status Bad(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("address \"", base::ToAbsl(text),
                                                 "\": ", base::ToAbsl(why), " (RFC 7143 §13.8)"));
}

}  // namespace

absl::StatusOr<fabric::Address> ParseTargetAddress(std::string_view text) {
  std::string_view rest = text.substr(0, text.find(','));
  fabric::Address address{.host = {}, .port = kIscsiPort};
  if (rest.starts_with('[')) {
    const size_t end = rest.find(']');
    if (end == std::string_view::npos) return Bad(text, "there is no ] after [");
    address.host = std::string(rest.substr(1, end - 1));
    rest.remove_prefix(end + 1);
  } else {
    const size_t end = std::min(rest.find(':'), rest.size());
    address.host = std::string(rest.substr(0, end));
    rest.remove_prefix(end);
  }
  if (address.host.empty()) return Bad(text, "there is no host");
  if (rest.empty()) return address;
  const std::string_view port = rest.substr(1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (rest[0] != ':' || error != std::errc() || end != port.data() + port.size() ||
      address.port == 0) {
    return Bad(text, "the port is no number from 1 to 65535");
  }
  return address;
}

}  // namespace pushpull::initiator_sim
