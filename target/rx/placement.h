// The answer to "where does this PDU's data go?", given once its header was accepted.

#ifndef TARGET_RX_PLACEMENT_H_
#define TARGET_RX_PLACEMENT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "target/pdu/protocol_error.h"

namespace pushpull::target {

// What Place() doesn't decide stays kInSlot.
class Placement {
 public:
  enum class Kind : uint8_t {
    kInSlot,   // with the PDU, for as long as its slot is held
    kInto,     // into the spans
    kDiscard,  // taken from the transport and forgotten
    kRefuse,   // discarded too, and the PDU is an error
  };

  // Adds a span. All of them together hold exactly DataSegmentLength bytes, and stay in place until
  // the PDU came out of the queue or the connection was given up. On a transport whose trait
  // data_stays_in_slot is set they are not written to: PduSlot::data() says where the bytes are.
  void Into(base::MutableBytes span) {
    kind_ = Kind::kInto;
    if (span.empty()) return;
    spans_.push_back(span);
    bytes_ += span.size();
  }
  void Discard() { kind_ = Kind::kDiscard; }
  // Where the error ends the connection, nothing more is received. Else the PDU comes out of the
  // queue with refusal() set, and is the session's to answer.
  void Refuse(const ProtocolError& error) {
    kind_ = Kind::kRefuse;
    error_ = error;
  }

  // ---- for the receive machine ----
  void Clear() {
    kind_ = Kind::kInSlot;
    spans_.clear();  // keeps its memory: no allocation for each PDU
    bytes_ = 0;
    error_.reset();
  }
  Kind kind() const { return kind_; }
  size_t bytes() const { return bytes_; }
  const std::optional<ProtocolError>& error() const { return error_; }
  std::vector<base::MutableBytes>& spans() { return spans_; }

 private:
  Kind kind_ = Kind::kInSlot;
  size_t bytes_ = 0;
  std::vector<base::MutableBytes> spans_;
  std::optional<ProtocolError> error_;
};

}  // namespace pushpull::target

#endif  // TARGET_RX_PLACEMENT_H_
