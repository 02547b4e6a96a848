// A simulated connection: two ends, a pipe each way, and the events that join them in a SimWorld.

#ifndef FABRIC_SIM_CONNECTION_H_
#define FABRIC_SIM_CONNECTION_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "absl/time/time.h"
#include "base/random.h"
#include "fabric/handler.h"
#include "fabric/loop.h"
#include "fabric/sim_options.h"
#include "fabric/sim_pipe.h"
#include "fabric/sim_world.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

// Held by its streams and by the events that are under way.
class SimConnection : public std::enable_shared_from_this<SimConnection> {
 public:
  enum End : uint8_t { kConnector = 0, kAcceptor = 1 };

  SimConnection(SimWorld* world, const SimOptions& options,
                std::shared_ptr<SimConnectionRecord> record);
  SimConnection(const SimConnection&) = delete;
  SimConnection& operator=(const SimConnection&) = delete;

  // Lets faults at byte 0 happen. After both ends have their streams.
  void Begin();

  // What a stream of `end` does.
  IoResult Read(End end, std::span<const iovec> buffers);
  IoResult Write(End end, std::span<const iovec> buffers);
  void SetHandlers(End end, Task readable, Task writable);
  void DropHandlers(End end);
  void ShutdownWrite(End end);
  void Close(End end);
  void Abort(End end);
  void SetLoop(End end, SimLoop* loop) { sides_[end].loop = loop; }
  SimLoop* loop(End end) const { return sides_[end].loop; }
  // Whether the code that runs may use the stream of `end`.
  bool OnThread(End end) const {
    const SimLoop* loop = sides_[end].loop;
    return world_is_gone() || loop == nullptr || loop->OnThread();
  }
  const Address& address(End end) const {
    return end == kConnector ? record_->connector : record_->acceptor;
  }

  // What befalls both ends, at once.
  void ResetBoth();
  // From now on nothing arrives in either direction.
  void Stall();

 private:
  // An end, and the pipe that it writes.
  struct Side {
    Side(const SimDirection& direction, base::Random random, SimCounters* counters)
        : pipe(direction, random, counters) {}

    SimLoop* loop = nullptr;
    bool open = true;
    bool shut = false;         // it sent its FIN
    bool fin_arrived = false;  // the peer's FIN
    int error = 0;
    bool has_handlers = false;
    uint64_t handlers = 0;  // counts sets of handlers
    Handler<Task> readable;
    Handler<Task> writable;
    bool read_blocked = false;
    bool write_blocked = false;
    bool read_call_scheduled = false;
    bool write_call_scheduled = false;
    SimWorld::Lane call_lane = 0;

    SimPipe pipe;
    SimWorld::Lane pipe_lane = 0;
    absl::Time last_arrival = absl::InfinitePast();
    bool faulted = false;    // its fault has happened
    bool swallowed = false;  // what is written further is lost
    bool stalled = false;
  };

  static End Other(End end) { return end == kConnector ? kAcceptor : kConnector; }
  Side& Peer(End end) { return sides_[Other(end)]; }
  bool world_is_gone() const { return world_life_.expired(); }

  // Runs `task` when what is sent now from `from` arrives, after all that was sent before.
  template <typename Member>
  void SendEvent(End from, Member task);
  void ArriveBytes(End from, size_t size);
  void ArriveFin(End from);
  void ArriveReset(End from);
  void ResetSide(End end);
  void MakeFault(End from);
  void EndOpenness(Side& side);

  // Calls a handler that waits for it, as soon as there is a reason.
  void WakeReader(End end);
  void WakeWriter(End end);
  void ScheduleRead(End end, absl::Duration delay);
  void ScheduleWrite(End end, absl::Duration delay);
  void CallAgainWithoutNeed(End end);

  SimWorld* const world_;
  const std::weak_ptr<const void> world_life_;
  const bool reset_discards_unread_;
  const uint32_t spurious_wake_percent_;
  base::Random random_;
  const std::shared_ptr<SimConnectionRecord> record_;
  Side sides_[2];
};

// One end of it.
class SimStream final : public Stream {
 public:
  SimStream(std::shared_ptr<SimConnection> connection, SimConnection::End end, SimLoop* loop);
  ~SimStream() override;

  IoResult TryRead(std::span<const iovec> buffers) override;
  IoResult TryWrite(std::span<const iovec> buffers) override;
  void SetHandlers(Task readable, Task writable) override;
  void ShutdownWrite() override;
  void Close() override;
  void Abort() override;
  Address local() const override;
  Address peer() const override;

  void DropHandlers() { connection_->DropHandlers(end_); }
  SimLoop* loop() const { return connection_->loop(end_); }
  void SetLoop(SimLoop* loop) { connection_->SetLoop(end_, loop); }

 private:
  void CheckThread() const;

  const std::shared_ptr<SimConnection> connection_;
  const SimConnection::End end_;
};

}  // namespace pushpull::fabric

#endif  // FABRIC_SIM_CONNECTION_H_
