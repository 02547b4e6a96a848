// The parts of a PDU that the receive machine asks its transport for, the states in which it does,
// and what it may be answered.

#ifndef TARGET_RX_CHUNK_H_
#define TARGET_RX_CHUNK_H_

#include <array>
#include <cstdint>
#include <ostream>
#include <string_view>

#include "base/bytes.h"

namespace pushpull::target {

enum class Chunk : uint8_t { kBhs, kAhs, kHeaderDigest, kData, kPad, kDataDigest };

enum class RxState : uint8_t {
  kBhs,
  kAhs,
  kHeaderDigest,
  kData,  // with its pad
  kDataDigest,
  kComplete,  // waits for room in the queue
  kFailed,    // absorbing
};

std::string_view ChunkName(Chunk chunk);
std::string_view RxStateName(RxState state);
inline std::ostream& operator<<(std::ostream& out, Chunk c) { return out << ChunkName(c); }
inline std::ostream& operator<<(std::ostream& out, RxState s) { return out << RxStateName(s); }

// The machine's table: what documentation is drawn from, and what tests walk through.
struct RxStateRow {
  RxState state;
  std::string_view chunk;  // what is asked for; "-" for nothing
  std::string_view size;
  std::string_view when;  // the state is passed over where this doesn't hold
  std::string_view section;
};
inline constexpr std::array kRxStateRows = {
    RxStateRow{RxState::kBhs, "bhs", "48", "always", "RFC 7143 §11.2.1"},
    RxStateRow{RxState::kAhs, "ahs", "4 * TotalAHSLength", "TotalAHSLength > 0",
               "RFC 7143 §11.2.1.5, §11.2.2"},
    RxStateRow{RxState::kHeaderDigest, "header_digest", "4", "HeaderDigest=CRC32C",
               "RFC 7143 §11.2.3, §7.8"},
    RxStateRow{RxState::kData, "data, pad", "DataSegmentLength, then up to 3 to a multiple of 4",
               "DataSegmentLength > 0", "RFC 7143 §11.2.1.6, §11.2.4, §11.1"},
    RxStateRow{RxState::kDataDigest, "data_digest", "4",
               "DataDigest=CRC32C and DataSegmentLength > 0", "RFC 7143 §11.2.3, §7.8"},
    RxStateRow{RxState::kComplete, "-", "-", "always", "RFC 7143 §4.2.2.1"},
    RxStateRow{RxState::kFailed, "-", "-", "an error that ends the connection",
               "RFC 7143 §7.7, §7.8"},
};

// A source's answer.
struct Obtained {
  enum class Answer : uint8_t {
    kReady,         // here it is
    kNotYet,        // nothing was taken; ask again when the transport has more
    kEnded,         // no more will come; `bytes` is what had come of this chunk
    kShortMessage,  // the message holds less than its header claims
  };
  Answer answer;
  base::MutableBytes bytes = {};
};

}  // namespace pushpull::target

#endif  // TARGET_RX_CHUNK_H_
