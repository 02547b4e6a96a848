// One way in which the bytes of a trace come to a receiver.

#ifndef FUZZ_REPLAY_DELIVERY_H_
#define FUZZ_REPLAY_DELIVERY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "fuzz/replay/trace.h"

namespace pushpull::replay {

// How a receiver gets at bytes. Receivers say which of these they know (Receiver::sources).
enum class Source : uint8_t {
  kTcp,    // reads of a byte stream; a receiver that isn't our own knows this one
  kBytes,  // chunks out of memory (target::ByteSource)
  kPush,   // whole PDUs in posted receives, with the iSER header before each
};
std::string_view SourceName(Source source);  // "tcp", "bytes", "push"

// After each operation the receiver is polled until it has taken what it can.
struct Operation {
  enum class Kind : uint8_t {
    kFeed,    // `count` more bytes are there
    kNotYet,  // nothing: the poll finds no more than the last one left
    kPush,    // `count` more messages (PDUs) are completed, all of them before the poll
    kEnd,     // the peer has ended; the last operation of each delivery
  };
  Kind kind;
  uint32_t count = 0;

  friend bool operator==(const Operation&, const Operation&) = default;
};

// Plain and compact, and filled in place by millions. All of the trace is delivered: the counts of
// kFeed come to Trace::bytes, those of kPush to Trace::messages().
struct Delivery {
  static constexpr uint16_t kDefaultQueue = 4;

  Source source = Source::kTcp;
  // Each read (of a chunk, from a stream) is answered "not yet" once before anything comes.
  bool not_yet_before_each_read = false;
  // The end is there with the last bytes, in one poll.
  bool end_with_last = false;
  // PDUs that may be complete and not yet looked at. Where it is full the oldest is taken out and
  // the receiver polled again; until then PDUs stay in it.
  uint16_t queue_capacity = kDefaultQueue;
  // Slots (posted receives) that the receiver has. 0: enough, which for streams is one more than
  // the queue has room for, and where PDUs are pushed one for each, within reason.
  uint16_t slots = 0;
  std::vector<Operation> operations;

  // As new, but keeps the memory of `operations`.
  void Clear(Source new_source);
  void Feed(size_t bytes) { Add(Operation::Kind::kFeed, bytes); }
  void NotYet() { Add(Operation::Kind::kNotYet, 0); }
  void Push(size_t messages) { Add(Operation::Kind::kPush, messages); }
  void End() { Add(Operation::Kind::kEnd, 0); }

  friend bool operator==(const Delivery&, const Delivery&) = default;

 private:
  void Add(Operation::Kind kind, size_t count) {
    operations.push_back({kind, static_cast<uint32_t>(count)});
  }
};

// All at once, and then the end.
Delivery Whole(const Trace& trace, Source source);

// INVALID_ARGUMENT where it doesn't deliver all of the trace and end.
absl::Status Check(const Delivery& delivery, const Trace& trace);

// Offsets at which one feed (or push: message) ends and the next begins; the same offset again for
// each kNotYet there.
std::vector<size_t> CutsOf(const Delivery& delivery);

// In one line: "tcp, cut at 50 and 63", "push, 1+1+3 PDUs, queue 1".
std::string ToString(const Delivery& delivery);

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_DELIVERY_H_
