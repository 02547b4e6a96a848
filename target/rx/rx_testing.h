// What the tests of the receive machine share: PDUs as bytes, a delegate, and loops that poll.

#ifndef TARGET_RX_RX_TESTING_H_
#define TARGET_RX_RX_TESTING_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "gtest/gtest.h"
#include "target/pdu/bhs.h"
#include "target/rx/event_log.h"
#include "target/rx/pdu_machine.h"
#include "target/rx/placement.h"
#include "target/rx/push_source.h"
#include "target/rx/slot.h"

namespace pushpull::target {

struct TestPdu {
  Bhs bhs = {};
  std::vector<uint8_t> ahs;
  std::vector<uint8_t> data;
  bool break_header_digest = false;
  bool break_data_digest = false;
};

// A PDU with right lengths. `ahs_words`, `data_bytes`: filled with bytes that depend on `tag`,
// which is the Initiator Task Tag.
TestPdu MakePdu(Opcode opcode, uint32_t tag, size_t ahs_words, size_t data_bytes,
                uint32_t buffer_offset = 0);

struct WireForm {
  bool header_digest = false;
  bool data_digest = false;
  uint8_t pad = 0;  // the value of pad bytes
  bool omit_pad = false;
};

std::vector<uint8_t> Wire(const TestPdu& pdu, const WireForm& form);
std::vector<uint8_t> Wire(const std::vector<TestPdu>& pdus, const WireForm& form);

inline Framing FramingOf(const WireForm& form) {
  return {.header_digest = form.header_digest,
          .data_digest = form.data_digest,
          .max_recv_data_segment_length = 65536};
}

// Decides by opcode, so that each kind of placement is met:
//   SCSI Command   into buffers of its own of 1, 3, 0 and all other bytes
//   SCSI Data-Out  into `write_buffer` at its Buffer Offset; discarded beyond it
//   Text Request   discarded
//   Task Management Function Request  refused, to be rejected
//   Logout Request                    refused, ends the session
//   all others     in the slot
class TestDelegate {
 public:
  void Place(const PduSlot& pdu, Placement& placement);

  std::vector<uint8_t> write_buffer = std::vector<uint8_t>(1 << 16);
  std::vector<std::vector<uint8_t>> buffers;  // as placed
  size_t placed = 0;                          // calls
};

inline constexpr ProtocolError kTestReject{Reason::kUnexpectedData, "RFC 7143 §11.5.2",
                                           Action::kReject};
inline constexpr ProtocolError kTestClose{Reason::kReservedValue, "RFC 7143 §11.14.1",
                                          Action::kCloseSession};

struct RunOptions {
  Framing framing;
  size_t queue_capacity = 4;
  size_t budget = SIZE_MAX;  // PDUs in each poll
};

// Polls until the end or the failure, and drains the queue one PDU at a time whenever the machine
// stops for room. A machine that gets nowhere fails the test.
template <typename Source>
EventLog Receive(Source& source, TestDelegate& delegate, const RunOptions& options) {
  EventLog log;
  PduQueue queue(options.queue_capacity);
  PduMachine machine(&source, &delegate, &queue);
  machine.set_event_log(&log);
  machine.SetFraming(options.framing);
  for (int polls = 0; polls < 1'000'000; ++polls) {
    switch (machine.Poll(options.budget)) {
      case RxStop::kEnded:
      case RxStop::kFailed:
        return log;
      case RxStop::kQueueFull:
      case RxStop::kNoSlot:
        EXPECT_FALSE(queue.empty());
        if (queue.empty()) return log;
        queue.Pop();
        break;
      case RxStop::kHeld:
        machine.Proceed();
        break;
      case RxStop::kNotYet:
      case RxStop::kBudget:
        break;
    }
  }
  ADD_FAILURE() << "the machine gets nowhere in state " << machine.state();
  return log;
}

// Memory and a source for messages; `reposted` are the slots in the order of their return.
struct PushFixture {
  explicit PushFixture(uint32_t slots = 8, size_t slot_bytes = 28 + 48 + 1020 + 65536);

  // Puts a message with a transport header before `pdu` into the slot that was posted first.
  void Deliver(base::Bytes pdu);
  base::MutableBytes Buffer(uint32_t slot) { return source->Buffer(slot); }

  std::vector<uint8_t> memory;
  std::vector<uint32_t> posted;
  std::vector<uint32_t> reposted;
  std::unique_ptr<PushSource> source;
};

// All of the PDUs as messages, delivered before the first poll (as far as there are slots) or one
// by one.
EventLog ReceivePush(const std::vector<TestPdu>& pdus, const WireForm& form,
                     const RunOptions& options, bool coalesced);

}  // namespace pushpull::target

#endif  // TARGET_RX_RX_TESTING_H_
