// What stands around a target that serves: its log on standard error, its admin socket, and what a
// service manager is told.

#ifndef TOOLS_PUSHPULL_ADMINISTRATION_H_
#define TOOLS_PUSHPULL_ADMINISTRATION_H_

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/log.h"
#include "fabric/epoll_loop.h"
#include "fabric/stream.h"
#include "target/admin/admin_server.h"
#include "target/target.h"

namespace pushpull::tools {

// Writes lines to standard error on a thread of its own: a terminal or a pipe that takes nothing
// holds nobody up. Beyond a thousand lines that wait, further ones are left out, and counted. The
// end writes what waits, unless nothing of it is taken for a second.
class ErrorLog {
 public:
  explicit ErrorLog(base::LogLevel level);
  ErrorLog(const ErrorLog&) = delete;
  ErrorLog& operator=(const ErrorLog&) = delete;
  ~ErrorLog() { ending_ = true; }

  // Its copies end before this.
  const base::Logger& logger() const { return logger_; }

 private:
  void Take(const base::LogLine& line);
  void Write(std::string line);
  bool AwaitRoom();

  std::atomic<int> waiting_ = 0;
  std::atomic<int> left_out_ = 0;
  std::atomic<bool> ending_ = false;
  bool given_up_ = false;  // on the thread
  fabric::LoopThread thread_;
  base::Logger logger_;
};

// The admin socket of a target, on a thread of its own, from Open() to its end.
class Administration {
 public:
  using Stop = std::function<bool(std::optional<absl::Duration> timeout)>;

  Administration() = default;
  Administration(const Administration&) = delete;
  Administration& operator=(const Administration&) = delete;
  ~Administration();

  // All three outlive it. `stop`: as AdminOptions has it.
  absl::Status Open(const std::string& path, target::Target* target, Stop stop,
                    const base::Logger& log);
  // Asks the target nothing more. What it was asked may still be answered, for nobody.
  void Close();

 private:
  fabric::LoopThread thread_;
  std::unique_ptr<target::AdminServer> server_;
  std::unique_ptr<fabric::Listener> listener_;
};

// Tells the service manager that started us ("READY=1"; sd_notify(3)), if one did and wants to
// know: it left the name of its socket in NOTIFY_SOCKET. A message that doesn't get through is
// lost.
void NotifyServiceManager(const std::string& state);

}  // namespace pushpull::tools

#endif  // TOOLS_PUSHPULL_ADMINISTRATION_H_
