#include "target/iser/store_memory.h"

#include <algorithm>

#include "base/check.h"

namespace pushpull::target {
namespace {

// A chunk's registration, on one device.
struct Registration : BufferPool::Attachment {
  const fabric::RdmaDomain* domain;
  std::unique_ptr<fabric::RdmaMemory> memory;
};

}  // namespace

bool StoreMemory::Prepare(const std::shared_ptr<fabric::RdmaDomain>& domain, Store& store,
                          uint64_t offset, uint64_t bytes) {
  const base::MutableBytes all = store.Memory();
  CHECK(bytes > 0 && offset <= all.size() && bytes <= all.size() - offset);
  const std::lock_guard lock(mutex_);
  Extents& extents = stores_[{domain.get(), all.data()}];
  extents.resize((all.size() - 1) / kExtentBytes + 1);
  for (size_t i = offset / kExtentBytes; i <= (offset + bytes - 1) / kExtentBytes; ++i) {
    if (extents[i] != nullptr) continue;
    const size_t begin = i * kExtentBytes;
    const size_t size = std::min(kExtentBytes, all.size() - begin);
    // Before the device has the pages: none may be exchanged behind its back.
    store.PinMemory(begin, size);
    auto memory = domain->Register(all.subspan(begin, size), fabric::RdmaRights::kLocal);
    if (!memory.ok()) return false;
    extents[i] = *std::move(memory);
  }
  return true;
}

uint64_t StoreMemory::AddSegments(const fabric::RdmaDomain& domain, base::MutableBytes store,
                                  uint64_t offset, uint64_t bytes, size_t max_segments,
                                  RdmaSegments& segments) {
  const std::lock_guard lock(mutex_);
  const Extents& extents = stores_.at({&domain, store.data()});
  uint64_t added = 0;
  while (added < bytes && segments.size() < max_segments) {
    const uint64_t at = offset + added;
    const uint64_t within = at % kExtentBytes;
    const uint64_t part = std::min(bytes - added, kExtentBytes - within);
    segments.push_back(extents.at(at / kExtentBytes)->Segment(within, part));
    added += part;
  }
  return added;
}

size_t StoreMemory::regions() const {
  const std::lock_guard lock(mutex_);
  size_t count = 0;
  for (const auto& [key, extents] : stores_) {
    count += static_cast<size_t>(
        std::ranges::count_if(extents, [](const auto& memory) { return memory != nullptr; }));
  }
  return count;
}

absl::StatusOr<uint64_t> AddBufferSegments(fabric::RdmaDomain* domain, DataBuffer& buffer,
                                           uint32_t offset, uint32_t bytes, size_t max_segments,
                                           RdmaSegments& segments) {
  uint64_t added = 0;
  while (added < bytes && segments.size() < max_segments) {
    const DataBuffer::Place place = buffer.PlaceOf(static_cast<uint32_t>(offset + added));
    auto* registration = static_cast<Registration*>(place.attachment.get());
    if (registration == nullptr || registration->domain != domain) {
      auto memory = domain->Register(place.chunk, fabric::RdmaRights::kLocal);
      if (!memory.ok()) return memory.status();
      auto made = std::make_unique<Registration>();
      made->domain = domain;
      made->memory = *std::move(memory);
      registration = made.get();
      place.attachment = std::move(made);
    }
    const uint64_t part = std::min<uint64_t>(bytes - added, place.chunk.size() - place.within);
    segments.push_back(registration->memory->Segment(place.within, part));
    added += part;
  }
  return added;
}

}  // namespace pushpull::target
