// A disk with a volatile cache, and a system that does I/O on it, in a simulated world: what would
// be left of it if the power failed now.

#ifndef TOOLS_CRASH_SIM_DISK_H_
#define TOOLS_CRASH_SIM_DISK_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "base/random.h"
#include "fabric/sim_world.h"
#include "target/store/io_engine.h"

namespace pushpull::tools {

// What a bad disk, or a bad driver of it, does.
struct DiskFaults {
  bool sync_does_nothing = false;
  bool sync_answered_early = false;     // it is answered at once, and takes its time
  bool durable_write_is_plain = false;  // RWF_DSYNC is forgotten
  bool writes_answered_early = false;   // before they have reached the cache
  bool punch_lasts_not = false;         // a sync doesn't cover holes
};

// Operations take a time by the seed, and overtake one another. Until a sync covers it, each sector
// of a write may be on the medium or not, in any order with other writes; those of one under way,
// too.
class SimDisk {
 public:
  static constexpr uint64_t kSectorBytes = 512;
  using Sector = std::array<uint8_t, kSectorBytes>;
  using SectorRef = std::shared_ptr<const Sector>;  // null: zeros

  SimDisk(fabric::SimWorld* world, uint64_t size_bytes, const DiskFaults& faults = {});
  SimDisk(const SimDisk&) = delete;
  SimDisk& operator=(const SimDisk&) = delete;

  // Does what a file store asks for. The disk outlives it.
  std::unique_ptr<target::IoEngine> MakeEngine();

  // What the sectors would hold after a power failure at this moment: one of the outcomes that
  // there could be, by `random`.
  std::vector<SectorRef> AfterPowerFailure(base::Random& random) const;

  size_t syncs() const { return syncs_; }

 private:
  class Engine;

  // What was written to a sector since it was last synced.
  struct Version {
    uint64_t write;
    uint64_t done_at;  // by clock_; kUnderWay
    bool hole;
    SectorRef sector;
  };
  struct State {
    SectorRef stable;
    SectorRef current;  // what is read
    std::vector<Version> versions;
  };
  static constexpr uint64_t kUnderWay = UINT64_MAX;

  void Start(target::FileOperation* operation);
  void After(absl::Duration delay, fabric::Task task);
  absl::Duration Delay(target::FileOperation::Kind kind);

  void Read(const target::FileOperation& operation) const;
  uint64_t BeginWrite(const target::FileOperation& operation, uint64_t bytes);
  void EndWrite(uint64_t write, uint64_t offset, uint64_t bytes, bool durable);
  // All that was done before `since`.
  void Sync(uint64_t since);

  fabric::SimWorld* const world_;
  const fabric::SimWorld::Lane lane_;
  const DiskFaults faults_;
  base::Random random_;
  std::vector<State> sectors_;
  uint64_t clock_ = 0;
  uint64_t writes_ = 0;
  size_t syncs_ = 0;
};

}  // namespace pushpull::tools

#endif  // TOOLS_CRASH_SIM_DISK_H_
