#include "fabric/tcp_stream.h"

#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <span>
#include <utility>

#include "base/check.h"
#include "fabric/epoll_loop.h"
#include "fabric/loop.h"
#include "fabric/socket_address.h"
#include "fabric/stream.h"

namespace pushpull::fabric {
namespace {

// Close() isn't held up by a peer that never ends to send.
constexpr int kMostDiscards = 256;

// What the kernel takes at once, without empty buffers at the front: a message of nothing would
// look like the end.
msghdr MessageOf(std::span<const iovec> buffers) {
  while (!buffers.empty() && buffers[0].iov_len == 0) buffers = buffers.subspan(1);
  CHECK(!buffers.empty()) << "a read or write of nothing";
  msghdr message = {};
  message.msg_iov = const_cast<iovec*>(buffers.data());
  message.msg_iovlen = std::min<size_t>(buffers.size(), IOV_MAX);
  return message;
}

size_t Room(const msghdr& message) {
  size_t bytes = 0;
  for (size_t i = 0; i < message.msg_iovlen; ++i) bytes += message.msg_iov[i].iov_len;
  return bytes;
}

bool WouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

IoResult Failed(int error) { return {.kind = IoResult::Kind::kError, .error = error}; }

}  // namespace

TcpStream::TcpStream(EpollLoop* loop, int fd)
    : loop_(loop), fd_(fd), local_(LocalAddress(fd)), peer_(PeerAddress(fd)) {
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

TcpStream::~TcpStream() { Close(); }

IoResult TcpStream::TryRead(std::span<const iovec> buffers) {
  CheckThread();
  if (fd_ < 0) return Failed(EBADF);
  msghdr message = MessageOf(buffers);
  if (std::exchange(drained_, false)) {
    read_blocked_ = true;
    return {.kind = IoResult::Kind::kWouldBlock};
  }
  ssize_t size;
  do {
    size = recvmsg(fd_, &message, 0);
  } while (size < 0 && errno == EINTR);
  if (size > 0) {
    // What comes behind this read is a new edge. What came before it was told with the last one: an
    // end, for which there won't be another.
    drained_ = watch_ != 0 && !exceptional_ && static_cast<size_t>(size) < Room(message);
    return {.kind = IoResult::Kind::kBytes, .bytes = static_cast<size_t>(size)};
  }
  if (size == 0) {
    // EPIPE: the peer's end came in order, and a reset after it.
    if (error_ != 0 && error_ != EPIPE) return Failed(error_);
    return {.kind = IoResult::Kind::kEnd};
  }
  if (WouldBlock(errno)) {
    read_blocked_ = true;
    return {.kind = IoResult::Kind::kWouldBlock};
  }
  if (error_ == 0 || error_ == EPIPE) error_ = errno;
  return Failed(error_);
}

IoResult TcpStream::TryWrite(std::span<const iovec> buffers) {
  CheckThread();
  if (fd_ < 0) return Failed(EBADF);
  if (error_ != 0) return Failed(error_);
  msghdr message = MessageOf(buffers);
  ssize_t size;
  do {
    size = sendmsg(fd_, &message, MSG_NOSIGNAL);
  } while (size < 0 && errno == EINTR);
  if (size >= 0) return {.kind = IoResult::Kind::kBytes, .bytes = static_cast<size_t>(size)};
  if (WouldBlock(errno)) {
    write_blocked_ = true;
    return {.kind = IoResult::Kind::kWouldBlock};
  }
  error_ = errno;
  return Failed(error_);
}

void TcpStream::SetHandlers(Task readable, Task writable) {
  CheckThread();
  CHECK(!has_handlers_) << "a stream's handlers are set twice";
  if (fd_ < 0) return;
  has_handlers_ = true;
  readable_.Set(std::move(readable));
  writable_.Set(std::move(writable));
  read_blocked_ = write_blocked_ = true;
  // The kernel reports what is ready already, in the loop's next turn.
  watch_ = loop_->Watch(fd_, this);
  CHECK(watch_ != 0) << "epoll_ctl: " << std::strerror(errno)
                     << " (ENOSPC: raise fs.epoll.max_user_watches)";
}

void TcpStream::DropHandlers() {
  CheckThread();
  CHECK(!readable_.running() && !writable_.running()) << "a stream is moved by its own handler";
  if (watch_ != 0) loop_->Unwatch(std::exchange(watch_, 0));
  has_handlers_ = false;
  readable_.Clear();
  writable_.Clear();
  read_blocked_ = write_blocked_ = drained_ = false;
}

void TcpStream::OnReadable() {
  drained_ = false;
  if (!std::exchange(read_blocked_, false)) return;
  readable_.Run();
}

void TcpStream::OnWritable() {
  if (!std::exchange(write_blocked_, false)) return;
  writable_.Run();
}

void TcpStream::ShutdownWrite() {
  CheckThread();
  if (fd_ >= 0) shutdown(fd_, SHUT_WR);
}

void TcpStream::Close() {
  if (fd_ < 0) return;
  CheckThread();
  // Closing a socket with unread bytes would reset the connection, and the peer might lose what it
  // was sent last: the end goes first, then what has come is thrown away.
  shutdown(fd_, SHUT_WR);
  char never_written[1 << 16];
  for (int i = 0; i < kMostDiscards; ++i) {
    if (recv(fd_, never_written, sizeof never_written, MSG_TRUNC | MSG_DONTWAIT) <= 0) break;
  }
  CloseSocket();
}

void TcpStream::Abort() {
  if (fd_ < 0) return;
  CheckThread();
  const linger reset = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  CloseSocket();
}

void TcpStream::CloseSocket() {
  if (watch_ != 0) loop_->Unwatch(std::exchange(watch_, 0));
  close(std::exchange(fd_, -1));
  readable_.Clear();
  writable_.Clear();
}

void TcpStream::CheckThread() const {
  CHECK(loop_ == nullptr || loop_->OnThread()) << "a stream is used on another thread";
}

}  // namespace pushpull::fabric
