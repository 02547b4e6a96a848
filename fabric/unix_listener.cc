#include "fabric/unix_listener.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/descriptor.h"
#include "fabric/tcp_listener.h"

namespace pushpull::fabric {
namespace {

constexpr int kBacklog = 64;

class UnixListener final : public Listener {
 public:
  UnixListener(std::string path, const struct stat& file) : path_(std::move(path)), file_(file) {}
  ~UnixListener() override {
    listener_.reset();
    struct stat now = {};
    const bool own =
        lstat(path_.c_str(), &now) == 0 && now.st_dev == file_.st_dev && now.st_ino == file_.st_ino;
    if (own) unlink(path_.c_str());
  }

  Address address() const override { return {}; }
  void Take(std::unique_ptr<Listener> listener) { listener_ = std::move(listener); }

 private:
  const std::string path_;
  const struct stat file_;
  std::unique_ptr<Listener> listener_;
};

absl::Status Failed(const std::string& path, int error) {
  std::string why = absl::StrCat("cannot listen on ", path, ": ", std::strerror(error));
  if (error == EACCES || error == EPERM || error == EROFS) {
    absl::StrAppend(&why, "; give a path in a folder that you may write to");
  } else if (error == ENOENT || error == ENOTDIR) {
    absl::StrAppend(&why, "; make its folder first");
  }
  return absl::FailedPreconditionError(why);
}

// Held from the look at what is there to the moment when the new socket is listened on: else of two
// that begin at once one might take away the other's. It is on the folder, so that nothing is left
// behind; it ends with the descriptor.
absl::StatusOr<base::Descriptor> LockFolder(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "."
                             : slash == 0               ? "/"
                                                        : path.substr(0, slash);
  base::Descriptor fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return Failed(path, errno);
  // Others hold it for a moment; anybody who may read the folder could for longer.
  constexpr int kTries = 500;
  for (int i = 0; flock(fd.get(), LOCK_EX | LOCK_NB) != 0; ++i) {
    if (errno != EWOULDBLOCK && errno != EINTR) return Failed(path, errno);
    if (i == kTries) {
      return absl::FailedPreconditionError(absl::StrCat("cannot listen on ", path,
                                                        ": another process has locked the folder ",
                                                        folder, "; give a path in another one"));
    }
    absl::SleepFor(absl::Milliseconds(10));
  }
  return fd;
}

// Takes away a socket that nobody listens on.
absl::Status RemoveStale(const std::string& path, const sockaddr_un& address) {
  struct stat file = {};
  if (lstat(path.c_str(), &file) != 0) {
    return errno == ENOENT ? absl::OkStatus() : Failed(path, errno);
  }
  if (!S_ISSOCK(file.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "cannot listen on ", path, ": it is there already, and is no socket; give another path"));
  }
  const base::Descriptor probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (probe.get() < 0) return Failed(path, errno);
  const int answer =
      connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (answer != 0 && errno == ECONNREFUSED) {
    return unlink(path.c_str()) == 0 ? absl::OkStatus() : Failed(path, errno);
  }
  if (answer != 0 && errno != EAGAIN) return Failed(path, errno);
  return absl::AlreadyExistsError(absl::StrCat("cannot listen on ", path,
                                               ": another process does; end it, or give another "
                                               "path"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Listener>> UnixListen(EpollLoop* loop, const std::string& path,
                                                     Network::AcceptHandler accept) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path ||
      path.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", path, "\" can't be the path of a Unix socket: give one of 1 to ",
                     sizeof address.sun_path - 1, " bytes"));
  }
  path.copy(address.sun_path, path.size());
  const absl::StatusOr<base::Descriptor> lock = LockFolder(path);
  if (!lock.ok()) return lock.status();
  if (absl::Status status = RemoveStale(path, address); !status.ok()) return status;
  base::Descriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  // The file is made with the socket's own mode: at no time may others open it.
  if (fd.get() < 0 || fchmod(fd.get(), S_IRUSR | S_IWUSR) != 0 ||
      bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return Failed(path, errno);
  }
  struct stat file = {};
  if (lstat(path.c_str(), &file) != 0) return Failed(path, errno);
  auto unix_listener = std::make_unique<UnixListener>(path, file);
  if (listen(fd.get(), kBacklog) != 0) return Failed(path, errno);
  std::unique_ptr<Listener> listener = ListenOn(loop, fd.Release(), {}, std::move(accept));
  if (listener == nullptr) return Failed(path, errno);
  unix_listener->Take(std::move(listener));
  return unix_listener;
}

}  // namespace pushpull::fabric
