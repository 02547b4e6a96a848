#include "tools/endpoints/watched_store.h"

#include <utility>

#include "base/bytes.h"
#include "base/check.h"

namespace pushpull::tools {

WatchedStore::WatchedStore(std::shared_ptr<target::Store> behind) : behind_(std::move(behind)) {
  CHECK_EQ(behind_->Memory().size(), behind_->size_bytes()) << "not a store in memory";
}

std::optional<absl::Status> WatchedStore::Submit(target::Io* io) {
  const uint64_t bytes = target::IoBytes(io->buffers);
  // What goes beyond the end is refused.
  if (io->op == target::Io::Op::kWrite && bytes > 0 && io->offset < size_bytes() &&
      bytes <= size_bytes() - io->offset) {
    const uint64_t end = io->offset + bytes;
    for (uint64_t block = io->offset / kBlockBytes; block * kBlockBytes < end; ++block) {
      written_.insert(written_.end(), block);
    }
  }
  return behind_->Submit(io);
}

std::vector<std::pair<uint64_t, std::string>> WatchedStore::Written() {
  const base::Bytes memory = behind_->Memory();
  std::vector<std::pair<uint64_t, std::string>> blocks;
  for (const uint64_t block : written_) {
    blocks.emplace_back(block, base::AsText(memory.subspan(block * kBlockBytes, kBlockBytes)));
  }
  return blocks;
}

}  // namespace pushpull::tools
