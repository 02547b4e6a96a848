#include "fuzz/replay/plugin/call_channel.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <type_traits>

#include "absl/strings/str_cat.h"

namespace pushpull::replay {
namespace {

// Some tens of microseconds: a sleep takes about as long.
constexpr int kMaxSpins = 4000;
constexpr int kMinSpins = 16;

static_assert(std::atomic<uint32_t>::is_always_lock_free);
static_assert(std::is_trivially_copyable_v<Operation>);

// Not private: the other end is another process.
void FutexWait(std::atomic<uint32_t>* word, uint32_t value, int ms) {
  timespec timeout = {ms / 1000, ms % 1000 * 1000000L};
  syscall(SYS_futex, word, FUTEX_WAIT, value, ms < 0 ? nullptr : &timeout, nullptr, 0);
}

void FutexWake(std::atomic<uint32_t>* word) {
  syscall(SYS_futex, word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

absl::StatusOr<std::unique_ptr<CallChannel>> CallChannel::Create(size_t max_operations,
                                                                 size_t log_bytes) {
  const size_t bytes = sizeof(Shared) + max_operations * sizeof(Operation) + log_bytes;
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no ", bytes, " bytes to share with a child process: ", strerror(errno)));
  }
  const bool spin = sysconf(_SC_NPROCESSORS_ONLN) > 1;
  return std::unique_ptr<CallChannel>(
      new CallChannel(memory, bytes, max_operations, log_bytes, spin));
}

CallChannel::CallChannel(void* memory, size_t bytes, size_t max_operations, size_t log_bytes,
                         bool spin)
    : shared_(new(memory) Shared),
      mapped_bytes_(bytes),
      max_operations_(max_operations),
      log_bytes_(log_bytes),
      spin_(spin),
      spins_(kMaxSpins),
      operations_(reinterpret_cast<Operation*>(shared_ + 1)),
      log_(reinterpret_cast<uint8_t*>(operations_ + max_operations)) {}

CallChannel::~CallChannel() { munmap(shared_, mapped_bytes_); }

void CallChannel::Clear() {
  new (shared_) Shared;
  serial_ = 0;
}

void CallChannel::Publish() {
  shared_->log_bytes.store(0, std::memory_order_relaxed);
  shared_->events.store(0, std::memory_order_relaxed);
  shared_->asked.store(++serial_, std::memory_order_release);
  FutexWake(&shared_->asked);
}

void CallChannel::Ask() {
  shared_->call = Call();
  Publish();
}

absl::Status CallChannel::Ask(const Delivery& delivery, bool with_log) {
  if (delivery.operations.size() > max_operations_) {
    return absl::ResourceExhaustedError(absl::StrCat("a delivery in ", delivery.operations.size(),
                                                     " operations; this trace's may have ",
                                                     max_operations_));
  }
  Call& call = shared_->call;
  call.operations = static_cast<uint32_t>(delivery.operations.size());
  call.has_delivery = 1;
  call.with_log = with_log;
  call.source = static_cast<uint8_t>(delivery.source);
  call.not_yet_before_each_read = delivery.not_yet_before_each_read;
  call.end_with_last = delivery.end_with_last;
  call.queue_capacity = delivery.queue_capacity;
  call.slots = delivery.slots;
  std::copy(delivery.operations.begin(), delivery.operations.end(), operations_);
  Publish();
  return absl::OkStatus();
}

uint32_t CallChannel::Spin(const std::atomic<uint32_t>& word, uint32_t value) {
  uint32_t now = word.load(std::memory_order_acquire);
  for (int i = 0; spin_ && i < spins_ && now == value; ++i) {
    Pause();
    now = word.load(std::memory_order_acquire);
  }
  // Where the processors are needed by others, the other end doesn't run while this one looks.
  spins_ = now == value ? std::max(spins_ / 2, kMinSpins) : std::min(spins_ * 2, kMaxSpins);
  return now;
}

CallChannel::Wait CallChannel::WaitForAnswer(int ms) {
  uint32_t answered = Spin(shared_->answered, serial_ - 1);
  if (answered == serial_ - 1) {
    FutexWait(&shared_->answered, answered, ms);
    answered = shared_->answered.load(std::memory_order_acquire);
  }
  if (answered == serial_) return Wait::kAnswered;
  return answered == serial_ - 1 ? Wait::kNotYet : Wait::kGarbled;
}

std::string CallChannel::text() const {
  const std::array<char, 4096> copy = shared_->text;
  return std::string(copy.data(), strnlen(copy.data(), copy.size()));
}

bool CallChannel::ReadLog(v1::EventLog* log) const {
  const uint64_t end = shared_->log_bytes.load(std::memory_order_acquire);
  if (end > log_bytes_) return false;
  for (uint64_t at = 0; at < end;) {
    uint32_t size;
    if (end - at < sizeof(size)) return false;
    std::memcpy(&size, log_ + at, sizeof(size));
    at += sizeof(size);
    if (size > end - at) return false;
    // A copy: what is parsed may not change meanwhile.
    const std::string bytes(reinterpret_cast<const char*>(log_ + at), size);
    if (!log->add_event()->ParseFromString(bytes)) {
      log->mutable_event()->RemoveLast();
      return false;
    }
    at += size;
  }
  return true;
}

void CallChannel::WaitForCall() {
  uint32_t asked = Spin(shared_->asked, serial_);
  while (asked == serial_) {
    FutexWait(&shared_->asked, asked, -1);
    asked = shared_->asked.load(std::memory_order_acquire);
  }
  serial_ = asked;
}

bool CallChannel::ReadDelivery(Delivery* delivery, bool* with_log) const {
  const Call& call = shared_->call;
  if (call.has_delivery == 0) return false;
  delivery->Clear(static_cast<Source>(call.source));
  delivery->not_yet_before_each_read = call.not_yet_before_each_read != 0;
  delivery->end_with_last = call.end_with_last != 0;
  delivery->queue_capacity = call.queue_capacity;
  delivery->slots = call.slots;
  delivery->operations.assign(operations_, operations_ + call.operations);
  *with_log = call.with_log != 0;
  return true;
}

bool CallChannel::WriteEvent(const v1::Event& event) {
  const uint64_t at = shared_->log_bytes.load(std::memory_order_relaxed);
  const auto size = static_cast<uint32_t>(event.ByteSizeLong());
  if (log_bytes_ - at < sizeof(size) + size) return false;
  std::memcpy(log_ + at, &size, sizeof(size));
  if (!event.SerializeToArray(log_ + at + sizeof(size), static_cast<int>(size))) return false;
  shared_->log_bytes.store(at + sizeof(size) + size, std::memory_order_release);
  return true;
}

void CallChannel::SetText(std::string_view text) {
  const size_t size = std::min(text.size(), shared_->text.size() - 1);
  std::copy_n(text.begin(), size, shared_->text.begin());
  shared_->text[size] = '\0';
}

void CallChannel::Answer(const Reply& reply) {
  shared_->reply = reply;
  shared_->answered.store(serial_, std::memory_order_release);
  FutexWake(&shared_->answered);
}

}  // namespace pushpull::replay
