#include "target/tx/stream_sender.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "target/pdu/digest.h"

namespace pushpull::target {

namespace {

bool IsR2t(const OutPdu& pdu) { return (pdu.bhs[0] & 0x3f) == 0x31; }

// Of a task's second Data-In, and of those behind it.
bool IsLaterDataIn(const OutPdu& pdu) {
  return (pdu.bhs[0] & 0x3f) == 0x25 && base::LoadBe32(pdu.bhs.data() + 36) > 0;
}

}  // namespace

void StreamSender::Encode(Outgoing& out) const {
  const OutPdu& pdu = out.pdu;
  std::copy(pdu.bhs.begin(), pdu.bhs.end(), out.head.begin());
  out.head_bytes = kBhsBytes;
  const bool carries_on = bugs_.Has(Bug::kDigestsCarriedOn);
  if (pdu.header_digest) {
    Crc32c crc;
    if (carries_on && IsR2t(pdu)) crc.Add({out.head.data(), 4});
    crc.Add({out.head.data(), kBhsBytes});
    crc.Store(out.head.data() + kBhsBytes);
    out.head_bytes += kDigestBytes;
  }
  const uint32_t data_bytes = BhsView(pdu.bhs).data_segment_length();
  const uint32_t pad = PadBytes(data_bytes);
  std::memset(out.tail.data(), 0, pad);  // RFC 7143 §11.1
  if (bugs_.Has(Bug::kPadFromMemory) && pad > 0) {
    std::memcpy(out.tail.data(), pdu.data.back().data() + pdu.data.back().size(), pad);
  }
  out.tail_bytes = static_cast<uint8_t>(pad);
  if (pdu.data_digest && data_bytes > 0) {
    Crc32c crc;
    if (carries_on && IsLaterDataIn(pdu)) crc.Add({out.head.data(), 4});
    for (const base::Bytes piece : pdu.data) crc.Add(piece);
    crc.Add({out.tail.data(), pad});
    crc.Store(out.tail.data() + pad);
    out.tail_bytes += kDigestBytes;
  }
  out.bytes = size_t{out.head_bytes} + data_bytes + out.tail_bytes;
}

void StreamSender::Fill() {
  while (count_ < kBatchPdus && batch_bytes_ < kBatchBytes) {
    Outgoing& out = At(count_);
    if (!queue_->Next(out.pdu)) return;
    Encode(out);
    batch_bytes_ += out.bytes;
    ++count_;
  }
}

size_t StreamSender::Gather(std::array<iovec, kMaxIovecs>& vector) {
  size_t used = 0;
  size_t skip = sent_;
  // False where the vector is full.
  const auto add = [&](const uint8_t* bytes, size_t size) {
    if (skip >= size) {
      skip -= size;
      return true;
    }
    if (used == kMaxIovecs) return false;
    vector[used++] = {const_cast<uint8_t*>(bytes) + skip, size - skip};
    skip = 0;
    return true;
  };
  for (size_t i = 0; i < count_; ++i) {
    const Outgoing& out = At(i);
    if (!add(out.head.data(), out.head_bytes)) return used;
    for (const base::Bytes piece : out.pdu.data) {
      if (!add(piece.data(), piece.size())) return used;
    }
    if (!add(out.tail.data(), out.tail_bytes)) return used;
  }
  return used;
}

void StreamSender::Advance(size_t bytes) {
  bytes_sent_ += bytes;
  batch_bytes_ -= bytes;
  sent_ += bytes;
  while (count_ > 0 && sent_ >= At(0).bytes) {
    sent_ -= At(0).bytes;
    OutPdu sent = std::exchange(At(0).pdu, OutPdu());
    first_ = (first_ + 1) % kBatchPdus;
    --count_;
    if (sent.done) sent.done();
  }
}

TxStop StreamSender::Pump(uint64_t budget_bytes) {
  if (failed_) return TxStop::kFailed;
  if (pumping_) return TxStop::kIdle;
  pumping_ = true;
  const uint64_t enough = bytes_sent_ + budget_bytes;
  TxStop stop = TxStop::kIdle;
  while (true) {
    Fill();
    if (count_ == 0) break;
    std::array<iovec, kMaxIovecs> vector;
    const size_t used = Gather(vector);
    const fabric::IoResult result = stream_->TryWrite({vector.data(), used});
    if (result.kind == fabric::IoResult::Kind::kBytes) {
      Advance(result.bytes);
      if (bytes_sent_ < enough || idle()) continue;
      stop = TxStop::kMore;
      break;
    }
    if (result.kind == fabric::IoResult::Kind::kWouldBlock) {
      stop = TxStop::kBlocked;
      break;
    }
    failed_ = true;
    error_ = result.error;
    stop = TxStop::kFailed;
    break;
  }
  pumping_ = false;
  return stop;
}

}  // namespace pushpull::target
