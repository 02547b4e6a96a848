// The least stream that still shows a difference.

#ifndef FUZZ_STREAMS_MINIMISE_H_
#define FUZZ_STREAMS_MINIMISE_H_

#include <functional>

#include "fuzz/streams/stream.h"

namespace pushpull::streams {

// Items that can be left out while `differs` holds are: first many at once, then each by itself. No
// single one of those that are left can be left out. `differs` holds for `found`.
Stream Minimise(Stream found, const std::function<bool(const Stream&)>& differs);

}  // namespace pushpull::streams

#endif  // FUZZ_STREAMS_MINIMISE_H_
