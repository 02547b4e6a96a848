#include "fuzz/replay/rx_placer.h"

#include <algorithm>
#include <cstring>

#include "target/pdu/bhs.h"
#include "target/pdu/opcode.h"
#include "target/pdu/protocol_error.h"

namespace pushpull::replay {
namespace {

using target::Opcode;
using target::Placement;

constexpr uint32_t kReservedTag = 0xffffffff;
constexpr target::ProtocolError kReject{target::Reason::kUnexpectedData, "RFC 7143 §11.5",
                                        target::Action::kReject};
constexpr target::ProtocolError kClose{target::Reason::kUnexpectedData, "RFC 7143 §11.14",
                                       target::Action::kCloseSession};

bool IsVendorSpecific(Opcode opcode) {
  const auto value = static_cast<uint8_t>(opcode) & 0x1f;
  return value >= 0x1c && value <= 0x1e;  // RFC 7143 §11.2.1.2
}

}  // namespace

void RxPlacer::Reserve(size_t trace_bytes, size_t max_data_segment_length) {
  memory_.assign(trace_bytes + max_data_segment_length, 0);
  used_ = 0;
}

void RxPlacer::Restart(uint8_t scrub) {
  if (used_ > 0) std::memset(memory_.data(), scrub, used_);
  used_ = 0;
}

base::MutableBytes RxPlacer::Take(size_t bytes) {
  if (bytes > memory_.size() - used_) return {};
  used_ += bytes;
  return base::MutableBytes(memory_).subspan(used_ - bytes, bytes);
}

void RxPlacer::Place(const target::PduSlot& pdu, Placement& placement) {
  const target::BhsView bhs = pdu.bhs();
  const size_t bytes = bhs.data_segment_length();
  if (bytes == 0) return;
  switch (bhs.opcode()) {
    case Opcode::kScsiCommand:
    case Opcode::kDataIn: {
      base::MutableBytes left = Take(bytes);
      // A machine that takes more than was sent is wrong; its events show it.
      if (left.empty()) return placement.Discard();
      for (const size_t size : {size_t{1}, size_t{3}, bytes}) {
        const size_t n = std::min(size, left.size());
        placement.Into(left.first(n));
        left = left.subspan(n);
      }
      return;
    }
    case Opcode::kDataOut: {
      const base::MutableBytes place = Take(bytes);
      place.empty() ? placement.Discard() : placement.Into(place);
      return;
    }
    case Opcode::kTaskManagementRequest:
      placement.Refuse(kReject);
      return;
    case Opcode::kLogoutRequest:
      placement.Refuse(kClose);
      return;
    case Opcode::kNopOut:
      if (bhs.initiator_task_tag() == kReservedTag) placement.Discard();
      return;
    default:
      if (IsVendorSpecific(bhs.opcode())) placement.Discard();
      return;
  }
}

}  // namespace pushpull::replay
