// What a logical unit is, and what initiator ports are called: what the model is told beforehand.

#ifndef CONFORMANCE_MODEL_TRAITS_H_
#define CONFORMANCE_MODEL_TRAITS_H_

#include <array>
#include <cstdint>
#include <string>

namespace pushpull::conformance::model {

struct UnitTraits {
  uint16_t number = 0;
  uint64_t blocks = 0;
  uint32_t block_size = 512;
  bool read_only = false;
  bool thin = true;             // UNMAP is there, and what isn't mapped reads as zeros
  bool atomic_writes = true;    // WRITE ATOMIC is there
  bool addresses = false;       // at first every eight bytes hold their own address
  bool volatile_cache = false;  // WCE is 1 at first, and changeable
  std::string serial;
  std::string vendor = "PUSHPULL";  // T10 VENDOR IDENTIFICATION: eight characters

  // 512e (SBC-3 §4.6): how many logical blocks make a physical one, as a power of two, and the
  // first logical block that begins one.
  uint8_t physical_exponent = 0;
  uint16_t lowest_aligned_lba = 0;

  // VPD page B0h (SBC-3 §6.6.4), in bytes where it counts blocks.
  uint64_t max_transfer_bytes = 8 << 20;
  uint64_t optimal_transfer_bytes = 1 << 20;
  uint64_t transfer_granularity_bytes = 4096;
  uint64_t max_write_same_bytes = 8 << 20;
  uint64_t max_unmap_bytes = 256 << 20;
  uint32_t max_unmap_ranges = 256;
  uint64_t unmap_granularity_bytes = 4096;
  // GET LBA STATUS tells no more at once.
  uint32_t max_lba_status_descriptors = 128;

  uint32_t BlocksOf(uint64_t bytes) const { return static_cast<uint32_t>(bytes / block_size); }
};

// An initiator port (RFC 7143 §4.4.2).
struct Port {
  std::string name;
  std::array<uint8_t, 6> isid{};

  friend bool operator==(const Port&, const Port&) = default;
};

}  // namespace pushpull::conformance::model

#endif  // CONFORMANCE_MODEL_TRAITS_H_
