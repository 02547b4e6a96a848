#include "fabric/epoll_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/check.h"

namespace pushpull::fabric {
namespace {

constexpr EpollLoop::WatchId kWakeUp = 0;  // in epoll_event: the eventfd, which is no watch
constexpr int kEventsPerTurn = 256;
constexpr uint32_t kExceptionalEvents = EPOLLRDHUP | EPOLLPRI | EPOLLERR | EPOLLHUP;
constexpr uint32_t kReadEvents = EPOLLIN | kExceptionalEvents;
constexpr uint32_t kWriteEvents = EPOLLOUT | EPOLLERR | EPOLLHUP;

int Opened(int fd, const char* what) {
  CHECK(fd >= 0) << what << ": " << std::strerror(errno)
                 << " (if there are too many open files, raise the limit: ulimit -n)";
  return fd;
}

int AddToEpoll(int epoll_fd, int fd, uint32_t events, uint64_t data) {
  epoll_event event = {};
  event.events = events | EPOLLET;
  event.data.u64 = data;
  return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

// Milliseconds for epoll_wait, rounded up so that a timer is due when the wait ends.
int WaitMs(absl::Duration wait) {
  if (wait <= absl::ZeroDuration()) return 0;
  if (wait > absl::Hours(1)) return 3600 * 1000;
  return static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(wait, absl::Milliseconds(1))));
}

}  // namespace

EpollLoop::EpollLoop()
    : epoll_fd_(Opened(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      wake_fd_(Opened(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")),
      start_(absl::Now()),
      steady_start_(std::chrono::steady_clock::now()),
      now_(start_) {
  CHECK_EQ(AddToEpoll(epoll_fd_, wake_fd_, EPOLLIN, kWakeUp), 0) << std::strerror(errno);
}

EpollLoop::~EpollLoop() {
  CHECK(thread_.load() == std::thread::id()) << "a loop is destroyed while it runs";
  while (DropPending()) {
  }
  CHECK_EQ(watches_, 0u) << "streams or listeners outlive their loop";
  close(wake_fd_);
  close(epoll_fd_);
}

// One round of it: what is destroyed may destroy streams, cancel timers and post again.
bool EpollLoop::DropPending() {
  std::vector<Task> posted;
  {
    const std::lock_guard lock(mutex_);
    posted.swap(posted_);
  }
  const bool some = !posted.empty() || !timers_.empty();
  while (!timers_.empty()) {
    const Task dropped = timers_.PopDue(absl::InfiniteFuture(), UINT64_MAX);
  }
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].owned != nullptr) Unwatch(uint64_t{slots_[i].generation} << 32 | (i + 1));
  }
  std::vector<std::unique_ptr<Watcher>> unwatched;
  unwatched.swap(unwatched_);
  return some || !unwatched.empty();
}

void EpollLoop::Run() {
  RunWhile([] { return true; });
}

void EpollLoop::RunUntil(absl::FunctionRef<bool()> done) {
  RunWhile([&] { return !done(); });
}

void EpollLoop::RunWhile(absl::FunctionRef<bool()> more) {
  std::thread::id none;
  CHECK(thread_.compare_exchange_strong(none, std::this_thread::get_id()))
      << "a loop runs twice at once";
  stop_ = false;
  now_ = ReadClock();
  while (!stop_ && more()) Turn();
  thread_.store(std::thread::id());
}

void EpollLoop::Stop() {
  Post([this] { stop_ = true; });
}

absl::Time EpollLoop::ReadClock() const {
  return start_ + absl::FromChrono(std::chrono::steady_clock::now() - steady_start_);
}

absl::Time EpollLoop::Now() const {
  return thread_.load(std::memory_order_relaxed) == std::thread::id() ? ReadClock() : now_;
}

void EpollLoop::Post(Task task) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(task));
    // The loop looks into the queue before it waits: no need to wake it from its own thread.
    if (!woken_ && thread_.load(std::memory_order_relaxed) != std::this_thread::get_id()) {
      woken_ = wake = true;
    }
  }
  if (!wake) return;
  // Never read: by edge, each write is an event, and it takes 2^64 - 1 of them to fill the counter.
  const uint64_t one = 1;
  while (write(wake_fd_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

Loop::TimerId EpollLoop::StartTimer(absl::Duration delay, Task task) {
  return timers_.Add(Now() + std::max(delay, absl::ZeroDuration()), std::move(task));
}

void EpollLoop::CancelTimer(TimerId timer) { const Task cancelled = timers_.Remove(timer); }

bool EpollLoop::OnThread() const {
  const std::thread::id thread = thread_.load();
  return thread == std::this_thread::get_id() || thread == std::thread::id();
}

EpollLoop::WatchId EpollLoop::Watch(int fd, Watcher* watcher) {
  CHECK(OnThread());
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const uint32_t index = free_slots_.back();
  Slot& slot = slots_[index];
  const WatchId watch = uint64_t{slot.generation} << 32 | (index + 1);
  if (AddToEpoll(epoll_fd_, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI, watch) != 0) return 0;
  free_slots_.pop_back();
  slot.watcher = watcher;
  slot.fd = fd;
  ++watches_;
  return watch;
}

EpollLoop::WatchId EpollLoop::WatchOwned(int fd, std::unique_ptr<Watcher>& watcher) {
  const WatchId watch = Watch(fd, watcher.get());
  if (watch != 0) slots_[(watch & 0xffffffff) - 1].owned = std::move(watcher);
  return watch;
}

void EpollLoop::Unwatch(WatchId watch) {
  CHECK(OnThread());
  CHECK(Find(watch) != nullptr) << "unknown watch " << watch;
  const uint32_t index = static_cast<uint32_t>(watch) - 1;
  Slot& slot = slots_[index];
  // Closing would do too, but not if a forked child still holds the socket.
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, slot.fd, nullptr);
  if (slot.owned != nullptr) unwatched_.push_back(std::move(slot.owned));
  slot.watcher = nullptr;
  slot.fd = -1;
  ++slot.generation;  // events that were fetched for it already find nobody
  free_slots_.push_back(index);
  --watches_;
}

EpollLoop::Watcher* EpollLoop::Find(WatchId watch) const {
  const uint64_t index = (watch & 0xffffffff) - 1;
  if (index >= slots_.size() || slots_[index].generation != watch >> 32) return nullptr;
  return slots_[index].watcher;
}

void EpollLoop::Turn() {
  epoll_event events[kEventsPerTurn];
  const int count = Wait(events, kEventsPerTurn);
  CHECK(count >= 0 || errno == EINTR) << "epoll_wait: " << std::strerror(errno);
  now_ = ReadClock();
  if (count > 0) {
    if (slept_from_ <= now_) busy_poll_.Slept(now_ - slept_from_);
    busy_until_ = now_ + busy_poll_.window();
  }
  for (int i = 0; i < count; ++i) {
    if (events[i].data.u64 != kWakeUp) Dispatch(events[i].data.u64, events[i].events);
  }
  RunTimers();
  RunPosted();
  const std::vector<std::unique_ptr<Watcher>> unwatched = std::exchange(unwatched_, {});
}

int EpollLoop::Wait(epoll_event* events, int size) {
  slept_from_ = absl::InfiniteFuture();
  if (HasPosted()) return epoll_wait(epoll_fd_, events, size, 0);
  absl::Time now = ReadClock();
  const absl::Time due = timers_.next_due();
  if (now < busy_until_) {
    while (now < busy_until_ && now < due) {
      const int count = epoll_wait(epoll_fd_, events, size, 0);
      if (count > 0) busy_poll_.Found();
      if (count != 0) return count;
      now = ReadClock();
    }
    if (now < due) busy_poll_.LookedInVain();
  }
  slept_from_ = now;
  return epoll_wait(epoll_fd_, events, size, WaitMs(due - now));
}

void EpollLoop::Dispatch(WatchId watch, uint32_t events) {
  if ((events & kExceptionalEvents) != 0) {
    if (Watcher* watcher = Find(watch)) watcher->OnExceptional();
  }
  if ((events & kReadEvents) != 0) {
    if (Watcher* watcher = Find(watch)) watcher->OnReadable();
  }
  if ((events & kWriteEvents) != 0) {
    if (Watcher* watcher = Find(watch)) watcher->OnWritable();
  }
}

void EpollLoop::RunTimers() {
  // What these start with no delay waits for the next turn, so that I/O gets its turn too.
  const uint64_t fence = timers_.fence();
  while (Task task = timers_.PopDue(now_, fence)) task();
}

bool EpollLoop::HasPosted() {
  const std::lock_guard lock(mutex_);
  return !posted_.empty();
}

void EpollLoop::RunPosted() {
  {
    const std::lock_guard lock(mutex_);
    running_.swap(posted_);
    woken_ = false;
  }
  for (Task& task : running_) {
    // Each is destroyed before the next one runs.
    Task run = std::move(task);
    run();
  }
  running_.clear();
}

LoopThread::LoopThread() {
  thread_ = std::thread([this] { loop_.Run(); });
  Call([] {});  // from here on OnThread() is false for the caller
}

LoopThread::~LoopThread() {
  loop_.Stop();
  thread_.join();
}

void LoopThread::Call(absl::FunctionRef<void()> task) {
  std::mutex mutex;
  std::condition_variable ended;
  bool end = false;
  loop_.Post([&] {
    task();
    const std::lock_guard lock(mutex);
    end = true;
    ended.notify_one();  // under the lock: after it, the waiter may be gone
  });
  std::unique_lock lock(mutex);
  ended.wait(lock, [&] { return end; });
}

}  // namespace pushpull::fabric
