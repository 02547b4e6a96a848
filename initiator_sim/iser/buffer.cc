#include "initiator_sim/iser/buffer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "initiator_sim/pdu/pattern.h"

namespace pushpull::initiator_sim {
namespace {

constexpr size_t kWord = 8;
constexpr size_t kTail = 4;  // at the very end

}  // namespace

IserBuffer::IserBuffer(Options options)
    : options_(std::move(options)), bytes_(options_.length + 2 * kGuardBytes) {
  FillPattern(options_.seed, 0, bytes_);
  fill_ = bytes_;
}

absl::StatusOr<std::unique_ptr<IserBuffer>> IserBuffer::Create(fabric::RdmaDomain* domain,
                                                               Options options) {
  std::unique_ptr<IserBuffer> buffer(new IserBuffer(std::move(options)));
  const bool windows = domain->limits().windows;
  base::MutableBytes registered = buffer->bytes_;
  fabric::RdmaRights rights = buffer->options_.rights;
  // Devices are about that hold a window's key to the bounds of its region alone (rxe).
  if (buffer->options_.key_length) {
    registered = buffer->data().first(std::max<size_t>(*buffer->options_.key_length, 1));
  }
  if (windows) rights = rights | fabric::RdmaRights::kWindows;
  PUSHPULL_ASSIGN_OR_RETURN(buffer->region_, domain->Register(registered, rights));
  buffer->key_ = buffer->region_->remote_key();
  if (windows) {
    PUSHPULL_ASSIGN_OR_RETURN(buffer->window_, domain->NewWindow());
  }
  return buffer;
}

bool IserBuffer::MakeBind(fabric::RdmaWork* work) {
  if (window_ == nullptr || bound_) return false;
  bound_ = true;
  *work = fabric::RdmaWork();
  work->op = fabric::RdmaOp::kBindWindow;
  work->signalled = false;
  work->window = window_.get();
  work->memory = region_.get();
  work->bound = region_->bytes();
  work->rights = options_.rights;
  key_ = window_->next_key();
  return true;
}

void IserBuffer::Release() {
  window_.reset();
  region_.reset();
}

std::string IserBuffer::GuardDamage() const {
  const auto differs = [this](size_t at) { return bytes_[at] != fill_[at]; };
  size_t first = bytes_.size();
  size_t last = 0;
  size_t count = 0;
  const auto look = [&](size_t begin, size_t end) {
    for (size_t at = begin; at < end; ++at) {
      if (!differs(at)) continue;
      first = std::min(first, at);
      last = at;
      ++count;
    }
  };
  look(0, kGuardBytes);
  look(kGuardBytes + options_.length, bytes_.size());
  if (count == 0) return "";
  const auto place = [this](size_t at) {
    return at < kGuardBytes ? absl::StrCat(kGuardBytes - at, " before its beginning")
                            : absl::StrCat(at - kGuardBytes - options_.length, " behind its end");
  };
  return absl::StrCat(count, " bytes outside buffer ", options_.name, " (", options_.length,
                      " bytes) were written: the first ", place(first),
                      count == 1 ? "" : absl::StrCat(", the last ", place(last)));
}

size_t IserBuffer::FirstUnwritten(size_t begin, size_t end) const {
  if (end - begin < kTail) return end;  // what is written may be as it was by chance
  size_t run = 0;
  for (size_t at = begin; at < end; ++at) {
    run = bytes_[kGuardBytes + at] == fill_[kGuardBytes + at] ? run + 1 : 0;
    if (run == std::min(kWord, end - begin)) return at + 1 - run;
  }
  return run >= kTail ? end - run : end;
}

size_t IserBuffer::WrittenEnd() const {
  size_t end = options_.length;
  while (end > 0 && bytes_[kGuardBytes + end - 1] == fill_[kGuardBytes + end - 1]) --end;
  return end;
}

}  // namespace pushpull::initiator_sim
