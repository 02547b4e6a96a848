#include "tools/endpoints/secret_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace pushpull::tools {

absl::StatusOr<std::string> ReadSecretFile(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) {
    return absl::NotFoundError(absl::StrCat("secret file ", path, ": ", std::strerror(errno)));
  }
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat("secret file ", path, ": not a plain file"));
  }
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return absl::PermissionDeniedError(absl::StrCat(
        "secret file ", path, ": others than its owner have access to it; chmod 600 ", path));
  }
  std::ifstream file(path);
  std::string secret;
  if (!file || !std::getline(file, secret)) {
    return absl::InvalidArgumentError(absl::StrCat("secret file ", path, ": it is empty"));
  }
  if (!secret.empty() && secret.back() == '\r') secret.pop_back();
  if (secret.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("secret file ", path, ": its first line is empty"));
  }
  return secret;
}

}  // namespace pushpull::tools
