#include "tools/load/process.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace pushpull::tools {
namespace {

absl::StatusOr<uint64_t> CountEntries(const std::string& folder) {
  std::error_code error;
  uint64_t count = 0;
  std::filesystem::directory_iterator entry(folder, error);
  for (const std::filesystem::directory_iterator end; !error && entry != end;
       entry.increment(error)) {
    ++count;
  }
  if (!error) return count;
  if (error == std::errc::permission_denied) {
    return absl::PermissionDeniedError(absl::StrCat(folder, " can't be read: run as its user"));
  }
  return absl::NotFoundError(absl::StrCat(folder, ": ", error.message()));
}

}  // namespace

std::string ProcessUse::Describe() const {
  return absl::StrFormat("%.1f MiB, %d descriptors, %d threads",
                         static_cast<double>(resident_bytes) / (1 << 20), descriptors, threads);
}

absl::StatusOr<ProcessUse> UseOf(int pid) {
  const std::string folder = absl::StrCat("/proc/", pid);
  ProcessUse use;
  std::ifstream statm(folder + "/statm");
  uint64_t size = 0, resident = 0;
  if (!(statm >> size >> resident)) {
    return absl::NotFoundError(absl::StrCat("there is no process ", pid));
  }
  // Before it is a zombie: its memory goes first, its connections and all else after that.
  if (size == 0) return absl::NotFoundError(absl::StrCat("process ", pid, " has ended"));
  use.resident_bytes = resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  std::ifstream stat(folder + "/stat");
  std::string text;
  std::getline(stat, text);
  // Behind the name, which may hold anything: state, then 10 fields, then the times.
  std::istringstream fields(text.substr(std::min(text.size(), text.rfind(')') + 1)));
  std::string state, skipped;
  fields >> state;
  if (state == "Z" || state == "X") {
    return absl::NotFoundError(absl::StrCat("process ", pid, " has ended"));
  }
  for (int i = 0; i < 10; ++i) fields >> skipped;
  uint64_t user = 0, system = 0;
  fields >> user >> system;
  use.cpu_seconds = static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
  const absl::StatusOr<uint64_t> descriptors = CountEntries(folder + "/fd");
  if (!descriptors.ok()) return descriptors.status();
  const absl::StatusOr<uint64_t> threads = CountEntries(folder + "/task");
  if (!threads.ok()) return threads.status();
  use.descriptors = *descriptors;
  use.threads = *threads;
  return use;
}

}  // namespace pushpull::tools
