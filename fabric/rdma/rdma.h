// What pushes messages and moves memory: RDMA connections, the memory that they may touch, and the
// network that makes them.
//
// Two makers: verbs (verbs_network.h: rdma-core, any device, also soft-RoCE) and the simulated
// fabric (sim_rdma_network.h). Neither ever looks into the bytes.
//
// A connection is a reliable queue pair with its connection manager's identifier. It begins with a
// queue pair that isn't connected, so that memory can be registered and receives posted before the
// peer may send:
//
//   active:   network->Open(loop, address, queues, [..](auto c) { ... c->PostReceives(...);
//                                                                 c->Establish(options, handler);})
//   passive:  network->Listen(loop, address, [..](auto request) {
//               request->Open(loop, queues, [..](auto c) { the same }); })   or request->Reject()
//
// Then its handler hears, in this order: OnEstablished or OnRefused (and then no more);
// OnCompletions; OnDisconnected, once, when all that was posted has been completed (flushed, if
// need be). The first completion that fails ends the connection: the peer is told, the rest is
// flushed. What is posted behind the end comes back flushed, unless OnDisconnected has been called.
//
// Everything runs on the connection's loop and is used on its thread, but RdmaDomain, which any
// thread may use. Handlers may destroy what they were called for: no call comes after that, and
// nothing touches the caller's memory any more. Connections, listeners and requests are destroyed
// before their loop is; they and what they hold may outlive the network.

#ifndef FABRIC_RDMA_RDMA_H_
#define FABRIC_RDMA_RDMA_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/bytes.h"
#include "fabric/loop.h"
#include "fabric/rdma/work.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

// Memory registered with a domain, until this is destroyed. Then no window may be bound to it any
// more (CHECK), and local requests that use it fail; remote ones fail with kRemoteAccess.
class RdmaMemory {
 public:
  RdmaMemory(const RdmaMemory&) = delete;
  RdmaMemory& operator=(const RdmaMemory&) = delete;
  virtual ~RdmaMemory() = default;

  base::MutableBytes bytes() const { return bytes_; }
  RdmaRights rights() const { return rights_; }
  uint32_t local_key() const { return local_key_; }
  // What a peer names it by, on any connection of this domain, where it has remote rights. It can't
  // be invalidated by the peer: that takes a window.
  uint32_t remote_key() const { return remote_key_; }
  // What a peer adds an offset to.
  uint64_t remote_address() const { return reinterpret_cast<uintptr_t>(bytes_.data()); }
  // The `length` bytes from `offset`, which must be inside (CHECK).
  RdmaSegment Segment(size_t offset, size_t length) const;

 protected:
  RdmaMemory(base::MutableBytes bytes, RdmaRights rights) : bytes_(bytes), rights_(rights) {}
  void set_keys(uint32_t local_key, uint32_t remote_key) {
    local_key_ = local_key;
    remote_key_ = remote_key;
  }

 private:
  const base::MutableBytes bytes_;
  const RdmaRights rights_;
  uint32_t local_key_ = 0;
  uint32_t remote_key_ = 0;
};

// A key for a part of a region, of which each kBindWindow makes a new one, and which the peer may
// invalidate by a Send with invalidate, or the owner by kInvalidate: one for each I/O. (A memory
// window of type 2: the only kind of key in user space that a peer can end.) It must be invalidated
// before it is bound again, else the bind fails; a window whose connection has ended is of no use
// any more, and isn't bound again. Destroying it ends its key, at any time, in any state.
class RdmaWindow {
 public:
  RdmaWindow() = default;
  RdmaWindow(const RdmaWindow&) = delete;
  RdmaWindow& operator=(const RdmaWindow&) = delete;
  virtual ~RdmaWindow() = default;

  // Given by the last bind that was posted, and by the next one: so that one chain can hold a bind
  // and the Send that advertises its key.
  virtual uint32_t key() const = 0;
  virtual uint32_t next_key() const = 0;
};

struct RdmaDeviceLimits {
  uint32_t max_work = 0;           // in a send or a receive queue
  uint32_t max_segments = 0;       // of a request
  uint32_t max_read_segments = 0;  // of an RDMA Read: on iWARP it is one
  uint8_t max_initiator_depth = 0;
  uint8_t max_responder_resources = 0;
  bool windows = false;
};

// A protection domain on a device: keys are valid for all connections of the same domain. A network
// has one for each device. Kept by its connections, regions and windows. From any thread.
class RdmaDomain {
 public:
  RdmaDomain(const RdmaDomain&) = delete;
  RdmaDomain& operator=(const RdmaDomain&) = delete;
  virtual ~RdmaDomain() = default;

  // `bytes`, which aren't empty, stay where they are as long as the region lives.
  // kResourceExhausted: not so much can be locked.
  virtual absl::StatusOr<std::unique_ptr<RdmaMemory>> Register(base::MutableBytes bytes,
                                                               RdmaRights rights) = 0;
  // kUnimplemented: the device has none; then only a region's own key can be advertised, and the
  // peer must be told that it can't be invalidated.
  virtual absl::StatusOr<std::unique_ptr<RdmaWindow>> NewWindow() = 0;

  const RdmaDeviceLimits& limits() const { return limits_; }

 protected:
  explicit RdmaDomain(const RdmaDeviceLimits& limits) : limits_(limits) {}

 private:
  const RdmaDeviceLimits limits_;
};

enum class RdmaPolling : uint8_t {
  kEvents,  // sleeps until there is a completion
  kBusy,    // looks for completions in every turn of its loop, which never sleeps
};

// The least that the queues must hold. Queues are as large as asked for, or larger.
struct RdmaQueueOptions {
  uint32_t max_sends = 128;
  uint32_t max_receives = 128;
  uint32_t max_send_segments = 4;
  uint32_t max_receive_segments = 1;
  // Where the device takes fewer segments, so many will do: the connection's limits() tell.
  bool fewer_segments = false;
  uint32_t max_inline_bytes = 0;
  uint32_t max_batch = 64;  // of completions in one call
  RdmaPolling polling = RdmaPolling::kEvents;
};

// What a connection has.
struct RdmaLimits {
  uint32_t max_sends = 0;
  uint32_t max_receives = 0;
  uint32_t max_send_segments = 0;
  uint32_t max_receive_segments = 0;
  uint32_t max_inline_bytes = 0;
};

// What the consumer may put into the connection manager's messages on InfiniBand and RoCE, behind
// the header of its IP service. iWARP has room for more.
inline constexpr size_t kRdmaRequestPrivateBytes = 56;
inline constexpr size_t kRdmaReplyPrivateBytes = 196;
inline constexpr size_t kRdmaRejectPrivateBytes = 148;

struct RdmaConnectOptions {
  base::Bytes private_data = {};  // for the call only. Longer than the above: OnRefused, kFailed
  // RDMA Reads: how many this end has under way at most, and how many of the peer's it serves at a
  // time. Cut down to what the device can; on the passive side also to what the peer offers.
  uint8_t initiator_depth = 16;
  uint8_t responder_resources = 16;
  // 0 to 7: how often a request without answer is sent again (the active side says it for both),
  // and how often the *peer* sends again what found no receive here (7: for ever).
  uint8_t retry_count = 7;
  uint8_t rnr_retry_count = 7;
  // Until the connection is established; else OnRefused with kTimedOut.
  absl::Duration timeout = absl::Seconds(20);
};

// What the peer said.
struct RdmaPeer {
  // Of its request or reply. InfiniBand and RoCE fill it up with zeros to the longest there can be.
  // In a handler: for the call only.
  base::Bytes private_data = {};
  // The most that this end may have and serve. Once the connection is established: what holds.
  uint8_t initiator_depth = 0;
  uint8_t responder_resources = 0;
};

struct RdmaRefusal {
  enum class Kind : uint8_t {
    kRejected,     // by the peer's consumer, perhaps with private data
    kNoListener,   // nobody listens there
    kUnreachable,  // no way to it, or no answer from it
    kTimedOut,
    kFailed,  // by this machine
  };
  Kind kind = Kind::kFailed;
  int reason = 0;                 // the connection manager's, or an errno value
  base::Bytes private_data = {};  // kRejected: as RdmaPeer's. For the call only
  std::string Message() const;    // what happened and what to do
};

enum class RdmaEnd : uint8_t {
  kDisconnected,      // Disconnect() was called
  kPeerDisconnected,  // the peer did so, or its machine ended it
  kFailed,            // a completion told why
  kDeviceRemoved,
};

// Not owned by the connection. See above for the order of calls.
class RdmaHandler {
 public:
  virtual void OnEstablished(const RdmaPeer& peer) = 0;
  // Nothing that was posted is outstanding any more; none of it is completed.
  virtual void OnRefused(const RdmaRefusal& refusal) = 0;
  // At most max_batch at a time: receives in the order of their messages, the others in the order
  // in which they were posted. There is no order between both.
  virtual void OnCompletions(std::span<const RdmaCompletion> completions) = 0;
  virtual void OnDisconnected(RdmaEnd end) = 0;

 protected:
  ~RdmaHandler() = default;
};

class RdmaConnection {
 public:
  RdmaConnection() = default;
  RdmaConnection(const RdmaConnection&) = delete;
  RdmaConnection& operator=(const RdmaConnection&) = delete;
  // Disconnects. A passive one that wasn't established yet is rejected.
  virtual ~RdmaConnection() = default;

  // Once. Never calls the handler within the call.
  virtual void Establish(const RdmaConnectOptions& options, RdmaHandler* handler) = 0;

  // Both post all or nothing, in order, and in one go. kResourceExhausted: the queue has not so
  // much room (a request leaves its queue when it, or a later one of the send queue, was seen to be
  // complete). kInvalidArgument: too many segments, too many inline bytes. kFailedPrecondition: the
  // connection isn't established yet (PostSends), or was refused, or OnDisconnected was called.
  virtual absl::Status PostReceives(std::span<const RdmaReceive> receives) = 0;
  virtual absl::Status PostSends(std::span<const RdmaWork> works) = 0;
  absl::Status PostReceive(const RdmaReceive& receive) { return PostReceives({&receive, 1}); }
  absl::Status PostSend(const RdmaWork& work) { return PostSends({&work, 1}); }

  // What was posted is flushed, and perhaps lost: who wants a Send to arrive waits for its
  // completion first. OnDisconnected follows, never within the call. Nothing happens to a
  // connection that isn't established, or has ended.
  virtual void Disconnect() = 0;

  // The connection goes on on another loop of the same network, with the same handler. From its
  // own loop's thread, not within a call of the handler, once it is established. `done` runs on the
  // other loop, before any call of the handler there; until then the connection isn't used.
  virtual void MoveTo(Loop* loop, absl::AnyInvocable<void()> done) = 0;

  virtual const std::shared_ptr<RdmaDomain>& domain() const = 0;
  virtual const RdmaLimits& limits() const = 0;
  virtual Address local() const = 0;
  virtual Address peer() const = 0;
};

// Somebody wants to connect. Rejects when destroyed, unless it was opened.
class RdmaRequest {
 public:
  using OpenHandler = absl::AnyInvocable<void(absl::StatusOr<std::unique_ptr<RdmaConnection>>)>;

  RdmaRequest() = default;
  RdmaRequest(const RdmaRequest&) = delete;
  RdmaRequest& operator=(const RdmaRequest&) = delete;
  virtual ~RdmaRequest() = default;

  virtual const RdmaPeer& peer() const = 0;  // as long as the request lives
  virtual Address local_address() const = 0;
  virtual Address peer_address() const = 0;

  // Once, and nothing else after it. `done` runs later on `loop`, where the connection lives; never
  // within the call. If it fails (a peer that has given up meanwhile may do that) it's rejected.
  // The request itself may be destroyed meanwhile. Establish() accepts.
  virtual void Open(Loop* loop, const RdmaQueueOptions& queues, OpenHandler done) = 0;
  // At most kRdmaRejectPrivateBytes (CHECK).
  virtual void Reject(base::Bytes private_data) = 0;
};

// Stops listening when destroyed (its handler may do so); requests live on.
class RdmaListener {
 public:
  RdmaListener() = default;
  RdmaListener(const RdmaListener&) = delete;
  RdmaListener& operator=(const RdmaListener&) = delete;
  virtual ~RdmaListener() = default;
  virtual Address address() const = 0;  // with the port that was chosen
};

class RdmaNetwork {
 public:
  using RequestHandler = absl::AnyInvocable<void(std::unique_ptr<RdmaRequest>)>;
  using OpenHandler = RdmaRequest::OpenHandler;

  RdmaNetwork() = default;
  RdmaNetwork(const RdmaNetwork&) = delete;
  RdmaNetwork& operator=(const RdmaNetwork&) = delete;
  virtual ~RdmaNetwork() = default;

  // As Network::Listen(). kUnavailable: this machine has no RDMA device with such an address.
  virtual absl::StatusOr<std::unique_ptr<RdmaListener>> Listen(Loop* loop, const Address& address,
                                                               RequestHandler handler) = 0;

  // Finds the device that leads to the address and makes a queue pair on it. `done` runs later on
  // `loop`, never within this call. From any thread. kUnavailable: no way to the address, or no
  // RDMA device on it.
  virtual void Open(Loop* loop, const Address& address, const RdmaQueueOptions& queues,
                    OpenHandler done) = 0;
};

}  // namespace pushpull::fabric

#endif  // FABRIC_RDMA_RDMA_H_
