#include "base/regular_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace pushpull::base {

absl::Status CheckRegularMode(const std::string& path, mode_t mode) {
  if (S_ISREG(mode)) return absl::OkStatus();
  if (S_ISDIR(mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": is a folder, not a file; name a file in it"));
  }
  const char* const kind = S_ISFIFO(mode) ? "a pipe" : S_ISSOCK(mode) ? "a socket" : "a device";
  return absl::InvalidArgumentError(absl::StrCat(
      path, ": is ", kind, ", no regular file; write what comes from it into a file first"));
}

absl::Status FileError(const std::string& path, int error) {
  const std::string message = absl::StrCat(path, ": ", std::strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(message);
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(message);
    default:
      return absl::InvalidArgumentError(message);
  }
}

absl::Status CheckRegularFile(const std::string& path) {
  if (path.empty()) return absl::InvalidArgumentError("the name of a file is empty");
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return FileError(path, errno);
  return CheckRegularMode(path, info.st_mode);
}

absl::Status WriteRegularFile(const std::string& path, std::string_view bytes) {
  // Opening a pipe would wait for a reader.
  struct stat info;
  if (stat(path.c_str(), &info) == 0) {
    absl::Status status = CheckRegularMode(path, info.st_mode);
    if (!status.ok()) return status;
  }
  errno = 0;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (file) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("can't write ", path, ": ", errno != 0 ? std::strerror(errno) : "it failed",
                   "; see that its folder is there, and that the disk isn't full"));
}

}  // namespace pushpull::base
