// What initiators do to a disk that may lose its power: writes with FUA and without, flushes,
// UNMAP, WRITE SAME, reads, and the write cache turned off and on, by several sessions at once.

#ifndef TOOLS_CRASH_WORKLOAD_H_
#define TOOLS_CRASH_WORKLOAD_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/random.h"
#include "tools/crash/client.h"
#include "tools/crash/ledger.h"

namespace pushpull::tools {

// What all sessions share: the LUN's ledger, and whether its write cache is on.
class Workload {
 public:
  // All blocks count, but most commands meet in the first ones. By `seldom` little makes others'
  // writes durable, so that one that wasn't made so stays lost for long.
  Workload(uint64_t blocks, base::Random random, bool seldom);
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;

  // The next command of any session. What comes of it is written down.
  ClientCommand Next();

  const Ledger& ledger() const { return ledger_; }
  Ledger& ledger() { return ledger_; }
  // What went wrong before any power failure; empty: nothing.
  const std::string& error() const { return error_; }
  size_t answered() const { return answered_; }

 private:
  // Whether what is answered now with GOOD is durable for want of a cache.
  enum class Cache : uint8_t { kOn, kTurningOff, kOff, kTurningOn };

  struct Range {
    uint64_t lba;
    uint32_t blocks;
  };
  Range AnyRange();

  ClientCommand Write(bool fua);
  ClientCommand WriteSame();
  ClientCommand Unmap();
  ClientCommand Read(bool fua);
  ClientCommand Flush(bool immediate);
  ClientCommand TurnCache();

  using WriteId = Ledger::WriteId;
  // `done` of a command that writes.
  std::function<void(v1::ScsiStatus, const std::string&, bool)> Writes(WriteId write, bool fua);
  // Whether GOOD came. Errors that are no unit attention are written down.
  bool Good(v1::ScsiStatus status, bool unit_attention);

  const uint64_t blocks_;
  const bool seldom_;
  base::Random random_;
  Ledger ledger_;
  Cache cache_ = Cache::kOn;
  std::string error_;
  size_t answered_ = 0;
};

}  // namespace pushpull::tools

#endif  // TOOLS_CRASH_WORKLOAD_H_
