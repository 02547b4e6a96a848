#include "fabric/sim_connection.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "absl/time/time.h"
#include "base/check.h"
#include "fabric/loop.h"
#include "fabric/sim_options.h"
#include "fabric/sim_world.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

SimConnection::SimConnection(SimWorld* world, const SimOptions& options,
                             std::shared_ptr<SimConnectionRecord> record)
    : world_(world),
      world_life_(world->life()),
      reset_discards_unread_(options.reset_discards_unread),
      spurious_wake_percent_(options.spurious_wake_percent),
      random_(world->ForkRandom()),
      record_(std::move(record)),
      sides_{Side(options.to_acceptor, world->ForkRandom(), &record_->to_acceptor),
             Side(options.to_connector, world->ForkRandom(), &record_->to_connector)} {
  for (Side& side : sides_) {
    side.call_lane = world->NewLane();
    side.pipe_lane = world->NewLane();
  }
}

void SimConnection::Begin() {
  for (const End end : {kConnector, kAcceptor}) ArriveBytes(end, 0);
}

IoResult SimConnection::Read(End end, std::span<const iovec> buffers) {
  Side& side = sides_[end];
  Side& peer = Peer(end);
  if (!side.open) return {.kind = IoResult::Kind::kError, .error = EBADF};
  const bool ready = peer.pipe.HasArrived() || side.fin_arrived || side.error != 0;
  if (ready && !peer.pipe.TakeReadHold()) {
    if (const size_t size = peer.pipe.Read(buffers); size > 0) {
      WakeWriter(Other(end));
      return {.kind = IoResult::Kind::kBytes, .bytes = size};
    }
    if (side.fin_arrived) return {.kind = IoResult::Kind::kEnd};
    return {.kind = IoResult::Kind::kError, .error = side.error};
  }
  peer.pipe.CountBlockedRead();
  side.read_blocked = true;
  if (ready) ScheduleRead(end, peer.pipe.DrawLatency());
  return {.kind = IoResult::Kind::kWouldBlock};
}

IoResult SimConnection::Write(End end, std::span<const iovec> buffers) {
  Side& side = sides_[end];
  if (!side.open) return {.kind = IoResult::Kind::kError, .error = EBADF};
  if (side.error != 0) return {.kind = IoResult::Kind::kError, .error = side.error};
  if (side.shut) return {.kind = IoResult::Kind::kError, .error = EPIPE};
  const size_t size = side.pipe.Write(buffers);
  if (size == 0) {
    side.write_blocked = true;
    if (side.pipe.HasRoom()) ScheduleWrite(end, side.pipe.DrawLatency());
    return {.kind = IoResult::Kind::kWouldBlock};
  }
  SendEvent(end, [end, size](SimConnection& self) { self.ArriveBytes(end, size); });
  return {.kind = IoResult::Kind::kBytes, .bytes = size};
}

void SimConnection::SetHandlers(End end, Task readable, Task writable) {
  Side& side = sides_[end];
  CHECK(!side.has_handlers) << "a stream's handlers are set twice";
  if (!side.open) return;
  side.has_handlers = true;
  side.readable.Set(std::move(readable));
  side.writable.Set(std::move(writable));
  side.read_blocked = side.write_blocked = true;
  WakeReader(end);
  WakeWriter(end);
}

void SimConnection::DropHandlers(End end) {
  Side& side = sides_[end];
  CHECK(!side.readable.running() && !side.writable.running())
      << "a stream is moved by its own handler";
  ++side.handlers;  // calls that are scheduled already come to nothing
  side.has_handlers = false;
  side.readable.Clear();
  side.writable.Clear();
  side.read_blocked = side.write_blocked = false;
  side.read_call_scheduled = side.write_call_scheduled = false;
}

void SimConnection::ShutdownWrite(End end) {
  Side& side = sides_[end];
  if (!side.open || side.shut) return;
  side.shut = true;
  SendEvent(end, [end](SimConnection& self) { self.ArriveFin(end); });
}

void SimConnection::EndOpenness(Side& side) {
  side.open = false;
  side.readable.Clear();
  side.writable.Clear();
}

void SimConnection::Close(End end) {
  Side& side = sides_[end];
  if (!side.open) return;
  ShutdownWrite(end);
  EndOpenness(side);
  Peer(end).pipe.DiscardArrived();
  WakeWriter(Other(end));
}

void SimConnection::Abort(End end) {
  Side& side = sides_[end];
  if (!side.open) return;
  EndOpenness(side);
  side.shut = true;
  side.pipe.LoseSomeInFlight();
  SendEvent(end, [end](SimConnection& self) { self.ArriveReset(end); });
}

template <typename Member>
void SimConnection::SendEvent(End from, Member task) {
  if (world_is_gone()) return;
  Side& side = sides_[from];
  side.last_arrival = std::max(side.last_arrival, world_->now() + side.pipe.DrawLatency());
  world_->Schedule(side.pipe_lane, side.last_arrival, nullptr,
                   [self = shared_from_this(), task] { task(*self); });
}

void SimConnection::ArriveBytes(End from, size_t size) {
  Side& side = sides_[from];
  const End to = Other(from);
  if (side.stalled) return;
  if (side.swallowed) {
    side.pipe.LoseAllInFlight();
    WakeWriter(from);
    return;
  }
  if (!sides_[to].open && size > 0) {
    // Nobody is there any more to read it: as TCP does, a reset goes back.
    side.pipe.LoseAllInFlight();
    SendEvent(to, [to](SimConnection& self) { self.ArriveReset(to); });
    return;
  }
  const SimFault& fault = side.pipe.options().fault;
  const bool faults = fault.kind != SimFault::Kind::kNone && !side.faulted &&
                      side.pipe.total_arrived() + size >= fault.at_byte;
  if (faults) {
    side.faulted = true;
    side.pipe.Arrive(fault.at_byte - side.pipe.total_arrived());
    MakeFault(from);
  } else {
    side.pipe.Arrive(size);
  }
  WakeReader(to);
}

void SimConnection::MakeFault(End from) {
  Side& side = sides_[from];
  switch (side.pipe.options().fault.kind) {
    case SimFault::Kind::kNone:
      break;
    case SimFault::Kind::kReset:
      ResetBoth();
      break;
    case SimFault::Kind::kEnd:
      side.swallowed = true;
      side.pipe.LoseAllInFlight();
      Peer(from).fin_arrived = true;
      WakeWriter(from);
      break;
    case SimFault::Kind::kStall:
      side.stalled = true;
      break;
  }
}

void SimConnection::ArriveFin(End from) {
  if (sides_[from].stalled) return;
  Peer(from).fin_arrived = true;
  WakeReader(Other(from));
}

void SimConnection::ArriveReset(End from) {
  if (!sides_[from].stalled) ResetSide(Other(from));
}

void SimConnection::ResetSide(End end) {
  Side& side = sides_[end];
  if (!side.open || side.error != 0) return;
  // After the peer's FIN a reset only says that it doesn't read any more.
  side.error = side.fin_arrived ? EPIPE : ECONNRESET;
  side.pipe.LoseAllInFlight();
  if (reset_discards_unread_) {
    Peer(end).pipe.DiscardArrived();
    if (side.fin_arrived) {
      side.fin_arrived = false;
      side.error = ECONNRESET;
    }
  }
  WakeReader(end);
  WakeWriter(end);
}

void SimConnection::ResetBoth() {
  for (const End end : {kConnector, kAcceptor}) {
    ResetSide(end);
    // Nothing that was under way arrives after this.
    sides_[end].stalled = true;
  }
}

void SimConnection::Stall() {
  for (Side& side : sides_) side.stalled = true;
}

void SimConnection::WakeReader(End end) {
  Side& side = sides_[end];
  if (!side.read_blocked) return;
  if (Peer(end).pipe.HasArrived() || side.fin_arrived || side.error != 0) {
    ScheduleRead(end, Peer(end).pipe.options().read_delay);
  }
}

void SimConnection::WakeWriter(End end) {
  Side& side = sides_[end];
  if (!side.write_blocked) return;
  if (side.pipe.HasRoom() || side.error != 0) ScheduleWrite(end, absl::ZeroDuration());
}

void SimConnection::ScheduleRead(End end, absl::Duration delay) {
  Side& side = sides_[end];
  if (world_is_gone() || !side.open || !side.has_handlers || side.read_call_scheduled) return;
  side.read_call_scheduled = true;
  world_->Schedule(side.call_lane, world_->now() + delay, side.loop,
                   [self = shared_from_this(), &side, end, handlers = side.handlers] {
                     if (handlers != side.handlers) return;
                     side.read_call_scheduled = false;
                     if (!side.open) return;
                     side.read_blocked = false;
                     self->CallAgainWithoutNeed(end);
                     side.readable.Run();
                   });
}

void SimConnection::ScheduleWrite(End end, absl::Duration delay) {
  Side& side = sides_[end];
  if (world_is_gone() || !side.open || !side.has_handlers || side.write_call_scheduled) return;
  side.write_call_scheduled = true;
  world_->Schedule(side.call_lane, world_->now() + delay, side.loop,
                   [self = shared_from_this(), &side, end, handlers = side.handlers] {
                     if (handlers != side.handlers) return;
                     side.write_call_scheduled = false;
                     if (!side.open) return;
                     side.write_blocked = false;
                     self->CallAgainWithoutNeed(end);
                     side.writable.Run();
                   });
}

void SimConnection::CallAgainWithoutNeed(End end) {
  if (!random_.Chance(spurious_wake_percent_)) return;
  Side& side = sides_[end];
  world_->Schedule(side.call_lane, world_->now() + side.pipe.DrawLatency(), side.loop,
                   [self = shared_from_this(), &side, handlers = side.handlers] {
                     const auto may_call = [&] { return side.open && handlers == side.handlers; };
                     if (may_call()) side.readable.Run();
                     if (may_call()) side.writable.Run();
                   });
}

SimStream::SimStream(std::shared_ptr<SimConnection> connection, SimConnection::End end,
                     SimLoop* loop)
    : connection_(std::move(connection)), end_(end) {
  connection_->SetLoop(end, loop);
}

SimStream::~SimStream() { Close(); }

IoResult SimStream::TryRead(std::span<const iovec> buffers) {
  CheckThread();
  return connection_->Read(end_, buffers);
}

IoResult SimStream::TryWrite(std::span<const iovec> buffers) {
  CheckThread();
  return connection_->Write(end_, buffers);
}

void SimStream::SetHandlers(Task readable, Task writable) {
  CheckThread();
  connection_->SetHandlers(end_, std::move(readable), std::move(writable));
}

void SimStream::ShutdownWrite() {
  CheckThread();
  connection_->ShutdownWrite(end_);
}

void SimStream::Close() {
  CheckThread();
  connection_->Close(end_);
}

void SimStream::Abort() {
  CheckThread();
  connection_->Abort(end_);
}

Address SimStream::local() const { return connection_->address(end_); }

Address SimStream::peer() const {
  return connection_->address(end_ == SimConnection::kConnector ? SimConnection::kAcceptor
                                                                : SimConnection::kConnector);
}

void SimStream::CheckThread() const {
  CHECK(connection_->OnThread(end_)) << "a stream is used from another loop's code";
}

}  // namespace pushpull::fabric
