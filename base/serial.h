// Serial number arithmetic on 32 bits (RFC 1982 with SERIAL_BITS 32), which iSCSI asks for wherever
// it compares CmdSN, StatSN, DataSN or R2TSN (RFC 7143 §4.2.2.1).
//
// Two numbers exactly 2^31 apart have no order (RFC 1982 §3.2). Here each comparison of such a pair
// is false, both ways round: neither is less, and they are not equal. A number there is in no
// window, so code that accepts by comparison rejects it.

#ifndef BASE_SERIAL_H_
#define BASE_SERIAL_H_

#include <cstdint>

namespace pushpull::base {

inline constexpr uint32_t kSerialHalf = uint32_t{1} << 31;

// Whether `b` comes 1 to 2^31-1 steps after `a`.
constexpr bool SerialLess(uint32_t a, uint32_t b) { return a != b && b - a < kSerialHalf; }
constexpr bool SerialGreater(uint32_t a, uint32_t b) { return SerialLess(b, a); }
constexpr bool SerialLessOrEqual(uint32_t a, uint32_t b) { return b - a < kSerialHalf; }
constexpr bool SerialGreaterOrEqual(uint32_t a, uint32_t b) { return SerialLessOrEqual(b, a); }

// Steps from `from` to `to`, negative where `to` comes before. -2^31 where they have no order.
constexpr int32_t SerialDistance(uint32_t from, uint32_t to) {
  return static_cast<int32_t>(to - from);
}

// Whether `sn` is in the window [first, last]. A window with last == first - 1 is empty, as the
// command window is where MaxCmdSN == ExpCmdSN - 1.
constexpr bool SerialInWindow(uint32_t sn, uint32_t first, uint32_t last) {
  return SerialLessOrEqual(first, sn) && SerialLessOrEqual(sn, last);
}

// The later of both; `a` where they have no order.
constexpr uint32_t SerialMax(uint32_t a, uint32_t b) { return SerialLess(a, b) ? b : a; }

}  // namespace pushpull::base

#endif  // BASE_SERIAL_H_
