// pushpull softroce: the program is tools/softroce, which is in this binary as one file.

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/embedded_file.h"
#include "tools/pushpull/command.h"
#include "tools/softroce/embedded_archive.h"

namespace pushpull::tools {
namespace {

absl::Status ErrnoStatus(std::string_view what) {
  return absl::InternalError(
      absl::StrCat(absl::string_view(what.data(), what.size()), ": ", std::strerror(errno)));
}

// Becomes python3 with the archive and these arguments; comes back only where it can't.
absl::Status Become(const std::vector<std::string>& arguments) {
  const std::string_view archive = SoftroceArchive().front().contents;
  const int fd = memfd_create("pushpull-softroce", 0);
  if (fd < 0) return ErrnoStatus("memfd_create");
  for (size_t at = 0; at < archive.size();) {
    const ssize_t written = write(fd, archive.data() + at, archive.size() - at);
    if (written < 0) return ErrnoStatus("memfd");
    at += static_cast<size_t>(written);
  }
  const std::string path = absl::StrCat("/proc/self/fd/", fd);
  std::vector<char*> argv = {const_cast<char*>("python3"), const_cast<char*>(path.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  execvp("python3", argv.data());
  return absl::FailedPreconditionError(absl::StrCat(
      "softroce needs python3 (Debian: apt-get install python3): ", std::strerror(errno)));
}

}  // namespace

void AddSoftroceCommand(CLI::App* app) {
  app->add_subcommand("softroce",
                      "Runs a command where there is a soft-RoCE device, in a guest if need be.");
}

int RunSoftroce(const std::vector<std::string>& arguments) { return Complain(Become(arguments)); }

}  // namespace pushpull::tools
