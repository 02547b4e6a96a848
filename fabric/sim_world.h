// The simulated world: a virtual clock, one ordered queue of events, and any number of loops that
// take turns on the calling thread. A run is its seed.
//
//   SimWorld world(seed);
//   SimLoop* loop = world.NewLoop();
//   loop->StartTimer(absl::Seconds(5), [&] { fired = true; });
//   EXPECT_EQ(world.RunUntil([&] { return fired; }), SimWorld::Outcome::kDone);
//
// Time stands still while code runs and jumps to the next event when nothing is due. Events that
// are due at the same instant run in an order drawn from the seed, but those of one lane (what one
// loop posts to another, the timers of one loop, one direction of a stream) keep theirs.

#ifndef FABRIC_SIM_WORLD_H_
#define FABRIC_SIM_WORLD_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "base/random.h"
#include "fabric/loop.h"

namespace pushpull::fabric {

class SimWorld;

// What bounds a run of a SimWorld.
struct SimLimits {
  absl::Duration time = absl::InfiniteDuration();  // of the virtual clock, from now
  uint64_t events = 100'000'000;
};

// A loop of a SimWorld, which owns it. OnThread() is whether this loop's code is running, or none.
class SimLoop final : public Loop {
 public:
  SimLoop(const SimLoop&) = delete;
  SimLoop& operator=(const SimLoop&) = delete;

  absl::Time Now() const override;
  void Post(Task task) override;
  TimerId StartTimer(absl::Duration delay, Task task) override;
  void CancelTimer(TimerId timer) override;
  bool OnThread() const override;

  SimWorld* world() const { return world_; }

 private:
  friend class SimWorld;
  SimLoop(SimWorld* world, uint32_t number) : world_(world), number_(number) {}

  SimWorld* const world_;
  const uint32_t number_;
};

// Not thread-safe.
class SimWorld {
 public:
  // Where the virtual clock starts: 2020-01-01T00:00:00Z.
  static constexpr absl::Time kStart = absl::FromUnixSeconds(1577836800);

  enum class Outcome : uint8_t {
    kDone,       // what was asked for holds
    kIdle,       // nothing is left to happen
    kDeadline,   // the clock stands at the deadline, and what comes next is later
    kMaxEvents,  // too much happened: most likely something goes round and round
  };

  explicit SimWorld(uint64_t seed);
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;
  // Destroys what is pending without running it. Streams may outlive their world: they are dead.
  ~SimWorld();

  // Lives as long as the world.
  SimLoop* NewLoop();

  // Runs events until `done` holds, which is asked at the start and after each event. Not from
  // within an event, like all of these.
  Outcome RunUntil(absl::FunctionRef<bool()> done, const SimLimits& limits = {});

  // Runs all that is due until `duration` from now, then sets the clock there: kDeadline.
  // (kMaxEvents if there is more.)
  Outcome RunFor(absl::Duration duration, uint64_t max_events = SimLimits{}.events);

  // Runs until nothing is left to happen: kIdle. (kMaxEvents if there always is.)
  Outcome RunUntilIdle(uint64_t max_events = SimLimits{}.events);

  absl::Time now() const { return now_; }
  uint64_t seed() const { return seed_; }
  uint64_t events_run() const { return events_run_; }

  // For those who simulate something in this world.
  using Lane = uint64_t;
  using EventId = uint64_t;  // 0 is never an event

  Lane NewLane() { return kFreeLanes + next_lane_++; }
  // `loop`: whose code it is; null for what happens in the world itself.
  void Schedule(Lane lane, absl::Time due, SimLoop* loop, Task task);
  // The same for one that may be cancelled.
  EventId ScheduleTimer(Lane lane, absl::Time due, SimLoop* loop, Task task);
  void Cancel(EventId event);
  // A sequence of its own, so that what one part draws doesn't shift the others.
  base::Random ForkRandom() { return random_.Fork(); }
  // Expires when the world is destroyed.
  std::weak_ptr<const void> life() const { return life_; }

 private:
  friend class SimLoop;

  struct Event {
    EventId id;  // ascending in a queue
    SimLoop* loop;
    Task task;
    bool timer = false;      // it stands in places_
    bool cancelled = false;  // or has run
  };
  // The events of one lane that are due at one instant, in order; those before `head` have run.
  struct Queue {
    Lane lane;
    absl::InlinedVector<Event, 1> events;
    size_t head = 0;
  };
  // All that is due at one instant. No queue is empty or has a cancelled event at its head.
  struct Instant {
    std::vector<Queue> queues;
    absl::flat_hash_map<Lane, size_t> index;  // into queues
  };
  struct Place {
    absl::Time due;
    Lane lane;
  };

  static constexpr Lane kPostLanes = Lane{1} << 62;
  static constexpr Lane kTimerLanes = Lane{2} << 62;
  static constexpr Lane kFreeLanes = Lane{3} << 62;

  Lane PostLane(const SimLoop* to) const;
  void Insert(Lane lane, absl::Time due, Event event);
  void RunOne();
  Outcome Run(absl::FunctionRef<bool()> done, absl::Time deadline, uint64_t max_events);
  // Drops what is done at the head of a queue, then the queue, then the instant, if they are empty.
  void Tidy(std::map<absl::Time, Instant>::iterator instant, size_t queue);

  const uint64_t seed_;
  base::Random random_;
  absl::Time now_ = kStart;
  bool running_ = false;
  bool ending_ = false;
  SimLoop* current_ = nullptr;  // whose code is running
  std::map<absl::Time, Instant> instants_;
  absl::flat_hash_map<EventId, Place> places_;  // of timers
  EventId next_event_ = 1;
  Lane next_lane_ = 0;
  uint64_t events_run_ = 0;
  std::vector<std::unique_ptr<SimLoop>> loops_;
  std::shared_ptr<const void> life_;
};

}  // namespace pushpull::fabric

#endif  // FABRIC_SIM_WORLD_H_
