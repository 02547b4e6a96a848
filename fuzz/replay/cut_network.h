// A network on which what one connection writes is cut by script: for peers whose reads nobody
// can cut.

#ifndef FUZZ_REPLAY_CUT_NETWORK_H_
#define FUZZ_REPLAY_CUT_NETWORK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fabric/loop.h"
#include "fabric/stream.h"

namespace pushpull::replay {

struct WriteCuts {
  size_t connection = 0;     // which of those that are opened, from 0
  std::vector<uint64_t> at;  // offsets in what it writes, ascending: a write ends there
  // After each, nothing is written for so long (twice as long where it stands twice). What the peer
  // has read by then is its own affair.
  absl::Duration pause = absl::Microseconds(200);
  // Pauses of one play, spread evenly: a loop's timers go by milliseconds. At the other cuts writes
  // end, and no more.
  size_t max_pauses = 100;
};

class CutNetwork final : public fabric::Network {
 public:
  // `inner` outlives it.
  CutNetwork(fabric::Network* inner, WriteCuts cuts);
  ~CutNetwork() override;

  absl::StatusOr<std::unique_ptr<fabric::Listener>> Listen(fabric::Loop* loop,
                                                           const fabric::Address& address,
                                                           AcceptHandler accept) override;
  void Connect(fabric::Loop* loop, const fabric::Address& address, ConnectHandler done) override;
  // Not of a stream that is cut.
  void Move(std::unique_ptr<fabric::Stream> stream, fabric::Loop* to,
            absl::AnyInvocable<void(std::unique_ptr<fabric::Stream>)> done) override;

 private:
  struct Shared;

  fabric::Network* const inner_;
  const std::shared_ptr<Shared> shared_;
};

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_CUT_NETWORK_H_
