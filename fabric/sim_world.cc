#include "fabric/sim_world.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "base/check.h"

namespace pushpull::fabric {

absl::Time SimLoop::Now() const { return world_->now(); }

void SimLoop::Post(Task task) {
  world_->Schedule(world_->PostLane(this), world_->now(), this, std::move(task));
}

Loop::TimerId SimLoop::StartTimer(absl::Duration delay, Task task) {
  CHECK(OnThread());
  const absl::Time due = world_->now() + std::max(delay, absl::ZeroDuration());
  return world_->ScheduleTimer(SimWorld::kTimerLanes + number_, due, this, std::move(task));
}

void SimLoop::CancelTimer(TimerId timer) {
  CHECK(OnThread());
  world_->Cancel(timer);
}

bool SimLoop::OnThread() const { return world_->current_ == this || world_->current_ == nullptr; }

SimWorld::SimWorld(uint64_t seed)
    : seed_(seed), random_(seed), life_(std::make_shared<const char>()) {}

SimWorld::~SimWorld() {
  CHECK(!running_) << "a world is destroyed by one of its events";
  ending_ = true;  // nothing new comes in
  life_.reset();
  // What is destroyed may cancel timers, which must find them gone.
  places_.clear();
  std::map<absl::Time, Instant> dropped;
  dropped.swap(instants_);
}

SimLoop* SimWorld::NewLoop() {
  loops_.emplace_back(new SimLoop(this, static_cast<uint32_t>(loops_.size())));
  return loops_.back().get();
}

SimWorld::Lane SimWorld::PostLane(const SimLoop* to) const {
  const Lane from = current_ == nullptr ? 0 : current_->number_ + Lane{1};
  return kPostLanes + (from << 30) + to->number_;
}

void SimWorld::Schedule(Lane lane, absl::Time due, SimLoop* loop, Task task) {
  if (ending_) return;
  Insert(lane, std::max(due, now_),
         {.id = next_event_++, .loop = loop, .task = std::move(task), .timer = false});
}

SimWorld::EventId SimWorld::ScheduleTimer(Lane lane, absl::Time due, SimLoop* loop, Task task) {
  if (ending_) return 0;
  due = std::max(due, now_);
  const EventId id = next_event_++;
  Insert(lane, due, {.id = id, .loop = loop, .task = std::move(task), .timer = true});
  places_.emplace(id, Place{due, lane});
  return id;
}

void SimWorld::Insert(Lane lane, absl::Time due, Event event) {
  Instant& instant = instants_[due];
  const auto [it, fresh] = instant.index.try_emplace(lane, instant.queues.size());
  if (fresh) instant.queues.push_back({.lane = lane, .events = {}});
  instant.queues[it->second].events.push_back(std::move(event));
}

void SimWorld::Cancel(EventId event) {
  const auto place = places_.find(event);
  if (place == places_.end()) return;
  const auto instant = instants_.find(place->second.due);
  const size_t at = instant->second.index.at(place->second.lane);
  places_.erase(place);
  Queue& queue = instant->second.queues[at];
  const auto it = std::lower_bound(queue.events.begin() + static_cast<ptrdiff_t>(queue.head),
                                   queue.events.end(), event,
                                   [](const Event& e, EventId id) { return e.id < id; });
  it->cancelled = true;
  const Task dropped = std::exchange(it->task, nullptr);  // destroyed when all is tidy
  Tidy(instant, at);
}

void SimWorld::Tidy(std::map<absl::Time, Instant>::iterator instant, size_t at) {
  auto& [queues, index] = instant->second;
  Queue& queue = queues[at];
  while (queue.head < queue.events.size() && queue.events[queue.head].cancelled) ++queue.head;
  if (queue.head < queue.events.size()) return;
  index.erase(queue.lane);
  if (at + 1 < queues.size()) {
    queue = std::move(queues.back());
    index[queue.lane] = at;
  }
  queues.pop_back();
  if (queues.empty()) instants_.erase(instant);
}

void SimWorld::RunOne() {
  const auto instant = instants_.begin();
  now_ = instant->first;
  const size_t at = random_.Below(instant->second.queues.size());
  Queue& queue = instant->second.queues[at];
  Event& event = queue.events[queue.head];
  if (event.timer) places_.erase(event.id);
  Task task = std::exchange(event.task, nullptr);
  current_ = event.loop;
  event.cancelled = true;
  Tidy(instant, at);
  ++events_run_;
  task();
  task = nullptr;  // its captures die on its loop
  current_ = nullptr;
}

SimWorld::Outcome SimWorld::Run(absl::FunctionRef<bool()> done, absl::Time deadline,
                                uint64_t max_events) {
  CHECK(!running_) << "a world is run by one of its events";
  running_ = true;
  Outcome outcome = Outcome::kMaxEvents;
  for (uint64_t events = 0;; ++events) {
    if (done()) {
      outcome = Outcome::kDone;
      break;
    }
    const absl::Time next = instants_.empty() ? absl::InfiniteFuture() : instants_.begin()->first;
    if (next == absl::InfiniteFuture()) {  // a timer that never fires is nothing to wait for
      outcome = Outcome::kIdle;
      break;
    }
    if (next > deadline) {
      outcome = Outcome::kDeadline;
      break;
    }
    if (events == max_events) break;
    RunOne();
  }
  if (outcome == Outcome::kDeadline) now_ = deadline;
  running_ = false;
  return outcome;
}

SimWorld::Outcome SimWorld::RunUntil(absl::FunctionRef<bool()> done, const SimLimits& limits) {
  return Run(done, now_ + limits.time, limits.events);
}

SimWorld::Outcome SimWorld::RunFor(absl::Duration duration, uint64_t max_events) {
  const absl::Time deadline = now_ + duration;
  const Outcome outcome = Run([] { return false; }, deadline, max_events);
  if (outcome != Outcome::kIdle) return outcome;
  now_ = deadline;
  return Outcome::kDeadline;
}

SimWorld::Outcome SimWorld::RunUntilIdle(uint64_t max_events) {
  return Run([] { return false; }, absl::InfiniteFuture(), max_events);
}

}  // namespace pushpull::fabric
