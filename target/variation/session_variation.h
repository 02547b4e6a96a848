// What a session's numbers and tags leave to the target.

#ifndef TARGET_VARIATION_SESSION_VARIATION_H_
#define TARGET_VARIATION_SESSION_VARIATION_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "base/random.h"

namespace pushpull::target {

class SessionVariation {
 public:
  explicit SessionVariation(base::Random random)
      : random_(random),
        tag_factor_(static_cast<uint32_t>(random_.Next()) | 1),
        tag_mask_(static_cast<uint32_t>(random_.Next())),
        refuses_immediates_(random_.Chance(30)),
        closes_(random_.Chance(50)) {}

  // How many commands beyond ExpCmdSN are let in, for the time being: from 1 to `most` (RFC 7143
  // §4.2.2.1). Asked for with each PDU that goes out.
  uint32_t Window(uint32_t most) {
    if (window_ == 0 || random_.Chance(10)) {
      window_ = random_.Chance(30) ? most : 1 + static_cast<uint32_t>(random_.Below(most));
    }
    return std::min(window_, most);
  }

  // How long from now on no further command is let in; zero: it goes on. Asked for likewise.
  absl::Duration ClosedFor() {
    if (!closes_ || !random_.Chance(8)) return absl::ZeroDuration();
    return absl::Microseconds(random_.Between(50, 20000));
  }

  // Tags without an order (§11.8.5); another for each number.
  uint32_t TransferTag(uint32_t number) const { return (number * tag_factor_) ^ tag_mask_; }

  // Whether immediate requests beyond those that a target must be able to handle are rejected
  // (§4.2.2.1).
  bool refuses_immediates() const { return refuses_immediates_; }

  // Whether new commands are rejected while a logout is awaited (§11.9.1, event 1).
  bool refuses_before_logout() const { return (tag_mask_ & 1) != 0; }

  // The addresses of one target stand in any order (Appendix C), and 3260 is left out or not
  // (§13.8).
  template <typename Portals>
  void VaryPortals(Portals& portals) {
    constexpr std::string_view kDefaultPort = ":3260";
    for (size_t left = portals.size(); left > 0; --left) {
      std::swap(portals[left - 1], portals[random_.Below(left)]);
      std::string& address = portals[left - 1].address;
      if (address.ends_with(kDefaultPort) && random_.Chance(50)) {
        address.resize(address.size() - kDefaultPort.size());
      }
    }
  }

  // Not significant in a Text Response, but for the initiator to copy (§11.11.4).
  uint64_t TextLun(uint64_t lun) { return random_.Chance(50) ? random_.Next() : lun; }

  // Seconds in a Logout Response, to be ignored below ErrorRecoveryLevel 2 (§11.15.3, §11.15.4).
  uint16_t LogoutTime(uint16_t seconds) {
    return random_.Chance(50) ? static_cast<uint16_t>(random_.Below(3601)) : seconds;
  }

 private:
  base::Random random_;
  uint32_t tag_factor_;
  uint32_t tag_mask_;
  bool refuses_immediates_;
  bool closes_;
  uint32_t window_ = 0;
};

}  // namespace pushpull::target

#endif  // TARGET_VARIATION_SESSION_VARIATION_H_
