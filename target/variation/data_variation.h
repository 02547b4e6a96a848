// What the transfer of data leaves to the target.

#ifndef TARGET_VARIATION_DATA_VARIATION_H_
#define TARGET_VARIATION_DATA_VARIATION_H_

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/random.h"

namespace pushpull::target {

// Of one write: how it is asked for (RFC 7143 §11.8).
struct R2tChoice {
  uint32_t outstanding = UINT32_MAX;  // no more R2Ts at a time
  uint32_t least_bytes = UINT32_MAX;  // an R2T asks for so much or more; UINT32_MAX: for all it may
};

class DataVariation {
 public:
  // `empty_data_in`: whether there is Data-In without data.
  explicit DataVariation(base::Random random, bool empty_data_in = true)
      : random_(random), empty_data_in_(empty_data_in) {}

  // §11.7.3: the status may ride in the last Data-In, or come in a SCSI Response of its own.
  bool StatusApart() { return random_.Chance(50); }
  // §11.7.7: an empty Data-In should be avoided, but is to be received properly.
  bool StatusInEmptyPdu() { return random_.Chance(5) && empty_data_in_; }
  bool empty_data_in() const { return empty_data_in_; }

  base::Random ForDataIn() { return random_.Fork(); }

  // For a command that moves `bytes`.
  R2tChoice ForWrite(uint32_t bytes) {
    R2tChoice choice;
    if (random_.Chance(60)) choice.outstanding = 1 + static_cast<uint32_t>(random_.Below(4));
    if (random_.Chance(60)) choice.least_bytes = std::max(1u, bytes / 8);
    return choice;
  }
  // The length of an R2T that may ask for `most` bytes (§11.8.4).
  uint32_t R2tLength(const R2tChoice& choice, uint32_t most) {
    if (choice.least_bytes >= most) return most;
    return static_cast<uint32_t>(random_.Between(choice.least_bytes, most));
  }
  // Whether an R2T asks for the end of what is missing, where the order is free (§13.19).
  bool R2tFromBehind() { return random_.Chance(50); }

  // How many bytes sense data have that need `bytes`. In fixed format those behind the defined 18
  // are the vendor's own (SPC-4 §4.5.3), in descriptor format a further descriptor is (§4.5.2).
  uint16_t SenseLength(uint16_t bytes, uint16_t most) {
    if (bytes >= most || random_.Chance(50)) return bytes;
    return static_cast<uint16_t>(random_.Between(bytes, most));
  }

  // What a SCSI Response says behind its sense data (§11.4.7); often nothing. It lasts for ever.
  std::string_view ResponseData() {
    constexpr std::string_view kText = "what this vendor has to say of it";
    return random_.Chance(80) ? "" : kText.substr(0, random_.Between(1, kText.size()));
  }

 private:
  base::Random random_;
  bool empty_data_in_;
};

}  // namespace pushpull::target

#endif  // TARGET_VARIATION_DATA_VARIATION_H_
