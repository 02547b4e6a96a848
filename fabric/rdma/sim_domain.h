// The simulated device's keys: which memory each names, for whom, with which rights.

#ifndef FABRIC_RDMA_SIM_DOMAIN_H_
#define FABRIC_RDMA_SIM_DOMAIN_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/bytes.h"
#include "base/random.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/work.h"

namespace pushpull::fabric {

// Keys have 23 bits of index and 8 that change with each use of it, so that an old key is known as
// such; local and remote keys are never equal.
class SimDomain final : public RdmaDomain, public std::enable_shared_from_this<SimDomain> {
 public:
  // A queue pair's number; never 0.
  using User = uint64_t;

  SimDomain(const RdmaDeviceLimits& limits, base::Random random)
      : RdmaDomain(limits), random_(random) {}

  absl::StatusOr<std::unique_ptr<RdmaMemory>> Register(base::MutableBytes bytes,
                                                       RdmaRights rights) override;
  absl::StatusOr<std::unique_ptr<RdmaWindow>> NewWindow() override;

  // Regions and windows that there are.
  size_t keys() const { return entries_.size() - free_.size(); }

  // Whether a local request may use this.
  bool AllowsLocal(const RdmaSegment& segment) const {
    const Entry* entry = Find(segment.local_key);
    return entry != nullptr && entry->kind == Kind::kRegion &&
           Inside(*entry, reinterpret_cast<uintptr_t>(segment.address), segment.length);
  }
  // Whether the peer of `user` may do this.
  bool AllowsRemote(uint32_t key, uint64_t address, uint64_t length, RdmaRights right,
                    User user) const;
  // The whole region of a remote key; empty if there is none.
  base::MutableBytes Region(uint32_t key) const;

  // What a posted bind keeps of its window: the key that it will give, and nothing that can dangle.
  uint32_t NoteBind(RdmaWindow* window);
  // False: the bind fails.
  bool Bind(uint32_t window_key, uint32_t memory_key, base::MutableBytes bytes, RdmaRights rights,
            User user);
  // False: no key of a window of `user`'s.
  bool Invalidate(uint32_t key, User user);

  // Writes that were accepted and are not to be seen yet.
  void AddLateWrite(User user, uint64_t address, base::Bytes data, absl::Time due);
  bool has_late_writes() const { return !late_.empty(); }
  absl::Time NextLateWrite(User user) const;  // infinite future if there is none
  void ShowLateWrites(User user, absl::Time until);
  void ShowAllLateWrites();

 private:
  class Memory;
  class Window;
  enum class Kind : uint8_t { kFree, kRegion, kWindow };
  struct Entry {
    Kind kind = Kind::kFree;
    uint8_t variant = 0;
    bool bound = false;  // kWindow
    RdmaRights rights = RdmaRights::kLocal;
    uint32_t region = 0;   // kWindow: index of what it is bound to
    uint32_t windows = 0;  // kRegion: bound to it
    uint64_t address = 0;
    uint64_t length = 0;
    User user = 0;  // kWindow: the only one
  };
  struct LateWrite {
    User user;
    uint64_t address;
    std::vector<uint8_t> data;
    absl::Time due;
  };

  static constexpr uint32_t kRemote = uint32_t{1} << 31;
  static uint32_t Index(uint32_t key) { return ((key & ~kRemote) >> 8) - 1; }
  static uint32_t Key(uint32_t index, uint8_t variant) { return (index + 1) << 8 | variant; }
  static bool Inside(const Entry& entry, uint64_t address, uint64_t length) {
    return address >= entry.address && address - entry.address <= entry.length &&
           length <= entry.length - (address - entry.address);
  }
  const Entry* Find(uint32_t key) const {
    const uint32_t index = Index(key);
    if (index >= entries_.size() || entries_[index].variant != (key & 0xff)) return nullptr;
    return &entries_[index];
  }
  Entry* Find(uint32_t key) { return const_cast<Entry*>(std::as_const(*this).Find(key)); }
  uint32_t Allocate(Kind kind);
  void Free(uint32_t index);
  void Unbind(Entry& window);
  void Show(size_t number);

  base::Random random_;
  std::vector<Entry> entries_;
  std::vector<uint32_t> free_;
  std::vector<LateWrite> late_;  // in the order of the Writes
};

}  // namespace pushpull::fabric

#endif  // FABRIC_RDMA_SIM_DOMAIN_H_
