// What a target counts. Each loop has its own, written by it alone and read by anybody; the target
// adds them up.

#ifndef TARGET_SESSION_COUNTERS_H_
#define TARGET_SESSION_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pushpull::target {

enum class Count : uint8_t {
  // What is there now: 0 on a target that nobody uses.
  kConnections,  // open
  kLogins,       // under way
  kSessions,
  kTasks,
  kBufferBytes,  // of tasks' data
  // What has happened so far.
  kConnectionsAccepted,
  kConnectionsRefused,  // too many logins were under way
  kLoginsDone,
  kLoginsFailed,
  kSessionsOpened,
  kSessionsReinstated,
  kTasksStarted,
  kTasksAborted,
  kPdusReceived,
  kPdusSent,
  kDataBytesReceived,  // data segments of SCSI Command and Data-Out
  kDataBytesSent,      // of Data-In
  // How data moved between the initiator and the store, where the transport leaves it in slots:
  kBytesFromSlots,  // the store took them from where they were received
  kBytesSpilled,    // copied from there into a task's buffer first, as slots were short
  kBytesStaged,     // read or written by the transport through a task's buffer
  kBytesInPlace,    // read or written by the transport in the store's own memory
  kRejectsSent,
  kProtocolErrors,
  kCommandsIgnored,  // outside of the CmdSN window, or duplicates
  kDigestErrors,
  kCount,
};
inline constexpr size_t kCounts = static_cast<size_t>(Count::kCount);

// "connections", "logins_done" ...
std::string_view CountName(Count count);
// Whether it goes down again.
constexpr bool IsGauge(Count count) { return count <= Count::kBufferBytes; }

class Counters {
 public:
  // By the owner's thread only: no read-modify-write that locks the bus.
  void Add(Count count, int64_t amount = 1) {
    auto& value = values_[static_cast<size_t>(count)];
    value.store(value.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  int64_t Get(Count count) const {
    return values_[static_cast<size_t>(count)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<int64_t>, kCounts> values_ = {};
};

}  // namespace pushpull::target

#endif  // TARGET_SESSION_COUNTERS_H_
