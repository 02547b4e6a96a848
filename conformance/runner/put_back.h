// Puts a target that cases share back to what it was before one of them: that case's reservation
// must not be the failure of the next one.

#ifndef CONFORMANCE_RUNNER_PUT_BACK_H_
#define CONFORMANCE_RUNNER_PUT_BACK_H_

#include <cstdint>
#include <string>

#include "conformance/runner/endpoint.h"
#include "conformance/runner/left_watch.h"
#include "conformance/runner/play.h"

namespace pushpull::conformance {

struct PutBackResult {
  // What a reader must know of the target: "LUN 0 still has persistent reservations". Empty: it is
  // as it was, as far as it tells; or it tells nothing at all, which is for others to find.
  std::string left;
  // All PDUs, as text. Empty: there was nothing to do.
  std::string wire;
};

// Undoes what `watch` saw, from sessions of its own as the ports that did it: by the commands that
// are there for it, then by those that take it from anybody, then by a reset; and looks at what is
// so. Nothing that these ports have no part in is touched but by CLEAR and the reset. Sessions that
// were not logged out are reinstated, rid of their unit attentions, and logged out. A bounded
// number of short plays; none where `watch` saw nothing.
PutBackResult PutBack(EndpointFactory* factory, const PlaySettings& settings,
                      const TargetFacts& facts, uint64_t seed, const LeftWatch& watch);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_RUNNER_PUT_BACK_H_
