// Streams of PDUs for a receiver that has no peer, with what is wrong with some of them: each is
// its seed and its number.

#ifndef FUZZ_BLACKBOX_STREAM_GROWER_H_
#define FUZZ_BLACKBOX_STREAM_GROWER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "fuzz/replay/trace.h"

namespace pushpull::fuzz {

struct StreamOptions {
  uint64_t seed = 1;
  // What the receiver takes.
  bool to_target = true, to_initiator = true;
  bool header_digest = true, data_digest = true;
  bool login = true, ahs = true;
};

// A PDU in the parts that change apart from one another; digests are made when it is written.
struct StreamPiece {
  std::vector<uint8_t> head;  // BHS and AHSs
  std::vector<uint8_t> data;  // with its pad
  bool header_digest_wrong = false;
  bool data_digest_wrong = false;

  // So many bytes of zero with their pad, and a header that says so.
  void SetData(size_t length);
};

struct Stream {
  replay::Direction direction = replay::Direction::kToTarget;
  replay::Parameters parameters;
  std::vector<StreamPiece> pieces;
  size_t cut_off = 0;  // bytes of the end that never come

  replay::Trace ToTrace(std::string name) const;
};

// The same pieces; what follows the last whole PDU is one more. Of a trace of the receiver's
// direction.
Stream StreamOf(const replay::Trace& trace);

class StreamGrower {
 public:
  // Streams grow from PDUs drawn at random, and from `seeds`; those are left out that the options
  // rule out.
  StreamGrower(const std::vector<replay::Trace>& seeds, const StreamOptions& options);

  // The same for the same number, whatever came before.
  Stream Make(uint64_t number) const;

  // Of the traces that were given.
  size_t seeds() const { return seeds_.size(); }

 private:
  StreamPiece AnyPiece(replay::Direction direction, base::Random* random) const;
  Stream Fresh(base::Random* random) const;
  void Change(Stream* stream, base::Random* random) const;

  const StreamOptions options_;
  std::vector<Stream> seeds_;
};

}  // namespace pushpull::fuzz

#endif  // FUZZ_BLACKBOX_STREAM_GROWER_H_
