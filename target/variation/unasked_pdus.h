// What a target may send at any time of the Full Feature Phase though nobody asked: NOP-In with and
// without an answer wanted (RFC 7143 §11.19), events of its vendor (§11.9.1).

#ifndef TARGET_VARIATION_UNASKED_PDUS_H_
#define TARGET_VARIATION_UNASKED_PDUS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "base/random.h"

namespace pushpull::target {

class UnaskedPdus {
 public:
  enum class Kind : uint8_t { kNopIn, kPing, kVendorEvent };

  struct VendorEvent {
    uint8_t event = 255;  // 248 to 255 (§11.9.1)
    uint8_t code = 0;     // AsyncVCode
    std::string data;     // SenseLength and iSCSI Event Data (§11.9.4), or nothing
  };

  // `events`: whether those of the vendor are among them.
  explicit UnaskedPdus(base::Random random, bool events = true)
      : random_(random), kinds_(events ? 3 : 2) {}

  // What goes out just before an answer.
  std::optional<Kind> BeforeAnAnswer() {
    if (!random_.Chance(15)) return std::nullopt;
    return Any();
  }

  Kind Any() { return static_cast<Kind>(random_.Below(kinds_)); }

  VendorEvent Event() {
    VendorEvent event;
    event.event = static_cast<uint8_t>(random_.Between(248, 255));
    event.code = static_cast<uint8_t>(random_.Below(256));
    if (random_.Chance(30)) {
      event.data.assign(2, '\0');
      for (uint64_t left = random_.Below(40); left > 0; --left) {
        event.data += static_cast<char>(random_.Below(256));
      }
    }
    return event;
  }

  // How long until one comes that has nothing to do with any answer. None: no more of them, as a
  // connection on which nothing happens is to be left in peace.
  std::optional<absl::Duration> NextAlone() {
    if (alone_ == kMostAlone) return std::nullopt;
    ++alone_;
    return absl::Microseconds(random_.Between(100, uint64_t{1000} << random_.Below(12)));
  }

 private:
  static constexpr uint32_t kMostAlone = 24;

  base::Random random_;
  uint32_t kinds_;
  uint32_t alone_ = 0;
};

}  // namespace pushpull::target

#endif  // TARGET_VARIATION_UNASKED_PDUS_H_
