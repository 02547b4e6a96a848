// A connected TCP socket on an EpollLoop.

#ifndef FABRIC_TCP_STREAM_H_
#define FABRIC_TCP_STREAM_H_

#include <sys/uio.h>

#include <span>

#include "fabric/epoll_loop.h"
#include "fabric/handler.h"
#include "fabric/loop.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

class TcpStream final : public Stream, private EpollLoop::Watcher {
 public:
  // Takes a connected, non-blocking socket. It is registered with the loop when handlers are set.
  TcpStream(EpollLoop* loop, int fd);
  TcpStream(const TcpStream&) = delete;
  TcpStream& operator=(const TcpStream&) = delete;
  ~TcpStream() override;

  IoResult TryRead(std::span<const iovec> buffers) override;
  IoResult TryWrite(std::span<const iovec> buffers) override;
  void SetHandlers(Task readable, Task writable) override;
  void ShutdownWrite() override;
  void Close() override;
  void Abort() override;
  Address local() const override { return local_; }
  Address peer() const override { return peer_; }

  EpollLoop* loop() const { return loop_; }
  void DropHandlers();
  // Null while it is on its way from one loop to another.
  void SetLoop(EpollLoop* loop) { loop_ = loop; }

 private:
  void OnExceptional() override { exceptional_ = true; }
  void OnReadable() override;
  void OnWritable() override;
  void CloseSocket();
  void CheckThread() const;

  EpollLoop* loop_;
  int fd_;
  const Address local_;
  const Address peer_;
  EpollLoop::WatchId watch_ = 0;
  bool has_handlers_ = false;
  bool read_blocked_ = false;
  // The last read took all there was: until the kernel tells of more there is no need to ask it.
  bool drained_ = false;
  bool exceptional_ = false;  // something stands behind the bytes, or between them
  bool write_blocked_ = false;
  // The kernel tells an error once, to whoever asks first, and then pretends an orderly end.
  int error_ = 0;
  Handler<Task> readable_;
  Handler<Task> writable_;
};

}  // namespace pushpull::fabric

#endif  // FABRIC_TCP_STREAM_H_
