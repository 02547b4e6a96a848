// CRC32C, the header and data digest of RFC 7143 §11.2.3 and §13.1.

#ifndef TARGET_PDU_DIGEST_H_
#define TARGET_PDU_DIGEST_H_

#include <cstdint>

#include "base/bytes.h"
#include "target/pdu/bhs.h"

namespace pushpull::target {

// Folds bytes in as they come, in pieces of any size.
class Crc32c {
 public:
  void Add(base::Bytes bytes);
  void Reset() { state_ = kInitial; }

  // The CRC of what was added. Adding may go on.
  uint32_t value() const { return ~state_; }

  // The digest as it stands on the wire: the coefficient of x**31 is the highest bit of the lowest
  // byte, which for a reflected CRC means its least significant byte first (RFC 7143 §13.1).
  void Store(uint8_t* to) const {
    const uint32_t crc = value();
    for (size_t i = 0; i < kDigestBytes; ++i) to[i] = static_cast<uint8_t>(crc >> (8 * i));
  }
  static uint32_t Load(const uint8_t* from) {
    return uint32_t{from[0]} | uint32_t{from[1]} << 8 | uint32_t{from[2]} << 16 |
           uint32_t{from[3]} << 24;
  }

 private:
  static constexpr uint32_t kInitial = 0xffffffff;
  uint32_t state_ = kInitial;
};

inline uint32_t Crc32cOf(base::Bytes bytes) {
  Crc32c crc;
  crc.Add(bytes);
  return crc.value();
}

}  // namespace pushpull::target

#endif  // TARGET_PDU_DIGEST_H_
