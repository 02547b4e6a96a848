#include "target/rx/rx_testing.h"

#include <algorithm>

#include "target/pdu/digest.h"

namespace pushpull::target {
namespace {

void AddDigest(std::vector<uint8_t>& bytes, size_t from, bool broken) {
  Crc32c crc;
  crc.Add(base::Bytes(bytes).subspan(from));
  uint8_t digest[kDigestBytes];
  crc.Store(digest);
  if (broken) digest[2] ^= 0x10;
  bytes.insert(bytes.end(), digest, digest + kDigestBytes);
}

}  // namespace

TestPdu MakePdu(Opcode opcode, uint32_t tag, size_t ahs_words, size_t data_bytes,
                uint32_t buffer_offset) {
  TestPdu pdu;
  pdu.bhs[0] = static_cast<uint8_t>(opcode);
  pdu.bhs[1] = 0x80;
  pdu.bhs[4] = static_cast<uint8_t>(ahs_words);
  SetDataSegmentLength(pdu.bhs, static_cast<uint32_t>(data_bytes));
  base::StoreBe32(pdu.bhs.data() + 16, tag);
  base::StoreBe32(pdu.bhs.data() + 40, buffer_offset);
  for (size_t i = 0; i < ahs_words * 4; ++i) {
    pdu.ahs.push_back(static_cast<uint8_t>(0x80 + tag + i));
  }
  for (size_t i = 0; i < data_bytes; ++i) {
    pdu.data.push_back(static_cast<uint8_t>(tag * 31 + buffer_offset + i + i / 256));
  }
  return pdu;
}

std::vector<uint8_t> Wire(const TestPdu& pdu, const WireForm& form) {
  std::vector<uint8_t> bytes(pdu.bhs.begin(), pdu.bhs.end());
  bytes.insert(bytes.end(), pdu.ahs.begin(), pdu.ahs.end());
  if (form.header_digest) AddDigest(bytes, 0, pdu.break_header_digest);
  const size_t data_at = bytes.size();
  bytes.insert(bytes.end(), pdu.data.begin(), pdu.data.end());
  if (!form.omit_pad) {
    bytes.insert(bytes.end(), PadBytes(static_cast<uint32_t>(pdu.data.size())), form.pad);
  }
  if (form.data_digest && !pdu.data.empty()) AddDigest(bytes, data_at, pdu.break_data_digest);
  return bytes;
}

std::vector<uint8_t> Wire(const std::vector<TestPdu>& pdus, const WireForm& form) {
  std::vector<uint8_t> bytes;
  for (const TestPdu& pdu : pdus) {
    const auto one = Wire(pdu, form);
    bytes.insert(bytes.end(), one.begin(), one.end());
  }
  return bytes;
}

void TestDelegate::Place(const PduSlot& pdu, Placement& placement) {
  ++placed;
  const uint32_t bytes = pdu.bhs().data_segment_length();
  switch (pdu.bhs().opcode()) {
    case Opcode::kScsiCommand: {
      uint32_t left = bytes;
      for (const uint32_t size : {1u, 3u, 0u, left}) {
        const uint32_t n = std::min(size, left);
        buffers.emplace_back(n);
        placement.Into(buffers.back());
        left -= n;
      }
      return;
    }
    case Opcode::kDataOut:
      if (uint64_t{pdu.bhs().buffer_offset()} + bytes > write_buffer.size()) {
        placement.Discard();
        return;
      }
      placement.Into(base::MutableBytes(write_buffer).subspan(pdu.bhs().buffer_offset(), bytes));
      return;
    case Opcode::kTextRequest:
      placement.Discard();
      return;
    case Opcode::kTaskManagementRequest:
      placement.Refuse(kTestReject);
      return;
    case Opcode::kLogoutRequest:
      placement.Refuse(kTestClose);
      return;
    default:
      return;
  }
}

PushFixture::PushFixture(uint32_t slots, size_t slot_bytes) : memory(slots * slot_bytes) {
  PushSourceOptions options;
  options.slots = slots;
  options.slot_bytes = slot_bytes;
  options.memory = memory;
  options.repost = [this](uint32_t slot) {
    posted.push_back(slot);
    reposted.push_back(slot);
  };
  source = std::make_unique<PushSource>(std::move(options));
  for (uint32_t i = 0; i < slots; ++i) posted.push_back(i);
}

void PushFixture::Deliver(base::Bytes pdu) {
  ASSERT_FALSE(posted.empty());
  const uint32_t slot = posted.front();
  posted.erase(posted.begin());
  const base::MutableBytes buffer = Buffer(slot);
  std::fill_n(buffer.begin(), 28, 0x10);
  std::copy(pdu.begin(), pdu.end(), buffer.begin() + 28);
  source->Deliver(slot, 28 + pdu.size());
}

EventLog ReceivePush(const std::vector<TestPdu>& pdus, const WireForm& form,
                     const RunOptions& options, bool coalesced) {
  PushFixture push;
  TestDelegate delegate;
  EventLog log;
  PduQueue queue(options.queue_capacity);
  PduMachine machine(push.source.get(), &delegate, &queue);
  machine.set_event_log(&log);
  machine.SetFraming(options.framing);
  size_t next = 0;
  for (int polls = 0; polls < 10'000; ++polls) {
    while (next < pdus.size() && !push.posted.empty()) {
      push.Deliver(Wire(pdus[next++], form));
      if (!coalesced) break;
    }
    const RxStop stop = machine.Poll(options.budget);
    if (stop == RxStop::kEnded || stop == RxStop::kFailed) return log;
    if (stop == RxStop::kHeld) machine.Proceed();
    if (!queue.empty()) queue.Pop();
    if (stop == RxStop::kNotYet && next == pdus.size()) push.source->End();
  }
  ADD_FAILURE() << "the machine gets nowhere";
  return log;
}

}  // namespace pushpull::target
