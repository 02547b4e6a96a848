#include "fuzz/replay/random_delivery.h"

#include <algorithm>

namespace pushpull::replay {

void MakeRandomDelivery(const Trace& trace, base::Random* random, Delivery* delivery) {
  delivery->Clear(delivery->source);
  const bool push = delivery->source == Source::kPush;
  const size_t size = push ? trace.messages() : trace.bytes.size();
  // Long pieces, short ones, or single cuts in the whole.
  const size_t limits[] = {push ? size_t{3} : size_t{8}, 100, 2000, size};
  const size_t most = std::max<size_t>(limits[random->Below(4)], 1);
  const uint32_t wait_percent = random->Chance(30) ? 20 : 0;
  for (size_t left = size; left > 0;) {
    if (random->Chance(wait_percent)) delivery->NotYet();
    const size_t n = random->Between(1, std::min(left, most));
    push ? delivery->Push(n) : delivery->Feed(n);
    left -= n;
  }
  if (random->Chance(wait_percent)) delivery->NotYet();
  delivery->End();
  delivery->not_yet_before_each_read = !push && random->Chance(15);
  delivery->end_with_last = random->Chance(50);
  delivery->queue_capacity = static_cast<uint16_t>(random->Between(1, 5));
  if (random->Chance(30)) {
    delivery->slots = static_cast<uint16_t>(random->Between(1, delivery->queue_capacity));
  }
}

}  // namespace pushpull::replay
