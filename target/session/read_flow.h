// How the data of one read is cut into Data-In PDUs and sequences (RFC 7143 §11.7.1).

#ifndef TARGET_SESSION_READ_FLOW_H_
#define TARGET_SESSION_READ_FLOW_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "target/bugs/bugs.h"
#include "target/variation/data_in_plan.h"

namespace pushpull::target {

class ReadFlow {
 public:
  struct Piece {
    uint32_t from;  // where its bytes are in the read's data
    uint32_t length;
    uint32_t offset;  // what Buffer Offset says: the same
    uint32_t data_sn;
    bool final;  // F: ends a sequence
    bool last;   // ends the read
  };

  // `bytes` of data go out. `max_burst_length` bounds a sequence. `bugs` must outlive the flow.
  void Begin(uint32_t bytes, uint32_t max_burst_length, const BugSet& bugs) {
    *this = ReadFlow();
    bytes_ = bytes;
    max_burst_length_ = bugs.Has(Bug::kDataInBeyondMaxBurst) ? UINT32_MAX : max_burst_length;
    bugs_ = &bugs;
    if (bugs.Has(Bug::kDataSnStartsAtOne)) next_data_sn_ = 1;
  }

  // Goes by a plan instead. To be called after Begin(), where there are bytes.
  void Follow(std::unique_ptr<DataInPlan> plan) { plan_ = std::move(plan); }

  bool done() const { return offset_ == bytes_; }

  // How many Data-In PDUs Next() has made: what ExpDataSN says (RFC 7143 §11.4.8).
  uint32_t pieces() const { return pieces_; }

  // The next Data-In, of at most `max_segment_bytes`: the initiator's MaxRecvDataSegmentLength as
  // it is now. Not when done().
  Piece Next(uint32_t max_segment_bytes);

  // An empty Data-In behind all others (§11.7.7).
  Piece Empty();

 private:
  Piece NextOfPlan(uint32_t max_segment_bytes);
  uint32_t OffsetToTell(uint32_t offset) const;

  uint32_t bytes_ = 0;
  uint32_t max_burst_length_ = 0;
  const BugSet* bugs_ = nullptr;
  std::unique_ptr<DataInPlan> plan_;
  uint32_t offset_ = 0;       // with a plan: how many bytes it has given out
  uint32_t burst_bytes_ = 0;  // of the sequence under way
  uint32_t next_data_sn_ = 0;
  uint32_t pieces_ = 0;
};

}  // namespace pushpull::target

#endif  // TARGET_SESSION_READ_FLOW_H_
