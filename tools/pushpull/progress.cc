#include "tools/pushpull/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "absl/time/clock.h"

namespace pushpull::tools {
namespace {

constexpr absl::Duration kOnTerminal = absl::Milliseconds(100);
constexpr absl::Duration kInLines = absl::Seconds(10);

}  // namespace

Progress::Progress() : terminal_(isatty(STDERR_FILENO) != 0) {
  next_ = absl::Now() + (terminal_ ? kOnTerminal : kInLines);
}

void Progress::Tell(const std::function<std::string()>& text) {
  const absl::Time now = absl::Now();
  if (now < next_) return;
  next_ = now + (terminal_ ? kOnTerminal : kInLines);
  std::string line = text();
  // A line that wraps can't be cleared.
  winsize size = {};
  if (terminal_ && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1) {
    line.resize(std::min<size_t>(line.size(), size.ws_col - 1));
  }
  std::fprintf(stderr, terminal_ ? "\r%s\033[K" : "pushpull: %s\n", line.c_str());
  std::fflush(stderr);
  shown_ = terminal_;
}

void Progress::Clear() {
  if (!shown_) return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
  shown_ = false;
}

}  // namespace pushpull::tools
