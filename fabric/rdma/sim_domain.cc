#include "fabric/rdma/sim_domain.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/bytes.h"
#include "base/check.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/work.h"

namespace pushpull::fabric {
namespace {

constexpr size_t kMaxKeys = (size_t{1} << 23) - 1;

}  // namespace

class SimDomain::Memory final : public RdmaMemory {
 public:
  Memory(std::shared_ptr<SimDomain> domain, uint32_t index, base::MutableBytes bytes,
         RdmaRights rights)
      : RdmaMemory(bytes, rights), domain_(std::move(domain)), index_(index) {
    const uint32_t key = Key(index, domain_->entries_[index].variant);
    set_keys(key, key | kRemote);
  }
  ~Memory() override {
    CHECK_EQ(domain_->entries_[index_].windows, 0u)
        << "memory is deregistered while windows are bound to it";
    // The device has done what it accepted.
    domain_->ShowAllLateWrites();
    domain_->Free(index_);
  }

 private:
  const std::shared_ptr<SimDomain> domain_;
  const uint32_t index_;
};

class SimDomain::Window final : public RdmaWindow {
 public:
  Window(std::shared_ptr<SimDomain> domain, uint32_t index)
      : domain_(std::move(domain)), index_(index), posted_(domain_->entries_[index].variant) {}
  ~Window() override {
    domain_->ShowAllLateWrites();
    domain_->Unbind(domain_->entries_[index_]);
    domain_->Free(index_);
  }

  uint32_t key() const override { return Key(index_, posted_) | kRemote; }
  uint32_t next_key() const override {
    return Key(index_, static_cast<uint8_t>(posted_ + 1)) | kRemote;
  }

  const SimDomain* domain() const { return domain_.get(); }
  void Posted() { ++posted_; }

 private:
  const std::shared_ptr<SimDomain> domain_;
  const uint32_t index_;
  uint8_t posted_;
};

absl::StatusOr<std::unique_ptr<RdmaMemory>> SimDomain::Register(base::MutableBytes bytes,
                                                                RdmaRights rights) {
  CHECK(!bytes.empty());
  if (free_.empty() && entries_.size() == kMaxKeys) {
    return absl::ResourceExhaustedError("all keys of the simulated device are in use");
  }
  const uint32_t index = Allocate(Kind::kRegion);
  entries_[index].rights = rights;
  entries_[index].address = reinterpret_cast<uintptr_t>(bytes.data());
  entries_[index].length = bytes.size();
  return std::make_unique<Memory>(shared_from_this(), index, bytes, rights);
}

absl::StatusOr<std::unique_ptr<RdmaWindow>> SimDomain::NewWindow() {
  if (!limits().windows) {
    return absl::UnimplementedError("the simulated device has no memory windows (options.device)");
  }
  if (free_.empty() && entries_.size() == kMaxKeys) {
    return absl::ResourceExhaustedError("all keys of the simulated device are in use");
  }
  return std::make_unique<Window>(shared_from_this(), Allocate(Kind::kWindow));
}

uint32_t SimDomain::Allocate(Kind kind) {
  if (free_.empty()) {
    free_.push_back(static_cast<uint32_t>(entries_.size()));
    entries_.push_back({.variant = static_cast<uint8_t>(random_.Next())});
  }
  const uint32_t index = free_.back();
  free_.pop_back();
  entries_[index] = {.kind = kind, .variant = static_cast<uint8_t>(entries_[index].variant + 1)};
  return index;
}

void SimDomain::Free(uint32_t index) {
  entries_[index].kind = Kind::kFree;
  ++entries_[index].variant;
  free_.push_back(index);
}

bool SimDomain::AllowsRemote(uint32_t key, uint64_t address, uint64_t length, RdmaRights right,
                             User user) const {
  if (length == 0) return true;  // touches nothing: the key isn't looked at
  if ((key & kRemote) == 0) return false;
  const Entry* entry = Find(key);
  if (entry == nullptr || entry->kind == Kind::kFree) return false;
  if (entry->kind == Kind::kWindow && (!entry->bound || entry->user != user)) return false;
  return Allows(entry->rights, right) && Inside(*entry, address, length);
}

base::MutableBytes SimDomain::Region(uint32_t key) const {
  const Entry* entry = (key & kRemote) == 0 ? nullptr : Find(key);
  if (entry == nullptr || entry->kind == Kind::kFree) return {};
  if (entry->kind == Kind::kWindow) {
    if (!entry->bound) return {};
    entry = &entries_[entry->region];
  }
  return {reinterpret_cast<uint8_t*>(entry->address), entry->length};
}

uint32_t SimDomain::NoteBind(RdmaWindow* window) {
  auto* own = dynamic_cast<Window*>(window);
  CHECK(own != nullptr && own->domain() == this) << "not a window of this connection's domain";
  own->Posted();
  return own->key();
}

bool SimDomain::Bind(uint32_t window_key, uint32_t memory_key, base::MutableBytes bytes,
                     RdmaRights rights, User user) {
  Entry& window = entries_[Index(window_key)];
  Entry* const memory = Find(memory_key);
  if (window.kind != Kind::kWindow || window.bound) return false;
  if (memory == nullptr || memory->kind != Kind::kRegion) return false;
  if (!Allows(memory->rights, RdmaRights::kWindows) || bytes.empty()) return false;
  if (!Inside(*memory, reinterpret_cast<uintptr_t>(bytes.data()), bytes.size())) return false;
  window.variant = static_cast<uint8_t>(window_key);
  window.bound = true;
  window.rights = rights;
  window.region = Index(memory_key);
  window.address = reinterpret_cast<uintptr_t>(bytes.data());
  window.length = bytes.size();
  window.user = user;
  ++memory->windows;
  return true;
}

bool SimDomain::Invalidate(uint32_t key, User user) {
  Entry* const entry = (key & kRemote) == 0 ? nullptr : Find(key);
  if (entry == nullptr || entry->kind != Kind::kWindow) return false;
  if (!entry->bound || entry->user != user) return false;
  ShowAllLateWrites();
  Unbind(*entry);
  return true;
}

void SimDomain::Unbind(Entry& window) {
  if (!std::exchange(window.bound, false)) return;
  window.user = 0;
  --entries_[window.region].windows;
}

void SimDomain::AddLateWrite(User user, uint64_t address, base::Bytes data, absl::Time due) {
  late_.push_back({user, address, {data.begin(), data.end()}, due});
}

absl::Time SimDomain::NextLateWrite(User user) const {
  absl::Time next = absl::InfiniteFuture();
  for (const LateWrite& write : late_) {
    if (write.user == user) next = std::min(next, write.due);
  }
  return next;
}

void SimDomain::ShowLateWrites(User user, absl::Time until) {
  for (size_t i = 0; i < late_.size();) {
    if (late_[i].user == user && late_[i].due <= until) {
      Show(i);
      i = 0;
    } else {
      ++i;
    }
  }
}

void SimDomain::ShowAllLateWrites() {
  while (!late_.empty()) Show(0);
}

// What was written to the same place before, comes before.
void SimDomain::Show(size_t number) {
  LateWrite write = std::move(late_[number]);
  late_.erase(late_.begin() + static_cast<ptrdiff_t>(number));
  for (size_t i = 0; i < number;) {
    const LateWrite& before = late_[i];
    if (before.address < write.address + write.data.size() &&
        write.address < before.address + before.data.size()) {
      const size_t size = late_.size();
      Show(i);
      number -= size - late_.size();
      i = 0;
    } else {
      ++i;
    }
  }
  std::memcpy(reinterpret_cast<uint8_t*>(write.address), write.data.data(), write.data.size());
}

}  // namespace pushpull::fabric
