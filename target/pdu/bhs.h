// The Basic Header Segment of RFC 7143 §11.2.1, and the fields that lie in the same place in every
// PDU that has them.

#ifndef TARGET_PDU_BHS_H_
#define TARGET_PDU_BHS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "target/pdu/opcode.h"

namespace pushpull::target {

inline constexpr size_t kBhsBytes = 48;
inline constexpr size_t kDigestBytes = 4;
inline constexpr size_t kMaxAhsBytes = 255 * 4;  // TotalAHSLength is one byte of words
inline constexpr size_t kMaxDataSegmentBytes = (1 << 24) - 1;

using Bhs = std::array<uint8_t, kBhsBytes>;

// Bytes of pad behind a segment of `length` bytes (RFC 7143 §11.1).
constexpr uint32_t PadBytes(uint32_t length) { return -length & 3; }

// Reads fields out of 48 bytes that stay where they are. It gives what is there and judges nothing.
class BhsView {
 public:
  // `bytes` must point to kBhsBytes bytes that outlive the view.
  explicit BhsView(const uint8_t* bytes) : p_(bytes) {}
  explicit BhsView(const Bhs& bhs) : p_(bhs.data()) {}

  const uint8_t* data() const { return p_; }
  base::Bytes bytes() const { return {p_, kBhsBytes}; }

  bool immediate() const { return (p_[0] & 0x40) != 0; }  // I, §11.2.1.1
  Opcode opcode() const { return static_cast<Opcode>(p_[0] & 0x3f); }
  uint8_t flags() const { return p_[1]; }
  bool final() const { return (p_[1] & 0x80) != 0; }   // F, §11.2.1.3; T in login PDUs
  uint32_t total_ahs_length() const { return p_[4]; }  // in words of four bytes, §11.2.1.5
  uint32_t ahs_bytes() const { return total_ahs_length() * 4; }
  uint32_t data_segment_length() const { return base::LoadBe24(p_ + 5); }  // bytes without pad
  uint32_t pad_bytes() const { return PadBytes(data_segment_length()); }
  uint64_t lun() const { return base::LoadBe64(p_ + 8); }  // the eight bytes: see lun.h
  uint32_t initiator_task_tag() const { return base::LoadBe32(p_ + 16); }

  // These have a meaning only in the PDUs that the RFC gives them.
  uint32_t target_transfer_tag() const { return base::LoadBe32(p_ + 20); }
  uint32_t cmd_sn() const { return base::LoadBe32(p_ + 24); }       // requests but Data-Out, SNACK
  uint32_t exp_stat_sn() const { return base::LoadBe32(p_ + 28); }  // requests
  uint32_t data_sn() const { return base::LoadBe32(p_ + 36); }
  uint32_t buffer_offset() const { return base::LoadBe32(p_ + 40); }

 private:
  const uint8_t* p_;
};

// Writes into a header that exists already: what a sender knows last.
inline void SetDataSegmentLength(Bhs& bhs, uint32_t bytes) {
  base::StoreBe24(bhs.data() + 5, bytes);
}
inline void SetStatSn(Bhs& bhs, uint32_t stat_sn) { base::StoreBe32(bhs.data() + 24, stat_sn); }
inline void SetExpCmdSn(Bhs& bhs, uint32_t value) { base::StoreBe32(bhs.data() + 28, value); }
inline void SetMaxCmdSn(Bhs& bhs, uint32_t value) { base::StoreBe32(bhs.data() + 32, value); }

}  // namespace pushpull::target

#endif  // TARGET_PDU_BHS_H_
