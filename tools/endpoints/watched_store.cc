#include "tools/endpoints/watched_store.h"

#include <utility>

#include "base/bytes.h"
#include "base/check.h"

namespace pushpull::tools {

WatchedStore::WatchedStore(std::shared_ptr<target::Store> behind) : behind_(std::move(behind)) {
  CHECK_EQ(behind_->Memory().size(), behind_->size_bytes()) << "not a store in memory";
}

std::optional<absl::Status> WatchedStore::Submit(target::Io* io) {
  const uint64_t bytes = target::IoLength(*io);
  // What goes beyond the end is refused.
  const bool fits = io->offset < size_bytes() && bytes <= size_bytes() - io->offset;
  if (fits && bytes > 0) Note(io->op, io->offset, io->offset + bytes);
  return behind_->Submit(io);
}

void WatchedStore::Note(target::Io::Op op, uint64_t begin, uint64_t end) {
  if (op == target::Io::Op::kWrite) {
    for (uint64_t block = begin / kBlockBytes; block * kBlockBytes < end; ++block) {
      written_.insert(written_.end(), block);
    }
  } else if (op == target::Io::Op::kUnmap) {
    // Blocks that are unmapped in part still count.
    const uint64_t first = (begin + kBlockBytes - 1) / kBlockBytes;
    const uint64_t last = end / kBlockBytes;
    if (first < last) written_.erase(written_.lower_bound(first), written_.lower_bound(last));
  }
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
