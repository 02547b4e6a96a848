// A message of any length against all lengths that its header can claim near it: it is one PDU, or
// an error, and never more than the bytes that came.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "gtest/gtest.h"
#include "target/iser/header.h"
#include "target/rx/pdu_machine.h"
#include "target/rx/pdu_queue.h"
#include "target/rx/push_source.h"

namespace pushpull::target {
namespace {

constexpr size_t kLongest = 400;
constexpr uint32_t kMaxAhs = 256;
constexpr uint32_t kMostAhsWords = 255;  // that TotalAHSLength can claim (RFC 7143 §11.2.1.5)
constexpr size_t kAllHeaders = kIserHeaderBytes + kBhsBytes;

struct KeepsInSlot {
  void Place(const PduSlot& /*pdu*/, Placement& /*placement*/) {}
};

// One receiver in memory of exactly the message's size: a sanitizer sees each byte beyond.
std::optional<ProtocolError> Receive(base::Bytes message, const BhsView& bhs) {
  const auto header = ParseIserHeader(message);
  if (!header.ok()) return header.error();
  const size_t slot_bytes = std::max(message.size(), kAllHeaders);
  std::vector<uint8_t> memory(slot_bytes);
  std::ranges::copy(message, memory.begin());
  PushSource source({.slots = 1,
                     .slot_bytes = slot_bytes,
                     .memory = memory,
                     .keep_alive = nullptr,
                     .repost = nullptr});
  KeepsInSlot delegate;
  PduQueue queue(1);
  PduMachine machine(&source, &delegate, &queue);
  machine.SetFraming({.max_recv_data_segment_length = 512, .max_ahs_bytes = kMaxAhs});
  source.Deliver(0, message.size());
  machine.Poll();
  EXPECT_EQ(machine.failed(), queue.empty());
  if (machine.failed()) return machine.error();
  const SlotRef pdu = queue.Pop();
  EXPECT_EQ(pdu->ahs().size(), bhs.ahs_bytes());
  EXPECT_EQ(pdu->data_bytes(), bhs.data_segment_length());
  return std::nullopt;
}

TEST(IserMessage, AnyLengthAgainstAnyClaim) {
  std::vector<uint8_t> message(kLongest);
  message[0] = 0x10;
  size_t good = 0;
  for (size_t length = 0; length <= kLongest; ++length) {
    for (uint32_t words = 0; words <= kMostAhsWords; ++words) {
      const auto fits =
          static_cast<int64_t>(length) - static_cast<int64_t>(kAllHeaders + words * 4);
      for (int64_t data = std::max<int64_t>(0, fits - 5); data <= std::max<int64_t>(0, fits) + 5;
           ++data) {
        message[kIserHeaderBytes + 4] = static_cast<uint8_t>(words);
        base::StoreBe24(&message[kIserHeaderBytes + 5], static_cast<uint32_t>(data));
        const BhsView bhs(&message[kIserHeaderBytes]);
        const bool legal = words * 4 <= kMaxAhs && (fits == data || fits == data + bhs.pad_bytes());
        const auto error = Receive(base::Bytes(message).first(length), bhs);
        ASSERT_EQ(!error.has_value(), legal)
            << length << " bytes claim AHS " << words * 4 << ", data " << data;
        if (legal) {
          ++good;
        } else {
          ASSERT_TRUE(error->ends_connection() || error->reason == Reason::kAhsTooLong) << *error;
        }
      }
    }
  }
  EXPECT_GT(good, 10000u);
}

}  // namespace
}  // namespace pushpull::target
