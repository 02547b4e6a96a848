// Work requests and their completions: plain values that go to and from a queue pair.

#ifndef FABRIC_RDMA_WORK_H_
#define FABRIC_RDMA_WORK_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace pushpull::fabric {

class RdmaMemory;
class RdmaWindow;

// What may be done with registered memory by others than its owner, who may always read and write.
// A set of bits.
enum class RdmaRights : uint8_t {
  kLocal = 0,
  kRemoteRead = 1,
  kRemoteWrite = 2,
  kWindows = 4,  // windows may be bound to it (whatever rights these give)
};
constexpr RdmaRights operator|(RdmaRights a, RdmaRights b) {
  return static_cast<RdmaRights>(static_cast<uint8_t>(a) | static_cast<uint8_t>(b));
}
constexpr bool Allows(RdmaRights rights, RdmaRights needed) {
  return (static_cast<uint8_t>(rights) & static_cast<uint8_t>(needed)) ==
         static_cast<uint8_t>(needed);
}

// A piece of registered memory (RdmaMemory::Segment() makes them).
struct RdmaSegment {
  uint8_t* address = nullptr;
  uint32_t length = 0;
  uint32_t local_key = 0;
};

enum class RdmaOp : uint8_t {
  kReceive,
  kSend,
  kSendWithInvalidate,  // and the peer's `invalidate_key` ends
  kRead,                // the peer's memory into the segments
  kWrite,               // the segments into the peer's memory
  kBindWindow,          // gives a window its memory and a new key
  kInvalidate,          // ends a window's key: the local end's own `invalidate_key`
};

// One request for the send queue. Spans need to live for the call only; what they point to, and all
// memory named here, until the request completed: its own completion, that of a later signalled
// request, or the connection's end.
struct RdmaWork {
  RdmaOp op = RdmaOp::kSend;
  // A completion comes even if all went well. One that fails, or is flushed, always has one.
  bool signalled = true;
  // Doesn't begin before the Reads posted earlier have completed. Without it a later Send or Write
  // may overtake a Read's look at the peer's memory.
  bool fence = false;
  // kSend, kSendWithInvalidate, kWrite: the bytes are taken within the call and need no
  // registration (local_key is ignored). At most RdmaLimits::max_inline_bytes.
  bool inline_data = false;
  uint64_t id = 0;  // comes back in the completion
  std::span<const RdmaSegment> segments = {};
  // kRead, kWrite: as the peer advertised them.
  uint64_t remote_address = 0;
  uint32_t remote_key = 0;
  // kSendWithInvalidate, kInvalidate.
  uint32_t invalidate_key = 0;
  // kBindWindow: what the window's next key (RdmaWindow::next_key()) gives to the peer of this
  // connection. `bound` lies in `memory`, which was registered with kWindows, and isn't empty. At
  // most one for a window in one call.
  RdmaWindow* window = nullptr;
  const RdmaMemory* memory = nullptr;
  base::MutableBytes bound = {};
  RdmaRights rights = RdmaRights::kLocal;
};

// One request for the receive queue: where the next Send goes, into the segments in their order.
struct RdmaReceive {
  uint64_t id = 0;
  std::span<const RdmaSegment> segments = {};
};

// Which of the failures it is, devices see differently (rxe calls most local ones kLocalOperation).
enum class RdmaStatus : uint8_t {
  kSuccess,
  kLocalLength,           // kReceive: the Send was longer than the segments
  kLocalOperation,        // the request itself can't be done
  kLocalProtection,       // a segment isn't in the memory of its local_key
  kWindowBind,            // kBindWindow, kInvalidate
  kBadResponse,           // the peer answered what it may not
  kLocalAccess,           // kReceive: its memory may not be written
  kRemoteInvalidRequest,  // the peer's receive is too short, or more Reads than it takes
  kRemoteAccess,          // no such key at the peer, or not these bytes, or not this right
  kRemoteOperation,       // the peer couldn't do it
  kRetryExceeded,         // the peer doesn't answer
  kRnrRetryExceeded,      // the peer posted no receive in time
  kFlushed,               // the connection ended before it was done (or before that was known)
  kOther,
};
std::string_view ToString(RdmaStatus status);
std::string_view ToString(RdmaOp op);

struct RdmaCompletion {
  uint64_t id = 0;
  RdmaOp op = RdmaOp::kReceive;  // always known, also where the request failed
  RdmaStatus status = RdmaStatus::kSuccess;
  // kReceive: the Send was one with invalidate, and the key that it ended.
  bool invalidated = false;
  uint32_t invalidated_key = 0;
  // kReceive, kSuccess: the bytes that came. What the transport says: not to be trusted further
  // than any other length from outside.
  uint32_t byte_len = 0;
  uint32_t vendor_error = 0;  // the device's own number for a failure; 0 if it has none
};

}  // namespace pushpull::fabric

#endif  // FABRIC_RDMA_WORK_H_
