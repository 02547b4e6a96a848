// The data of one read in pieces and sequences of any size, in any order that was agreed upon
// (RFC 7143 §11.7.1, §11.7.6, §13.18, §13.19).

#ifndef TARGET_VARIATION_DATA_IN_PLAN_H_
#define TARGET_VARIATION_DATA_IN_PLAN_H_

#include <cstdint>
#include <deque>
#include <vector>

#include "base/random.h"

namespace pushpull::target {

struct DataInOrder {
  uint32_t max_burst_length = 0;
  bool pdu_in_order = true;
  bool sequence_in_order = true;
};

class DataInPlan {
 public:
  struct Piece {
    uint32_t from;
    uint32_t length;
    bool final;  // F: ends its sequence
    bool last;   // ends the read
  };

  // `bytes` > 0. `empty`: whether there are pieces without data.
  DataInPlan(uint32_t bytes, const DataInOrder& order, base::Random random, bool empty = true);

  // The next piece, of at most `max_segment_bytes`, which is at least 4. Now and then one without
  // data, which ends nothing. Not after the last one.
  Piece Next(uint32_t max_segment_bytes);

 private:
  struct Range {
    uint32_t from;
    uint32_t length;
  };

  void CutIntoPieces(Range sequence, uint32_t max_segment_bytes);
  void Shuffle(std::deque<Range>& ranges);

  const bool pdu_in_order_;
  const uint32_t least_piece_;
  const bool empty_;
  base::Random random_;
  std::deque<Range> sequences_;  // to come
  std::deque<Range> pieces_;     // of the sequence under way
};

}  // namespace pushpull::target

#endif  // TARGET_VARIATION_DATA_IN_PLAN_H_
