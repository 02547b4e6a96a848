// SCHEDULE of the command line: in which ways a trace is delivered.
//
//   none           whole
//   bytes          a byte at a time; a message at a time
//   mss:N          in segments of N bytes
//   fields         at each border of BHS, AHSs, digests, data and pad, and one to either side; at
//                  each pair of adjacent ones; at all of them together
//   ahs            each place within AHSs, digests and pad, alone, and those of a header with those
//                  of its data
//   all1 all2 all3 each single cut, each pair, each triple
//   notyet         polls with nothing: before each read, at each border, at each alone
//   queue:N        PDU queues of 1 to N, with as many slots and with one more
//   random:SEED:N  N deliveries with cuts, waits, queue and slots at random
//   coalesce:K     K PDUs to a write, or K completions to a poll, from each place to begin
//   all            all of these that fit the trace's size (Budget)
//
// Several are joined by commas. Each is played by each source that the receiver has. Where a
// schedule doesn't say, the queue's capacity goes from 1 to 4, and the end comes now with the last
// bytes and now after them.

#ifndef FUZZ_REPLAY_SCHEDULE_H_
#define FUZZ_REPLAY_SCHEDULE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "fuzz/replay/delivery.h"
#include "fuzz/replay/shapes.h"
#include "fuzz/replay/trace.h"

namespace pushpull::replay {

class Schedule {
 public:
  enum class Kind : uint8_t {
    kNone,
    kBytes,
    kMss,
    kFields,
    kAhs,
    kAll1,
    kAll2,
    kAll3,
    kNotYet,
    kQueue,
    kRandom,
    kCoalesce,
    kAll,
  };
  struct Item {
    Kind kind;
    uint64_t number = 0;  // N, K
    uint64_t seed = 0;
  };

  // INVALID_ARGUMENT says which item is wrong and what there is.
  static absl::StatusOr<Schedule> Parse(std::string_view text);

  const std::vector<Item>& items() const { return items_; }
  static std::string ToString(const Item& item);

 private:
  std::vector<Item> items_;
};

// What is too much for one trace.
struct Budget {
  // Of an item that was asked for by its name: one that is more is left out.
  uint64_t max_deliveries = 20'000'000;
  // Of each item that `all` brings: deliveries times (the trace's bytes + 256), which stand for
  // what a delivery costs by itself. 2^31: on one core about two seconds for each, and some minutes
  // for a hundred traces.
  uint64_t all_bytes = uint64_t{1} << 31;
  // Whether queues of several sizes are anything to the receiver: without, `queue:N` is left out.
  bool queues = true;
};

// The deliveries of one trace, one after the other.
class Deliveries {
 public:
  // `trace` outlives them.
  Deliveries(const Schedule& schedule, const Trace& trace, const std::vector<Source>& sources,
             const Budget& budget = {});

  // How many there are, before the first.
  uint64_t count() const { return count_; }
  // Items (or parts of them) that were asked for and are too much: "all3 (1234567 deliveries)".
  const std::vector<std::string>& left_out() const { return left_out_; }

  // Replaces `delivery`, which must be the same object each time. False: that was all.
  bool Next(Delivery* delivery);

 private:
  struct Part {
    std::unique_ptr<Shapes> shapes;
    std::vector<Source> sources;
    bool vary = true;  // queue and end by their number
  };

  // The streams, and the pushes.
  struct Family {
    Pieces pieces;
    const std::vector<Source>* sources;
    std::vector<size_t> places;  // where parts border: the trace's borders, or each message

    std::vector<size_t> Each() const;  // each byte or message
  };
  std::vector<Family> Families() const;

  void Add(const Schedule::Item& item);
  void AddAll();
  void AddPart(const Schedule::Item& item, std::string_view what, uint64_t count,
               const std::vector<Source>& sources, const std::function<std::unique_ptr<Shapes>()>&,
               bool vary = true);
  void AddCuts(const Schedule::Item& item, size_t cuts);
  void AddRows(const Schedule::Item& item, std::string_view what,
               std::vector<std::vector<size_t>> rows);
  void AddNotYet(const Schedule::Item& item);
  void AddQueue(const Schedule::Item& item);
  void AddRandom(const Schedule::Item& item);
  void AddCoalesce(const Schedule::Item& item);

  const Trace& trace_;
  const Budget budget_;
  Pieces bytes_;
  Pieces messages_;
  std::vector<Source> streams_;
  std::vector<Source> pushes_;
  bool within_all_ = false;
  std::vector<Part> parts_;
  std::vector<std::string> left_out_;
  uint64_t count_ = 0;

  size_t part_ = 0;
  uint64_t shape_ = 0;  // of the part; the next to be made
  size_t source_ = 0;   // of the part; the next to be delivered by
};

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_SCHEDULE_H_
