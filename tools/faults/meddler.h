// What a proxy does with the bytes of one connection: follows both directions, and plants a fault.

#ifndef TOOLS_FAULTS_MEDDLER_H_
#define TOOLS_FAULTS_MEDDLER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "initiator_sim/pdu/framer.h"
#include "tools/faults/fault.h"

namespace pushpull::faults {

// Where a fault is planted: wherever it fits, or only where it fits for the n-th time, counted over
// all connections of a play.
struct Planting {
  const Fault* fault = nullptr;
  size_t only = 0;  // from 1; 0: everywhere
  size_t fits = 0;  // how often it fitted so far
  size_t planted = 0;
};

class Meddler {
 public:
  // `planting` outlives it.
  explicit Meddler(Planting* planting) : planting_(planting) {}

  // What goes on for what came. Bytes that are no whole PDU yet are kept, where they may change.
  std::vector<uint8_t> FromTarget(base::Bytes bytes);
  std::vector<uint8_t> FromInitiator(base::Bytes bytes);
  // The direction ends, or nothing came for a while: what is kept back goes on.
  std::vector<uint8_t> FlushFromTarget();
  std::vector<uint8_t> FlushFromInitiator();

  // Whether what the initiator sends may change. Else its bytes go on as they come.
  bool changes_requests() const;
  bool holds_back() const { return !to_initiator_.later.empty(); }
  bool holds_back_requests() const;
  // What the initiator is to be shown behind the bytes of FromTarget.
  Outcome::End end() const { return end_; }

 private:
  struct Way {
    initiator_sim::Framer framer;
    std::vector<Image> later;
    bool lost = false;  // the stream can't be followed any more: it goes on as it comes
  };

  std::vector<uint8_t> Pass(Way* way, Direction direction, base::Bytes bytes);
  void PassPdu(Way* way, Direction direction, const initiator_sim::Frame& frame,
               std::vector<uint8_t>* out);
  void Renumber(Direction direction, Image* image) const;
  // A Reject returns the header as the initiator sent it.
  void RestoreHeader(Image* image) const;
  void Note(Direction direction, const initiator_sim::Frame& frame, const Image& image);
  void NoteLogin(const v1::Pdu& pdu, const std::string& text);
  void NoteRequest(const v1::Pdu& pdu);

  Planting* const planting_;
  Way to_target_;
  Way to_initiator_;
  Passing passing_;
  uint32_t shift_ = 0;  // of StatSN
  // Headers that went on otherwise than they came: as they went, and as they came.
  std::deque<std::pair<initiator_sim::Bhs, initiator_sim::Bhs>> changed_headers_;
  std::string login_text_;
  Outcome::End end_ = Outcome::End::kNone;
};

}  // namespace pushpull::faults

#endif  // TOOLS_FAULTS_MEDDLER_H_
