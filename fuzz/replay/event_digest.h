// 64 bits that stand for an event log.

#ifndef FUZZ_REPLAY_EVENT_DIGEST_H_
#define FUZZ_REPLAY_EVENT_DIGEST_H_

#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "pushpull/v1/event.pb.h"

namespace pushpull::replay {

// A hash of a sequence of bytes and numbers. It doesn't matter in which pieces Add() gets the
// bytes; put a number (such as their count) before what would else run into its neighbour. The same
// on every machine and in every process. Not for adversaries.
class EventDigest {
 public:
  void Add(base::Bytes bytes);
  void Add(uint64_t number) {
    Flush();
    Mix(number);
  }
  uint64_t value() const;

 private:
  static uint64_t Fold(uint64_t a, uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }
  // Words are multiplied by where they stand and summed up, so that a processor has many of these
  // multiplications under way.
  void Mix(uint64_t word) {
    place_ += 0x9e3779b97f4a7c15;
    sum_ += Fold(word ^ 0xd6e8feb86659fd93, place_);
  }
  void Flush() {
    if (held_ == 0) return;
    place_ += held_ * 0xc2b2ae3d27d4eb4f;  // three bytes aren't a word with five zeros
    Mix(word_);
    word_ = 0;
    held_ = 0;
  }

  uint64_t sum_ = 0;
  uint64_t place_ = 0x2545f4914f6cdd1d;
  uint64_t word_ = 0;  // bytes that don't make a word yet
  uint32_t held_ = 0;  // how many
};

// For receivers that build their logs anyhow.
uint64_t DigestOf(const v1::EventLog& log);

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_EVENT_DIGEST_H_
