// Finds PDUs in a stream of bytes that comes in any cuts. Works in both directions.

#ifndef INITIATOR_SIM_PDU_FRAMER_H_
#define INITIATOR_SIM_PDU_FRAMER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/digest.h"

namespace pushpull::initiator_sim {

struct Frame {
  std::vector<uint8_t> bytes;
  uint64_t stream_offset = 0;  // of the first byte, counted from the stream's beginning
  DecodedPdu decoded;          // says whether the digests are right
  // iSER: the Send that brought it ended this key of ours.
  std::optional<uint32_t> invalidated_key;
  // What is wrong with the iSER header, or lacks; empty: nothing.
  std::string iser_flaw;
  bool iser_header = false;  // it came behind an iSER header
  bool iser_stag = false;    // which marks an STag as valid
  // Of the receive that took it; with a simulated network it tells which operation it was.
  uint64_t receive_id = 0;
};

// The stream can't be followed any more.
struct FramingError {
  std::string reason;
  std::string section;         // "RFC 7143 §11.2.1.6"
  uint64_t stream_offset = 0;  // of the PDU
};

class Framer {
 public:
  // A PDU that claims more data than `max_data_segment_length` is an error, said as soon as its
  // header is there. No more than one PDU and what Append was given is ever held.
  explicit Framer(uint32_t max_data_segment_length = kMaxDataSegmentLength)
      : max_data_segment_length_(max_data_segment_length) {}

  // Digests of the PDUs that Next hasn't returned yet. The final Login Response is the last PDU
  // without: call this before the next Next.
  void set_digests(Digests digests) { digests_ = digests; }
  Digests digests() const { return digests_; }

  void Append(base::Bytes bytes);

  // The next whole PDU; nullopt: more bytes are needed, or error().
  std::optional<Frame> Next();

  // Once set it stays.
  const std::optional<FramingError>& error() const { return error_; }

  // Bytes of a PDU that isn't whole. Not 0 at the end of a stream: it was cut within a PDU.
  size_t pending() const { return buffer_.size() - begin_; }
  base::Bytes pending_bytes() const { return base::Bytes(buffer_).subspan(begin_); }
  // Of the first byte that Next hasn't returned.
  uint64_t stream_offset() const { return stream_offset_; }

 private:
  void Fail(std::string reason, std::string section);

  const uint32_t max_data_segment_length_;
  Digests digests_;
  std::vector<uint8_t> buffer_;
  size_t begin_ = 0;
  uint64_t stream_offset_ = 0;
  std::optional<FramingError> error_;
};

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PDU_FRAMER_H_
