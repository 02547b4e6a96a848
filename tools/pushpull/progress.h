// How far a command is, on standard error: a line that is written over on a terminal, else a line
// now and then.

#ifndef TOOLS_PUSHPULL_PROGRESS_H_
#define TOOLS_PUSHPULL_PROGRESS_H_

#include <functional>
#include <string>

#include "absl/time/time.h"

namespace pushpull::tools {

class Progress {
 public:
  Progress();

  // Shows what `text` makes, if it is time.
  void Tell(const std::function<std::string()>& text);
  // Whether it is a line on a terminal.
  bool terminal() const { return terminal_; }
  // Before anything else is written.
  void Clear();

 private:
  const bool terminal_;
  absl::Time next_;
  bool shown_ = false;
};

}  // namespace pushpull::tools

#endif  // TOOLS_PUSHPULL_PROGRESS_H_
