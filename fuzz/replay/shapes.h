// Families of deliveries of one trace, one after the other without a list of them: what schedules
// are made of.

#ifndef FUZZ_REPLAY_SHAPES_H_
#define FUZZ_REPLAY_SHAPES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "fuzz/replay/delivery.h"
#include "fuzz/replay/trace.h"

namespace pushpull::replay {

// What is delivered in pieces: the bytes of a stream, or the messages of a push.
struct Pieces {
  bool push;
  size_t size;  // bytes, or messages

  void Add(size_t count, Delivery* to) const { push ? to->Push(count) : to->Feed(count); }
};

// Replaces the operations: cut at these places, which ascend and may repeat; those that aren't
// above 0 and below `pieces.size` are passed over.
void CutAt(const Pieces& pieces, std::span<const size_t> cuts, Delivery* delivery);

class Shapes {
 public:
  virtual ~Shapes() = default;
  virtual uint64_t count() const = 0;
  // The next one: fills a delivery that was cleared. Called count() times at the most.
  virtual void Next(Delivery* delivery) = 0;
};

// `count` of them, each from its number.
std::unique_ptr<Shapes> MakeShapes(uint64_t count,
                                   std::function<void(uint64_t index, Delivery*)> make);

// Each way to cut at `cuts` (1 to 3) places.
std::unique_ptr<Shapes> EveryCut(const Pieces& pieces, size_t cuts);
// Whole runs of cuts, each a row.
std::unique_ptr<Shapes> CutsOfRows(const Pieces& pieces, std::vector<std::vector<size_t>> rows);

// How many ways there are; UINT64_MAX where that is too many to count.
uint64_t WaysToCut(const Pieces& pieces, size_t cuts);

// Rows of cuts around the borders of a trace's bytes.
std::vector<std::vector<size_t>> SingleBorders(const Trace& trace);   // each, and its neighbours
std::vector<std::vector<size_t>> PairsOfBorders(const Trace& trace);  // that are adjacent, likewise
std::vector<std::vector<size_t>> BordersTogether(const Trace& trace);  // all; all moved by one
// Each place within AHSs, digests and pad with its borders; and each of these in a header together
// with each of these behind it and the data's beginning, middle and end.
std::vector<std::vector<size_t>> WithinParts(const Trace& trace);

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_SHAPES_H_
