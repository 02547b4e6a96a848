#include "base/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace pushpull::base {
namespace {

class File {
 public:
  explicit File(const std::string& path)
      : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  int get() const { return descriptor_; }

 private:
  const int descriptor_;
};

std::string Named(const std::string& path, const std::string& what) {
  return absl::StrCat("secret file ", path, ": ", what);
}

// Of the file that is open, whatever its name comes to mean meanwhile.
absl::Status CheckAccess(const File& file, const std::string& path) {
  struct stat info;
  if (fstat(file.get(), &info) != 0) {
    return absl::NotFoundError(Named(path, std::strerror(errno)));
  }
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(Named(path, "not a plain file"));
  }
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return absl::PermissionDeniedError(
        Named(path, absl::StrCat("others than its owner have access to it; chmod 600 ", path)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadSecretFile(const std::string& path) {
  const File file(path);
  if (file.get() < 0) return absl::NotFoundError(Named(path, std::strerror(errno)));
  if (absl::Status status = CheckAccess(file, path); !status.ok()) return status;
  std::string text(kMaxSecretFileBytes + 1, '\0');
  size_t size = 0;
  for (ssize_t got = 0; size < text.size(); size += static_cast<size_t>(got)) {
    got = read(file.get(), &text[size], text.size() - size);
    if (got < 0) return absl::FailedPreconditionError(Named(path, std::strerror(errno)));
    if (got == 0) break;
  }
  if (size == 0) return absl::InvalidArgumentError(Named(path, "it is empty"));
  if (size > kMaxSecretFileBytes) {
    return absl::InvalidArgumentError(
        Named(path, "it has more than 4096 bytes: that is no secret"));
  }
  text.resize(size);
  const size_t line_end = text.find('\n');
  std::string secret = text.substr(0, line_end);
  if (!secret.empty() && secret.back() == '\r') secret.pop_back();
  if (secret.empty()) return absl::InvalidArgumentError(Named(path, "its first line is empty"));
  if (line_end != std::string::npos &&
      text.find_first_not_of("\r\n", line_end) != std::string::npos) {
    return absl::InvalidArgumentError(Named(
        path, "it has a second line: a secret is one line, and nothing else may stand there"));
  }
  return secret;
}

}  // namespace pushpull::base
