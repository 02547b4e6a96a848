// What moves bytes in order: a connected byte stream, and the network that makes them.
//
// Two makers: TCP over epoll (tcp_network.h) and the simulated network (sim_network.h). Neither
// ever looks into the bytes.
//
// Readiness is by edge. After TryRead answered kWouldBlock, `readable` is called once when there is
// something to read (bytes, the end, an error); likewise `writable` after TryWrite. A reader that
// stops before kWouldBlock (back-pressure) isn't called again: it goes on by itself when it can.
// Handlers run on the stream's loop, may be called without need, and may destroy the stream.
//
// A stream or listener is used and destroyed on its loop's thread (Loop::OnThread), before its loop
// is; its network may be destroyed before it.

#ifndef FABRIC_STREAM_H_
#define FABRIC_STREAM_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "fabric/loop.h"

namespace pushpull::fabric {

// HOST and port of an endpoint. IPv6 hosts stand here without brackets. Port 0: the kernel chooses.
struct Address {
  std::string host;
  uint16_t port = 0;

  friend bool operator==(const Address&, const Address&) = default;
  // "127.0.0.1:3260", "[::1]:3260".
  std::string ToString() const;
};

struct IoResult {
  enum class Kind : uint8_t {
    kBytes,       // `bytes` > 0 were moved
    kWouldBlock,  // nothing now; the readiness handler will be called
    kEnd,         // read: the peer ended its direction in order. write: never
    kError,       // the connection is gone (reset, broken pipe); `error` is an errno value
  };
  Kind kind;
  size_t bytes = 0;
  int error = 0;
};

class Stream {
 public:
  virtual ~Stream() = default;  // closes, as Close() does

  // Moves what is there now into the buffers, in order. At least one buffer must not be empty.
  // What came before a reset can still be read; then kError is answered, and for good. After
  // Close() or Abort() both answer kError with EBADF, after ShutdownWrite() TryWrite kError with
  // EPIPE.
  virtual IoResult TryRead(std::span<const iovec> buffers) = 0;
  virtual IoResult TryWrite(std::span<const iovec> buffers) = 0;

  // Until both are set, no handler is called. Set from the stream's loop, once, by the stream's
  // owner; setting them counts as a first kWouldBlock in both directions: `writable` is called
  // soon, `readable` as soon as there is something. Never within this call. Either may be empty.
  virtual void SetHandlers(Task readable, Task writable) = 0;

  virtual void ShutdownWrite() = 0;  // FIN: the peer reads kEnd after what was written
  // Ends both directions in order; no handler is called any more. What the peer sends after this is
  // answered with a reset.
  virtual void Close() = 0;
  virtual void Abort() = 0;  // RST: what was not sent is dropped. No handler is called any more

  virtual Address local() const = 0;
  virtual Address peer() const = 0;
};

// Stops listening when destroyed (its accept handler may do so); streams that it accepted live on.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual Address address() const = 0;  // with the port that was chosen
};

class Network {
 public:
  using AcceptHandler = absl::AnyInvocable<void(std::unique_ptr<Stream>)>;
  using ConnectHandler = absl::AnyInvocable<void(absl::StatusOr<std::unique_ptr<Stream>>)>;

  virtual ~Network() = default;

  // `accept` runs on `loop`, with streams that live on it. Host: a literal or "localhost"; empty
  // for all addresses of the machine. From the loop's thread. An address that is in use is
  // absl::StatusCode::kAlreadyExists.
  virtual absl::StatusOr<std::unique_ptr<Listener>> Listen(Loop* loop, const Address& address,
                                                           AcceptHandler accept) = 0;

  // `done` runs later on `loop`, never within this call. Connecting has no time limit of its own
  // but the operating system's. From any thread. A peer that refuses or can't be reached is
  // absl::StatusCode::kUnavailable.
  virtual void Connect(Loop* loop, const Address& address, ConnectHandler done) = 0;

  // A stream of one loop goes on on another (connections are spread over threads). Its handlers are
  // dropped; `done` may set others. From the stream's loop, but not from within one of its
  // handlers; `done` runs later on `to`.
  virtual void Move(std::unique_ptr<Stream> stream, Loop* to,
                    absl::AnyInvocable<void(std::unique_ptr<Stream>)> done) = 0;
};

}  // namespace pushpull::fabric

#endif  // FABRIC_STREAM_H_
