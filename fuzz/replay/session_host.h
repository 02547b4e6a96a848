// Whom sessions are played against: a target, and a network on which the bytes of one connection
// can be cut.

#ifndef FUZZ_REPLAY_SESSION_HOST_H_
#define FUZZ_REPLAY_SESSION_HOST_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "conformance/runner/endpoint.h"
#include "fuzz/replay/trace.h"

namespace pushpull::replay {

// How the bytes of one play come. What isn't cut comes as much at once as its sender lets it.
struct SessionCuts {
  size_t connection = 0;  // whose; in the order of opening, from 0
  Direction direction = Direction::kToTarget;
  // Offsets in this direction's bytes, ascending: a read ends there, and the next one finds nothing
  // once (as often as the offset stands here).
  std::vector<uint64_t> at;
  bool not_yet_before_each_read = false;
};

// A block of a logical unit.
struct LunBlock {
  uint64_t lun = 0;
  uint64_t lba = 0;
  std::string data;
};

// Of one play.
class SessionEndpoint : public conformance::Endpoint {
 public:
  // Blocks that were written, in the order of LUN and address. nullopt: nobody can know but by
  // reading.
  virtual std::optional<std::vector<LunBlock>> WrittenBlocks() = 0;

  // Ends target and network. A hash of the sizes of the reads by which the cut bytes were taken; 0
  // where that isn't known.
  virtual uint64_t End() = 0;
};

class SessionHost {
 public:
  virtual ~SessionHost() = default;

  // Without cuts: for what is played besides.
  virtual conformance::EndpointFactory* factory() = 0;
  // UNIMPLEMENTED: this direction can't be cut here.
  virtual absl::StatusOr<std::unique_ptr<SessionEndpoint>> Make(const SessionCuts& cuts) = 0;
  virtual bool CanCut(Direction direction) const = 0;
};

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_SESSION_HOST_H_
