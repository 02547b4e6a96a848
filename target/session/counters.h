// What a target counts. Each loop has its own, written by it alone and read by anybody; the target
// adds them up.

#ifndef TARGET_SESSION_COUNTERS_H_
#define TARGET_SESSION_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "target/login/status.h"
#include "target/pdu/codes.h"
#include "target/pdu/opcode.h"
#include "target/pdu/protocol_error.h"

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
  kConnectionsRefused,            // too many logins were under way
  kConnectionsWithoutDescriptor,  // were closed at once, as the process had none left
  kLoginsDone,
  kLoginsFailed,  // by status, too
  kSessionsOpened,
  kSessionsReinstated,
  kTasksStarted,
  kTasksAborted,
  kTasksBusy,          // ended so, as there was no memory for what came unasked
  kBufferWaits,        // sessions had to wait, as the memory of all of them was used up
  kLoansCalledIn,      // connections ended, as others needed the memory that they kept
  kPdusReceived,       // by opcode
  kPdusSent,           // by opcode
  kDataBytesReceived,  // data segments of SCSI Command and Data-Out
  kDataBytesSent,      // of Data-In
  // How data moved between the initiator and the store, where the transport leaves it in slots:
  kBytesFromSlots,   // the store took them from where they were received
  kBytesSpilled,     // copied from there into a task's buffer first, as slots were short
  kBytesStaged,      // read or written by the transport through a task's buffer
  kBytesInPlace,     // read or written by the transport in the store's own memory
  kRejectsSent,      // by reason
  kProtocolErrors,   // by reason
  kCommandsIgnored,  // outside of the CmdSN window, or duplicates
  kDigestErrors,
  kCount,
};
inline constexpr size_t kCounts = static_cast<size_t>(Count::kCount);

// "connections", "logins_done" ...
std::string_view CountName(Count count);
// Whether it goes down again.
constexpr bool IsGauge(Count count) { return count <= Count::kBufferBytes; }

// Whether it is counted by kind alone: AddReceived() and the like.
constexpr bool IsByKind(Count count) {
  return count == Count::kLoginsFailed || count == Count::kPdusReceived ||
         count == Count::kPdusSent || count == Count::kRejectsSent ||
         count == Count::kProtocolErrors;
}

class Counters {
 public:
  // By the owner's thread only: no read-modify-write that locks the bus.
  void Add(Count count, int64_t amount = 1) {
    DCHECK(!IsByKind(count)) << "it is counted by kind";
    auto& value = values_[static_cast<size_t>(count)];
    value.store(value.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  int64_t Get(Count count) const;

  // What is counted by kind as well, or by kind alone: a sum of them is not kept, but added up when
  // it is asked for. By the owner's thread only.
  void AddReceived(Opcode opcode) { AddOne(received_, static_cast<uint8_t>(opcode)); }
  void AddSent(Opcode opcode) { AddOne(sent_, static_cast<uint8_t>(opcode)); }
  void AddError(Reason reason) { AddOne(errors_, static_cast<uint8_t>(reason)); }
  void AddReject(RejectReason reason) { AddOne(rejects_, static_cast<uint8_t>(reason)); }
  void AddLoginFailure(LoginStatus status) { AddOne(login_failures_, IndexOf(status)); }

  int64_t Received(Opcode opcode) const { return At(received_, static_cast<uint8_t>(opcode)); }
  int64_t Sent(Opcode opcode) const { return At(sent_, static_cast<uint8_t>(opcode)); }
  int64_t Errors(Reason reason) const { return At(errors_, static_cast<uint8_t>(reason)); }
  int64_t Rejects(RejectReason reason) const { return At(rejects_, static_cast<uint8_t>(reason)); }
  int64_t LoginFailures(LoginStatus status) const { return At(login_failures_, IndexOf(status)); }

 private:
  using Value = std::atomic<int64_t>;
  static constexpr size_t kOpcodes = 64;
  static constexpr size_t kReasons = static_cast<size_t>(kLastReason) + 1;
  static constexpr size_t kRejectReasons = 16;
  // By class (0 to 3) and detail. The class 0 stands for logins that ended without an answer.
  static constexpr size_t kStatuses = 4 * 16;
  static size_t IndexOf(LoginStatus status) {
    return static_cast<size_t>(StatusClass(status) & 3) * 16 + (StatusDetail(status) & 15);
  }

  template <size_t kSize>
  static void AddOne(std::array<Value, kSize>& values, size_t index) {
    Value& value = values[index % kSize];
    value.store(value.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  template <size_t kSize>
  static int64_t At(const std::array<Value, kSize>& values, size_t index) {
    return values[index % kSize].load(std::memory_order_relaxed);
  }

  std::array<Value, kCounts> values_ = {};
  std::array<Value, kOpcodes> received_ = {};
  std::array<Value, kOpcodes> sent_ = {};
  std::array<Value, kReasons> errors_ = {};
  std::array<Value, kRejectReasons> rejects_ = {};
  std::array<Value, kStatuses> login_failures_ = {};
};

}  // namespace pushpull::target

#endif  // TARGET_SESSION_COUNTERS_H_
