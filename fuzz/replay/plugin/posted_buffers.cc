#include "fuzz/replay/plugin/posted_buffers.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace pushpull::replay {
namespace {

constexpr uint8_t kStale = 0xdb;

}  // namespace

PostedBuffers::~PostedBuffers() {
  if (memory_ != nullptr) munmap(memory_, mapped_bytes_);
}

absl::Status PostedBuffers::Reserve(size_t buffers, size_t max_bytes) {
  if (buffers <= buffers_.size() && max_bytes <= room_) return absl::OkStatus();
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t room = (max_bytes + page - 1) / page * page;
  const size_t bytes = buffers * (room + page);
  void* memory =
      mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return absl::ResourceExhaustedError(absl::StrCat("no memory for ", buffers, " buffers of ",
                                                     max_bytes, " bytes: ", strerror(errno)));
  }
  if (memory_ != nullptr) munmap(memory_, mapped_bytes_);
  memory_ = static_cast<uint8_t*>(memory);
  mapped_bytes_ = bytes;
  room_ = room;
  buffers_.assign(buffers, {});
  for (size_t i = 0; i < buffers; ++i) {
    uint8_t* const begin = memory_ + i * (room + page);
    if (mprotect(begin, room, PROT_READ | PROT_WRITE) != 0) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "no memory for ", buffers, " buffers, each with a page behind it: ", strerror(errno),
          "; is vm.max_map_count too low?"));
    }
    buffers_[i].end = begin + room;
  }
  Reset(buffers);
  return absl::OkStatus();
}

void PostedBuffers::Reset(size_t buffers) {
  CHECK_LE(buffers, buffers_.size());
  limit_ = buffers;
  lent_ = 0;
  free_.clear();
  for (size_t i = buffers; i-- > 0;) {
    buffers_[i].lent_bytes = 0;
    free_.push_back(i);
  }
}

PostedBuffers::Posted PostedBuffers::Lend(size_t bytes) {
  CHECK_GT(bytes, 0u);
  CHECK_LE(bytes, room_);
  if (free_.empty()) return {};
  const size_t id = free_.back();
  free_.pop_back();
  ++lent_;
  buffers_[id].lent_bytes = bytes;
  return {id, {buffers_[id].end - bytes, bytes}};
}

bool PostedBuffers::TakeBack(uint64_t id) {
  if (id >= limit_ || buffers_[id].lent_bytes == 0) return false;
  Buffer& buffer = buffers_[id];
  std::memset(buffer.end - buffer.lent_bytes, kStale, buffer.lent_bytes);
  buffer.lent_bytes = 0;
  --lent_;
  free_.push_back(id);
  return true;
}

}  // namespace pushpull::replay
