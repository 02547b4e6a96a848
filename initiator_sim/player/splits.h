// How a run cuts what it sends where a scenario's step says nothing (`--splits`).

#ifndef INITIATOR_SIM_PLAYER_SPLITS_H_
#define INITIATOR_SIM_PLAYER_SPLITS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/random.h"
#include "initiator_sim/pdu/codec.h"

namespace pushpull::initiator_sim {

class SplitSchedule {
 public:
  SplitSchedule() = default;  // none

  // "none", "bytes", "mss:N", "fields", "random:SEED:N" (N cuts in each PDU, at the most).
  // INVALID_ARGUMENT says what is wrong and what there is.
  static absl::StatusOr<SplitSchedule> Parse(std::string_view text);

  // Where one write ends and the next begins: offsets in the PDU's bytes, ascending, each above 0
  // and below layout.end. `random` has its own sequence: the same PDUs are cut in the same way.
  std::vector<size_t> CutsOf(const PduLayout& layout);

  bool none() const { return kind_ == Kind::kNone; }
  std::string ToString() const;

 private:
  enum class Kind : uint8_t { kNone, kBytes, kMss, kFields, kRandom };

  Kind kind_ = Kind::kNone;
  size_t size_ = 0;  // of mss; how many cuts of random
  uint64_t seed_ = 0;
  base::Random random_{0};
};

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PLAYER_SPLITS_H_
