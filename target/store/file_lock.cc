#include "target/store/file_lock.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace pushpull::target {
namespace {

// A process that was killed is gone before the last of its I/O, which keeps the file open.
constexpr int kLooks = 100;
constexpr absl::Duration kBetweenLooks = absl::Milliseconds(10);

struct Holder {
  pid_t pid = 0;
  bool shares = false;  // with others who only read
  std::string name;     // of the program
};

// A line of /proc/PID/status; empty: there is no such process, or it is dead.
std::string NameOf(pid_t pid) {
  std::ifstream status(absl::StrCat("/proc/", pid, "/status"));
  std::string name;
  for (std::string line; std::getline(status, line);) {
    constexpr std::string_view kName = "Name:\t", kDead = "State:\tZ", kGone = "State:\tX";
    if (line.starts_with(kName)) name = line.substr(kName.size());
    if (line.starts_with(kDead) || line.starts_with(kGone)) return "";
  }
  return name;
}

// Who lives and has a lock on the file, as far as the system tells.
std::optional<Holder> FindHolder(int fd) {
  struct stat file;
  if (fstat(fd, &file) != 0) return std::nullopt;
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    char kind[8], mode[8];
    int pid = 0;
    unsigned device_major = 0, device_minor = 0;
    unsigned long inode = 0;
    if (std::sscanf(line.c_str(), "%*s %7s %*s %7s %d %x:%x:%lu", kind, mode, &pid, &device_major,
                    &device_minor, &inode) != 6) {
      continue;
    }
    if (std::string_view(kind) != "FLOCK" || inode != file.st_ino || pid <= 0) continue;
    if (makedev(device_major, device_minor) != file.st_dev) continue;
    Holder holder{.pid = pid, .shares = std::string_view(mode) == "READ", .name = NameOf(pid)};
    if (!holder.name.empty()) return holder;
  }
  return std::nullopt;
}

absl::Status InUse(const std::string& path, const std::optional<Holder>& holder, bool read_only) {
  const std::string file = absl::StrCat("file '", path, "' ");
  if (holder.has_value() && holder->pid == getpid()) {
    return absl::FailedPreconditionError(absl::StrCat(
        file,
        "is served by another LUN of this process, and what one writes the other would lose: "
        "give each a file of its own, or ',ro' to both"));
  }
  if (!holder.has_value()) {
    return absl::FailedPreconditionError(absl::StrCat(
        file,
        "is locked by another process (`lslocks` may tell which): end that, or serve another "
        "file"));
  }
  return absl::FailedPreconditionError(absl::StrCat(
      file, "is in use by process ", holder->pid, " (", holder->name,
      "): end that, or serve another file",
      holder->shares && !read_only ? "; with ',ro' after its name both may read it" : ""));
}

}  // namespace

absl::Status LockFile(int fd, const std::string& path, bool read_only,
                      absl::FunctionRef<void(absl::Duration)> wait) {
  struct stat file;
  if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode)) return absl::OkStatus();
  std::optional<Holder> holder;
  for (int look = 0; look < kLooks && !holder.has_value(); ++look) {
    if (look > 0) wait(kBetweenLooks);
    if (flock(fd, (read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0) return absl::OkStatus();
    if (errno != EWOULDBLOCK) return absl::OkStatus();
    holder = FindHolder(fd);
  }
  return InUse(path, holder, read_only);
}

}  // namespace pushpull::target
