#include "initiator_sim/player/channel.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace pushpull::initiator_sim {
namespace {

constexpr size_t kReadSize = 65536;
// A peer that sends faster than we read must not keep the loop from its timers.
constexpr int kReadsInATurn = 256;

Direction Opposite(Direction direction) {
  return direction == Direction::kToTarget ? Direction::kToInitiator : Direction::kToTarget;
}

// How many of its bytes the PDU has by its own header.
size_t WholeAt(const OutgoingPdu& pdu) {
  if (pdu.bytes.size() < kBhsSize) return pdu.bytes.size();
  const PduLayout layout = LayoutOf(base::Bytes(pdu.bytes).first(kBhsSize), pdu.digests);
  return std::min(pdu.bytes.size(), layout.end);
}

}  // namespace

StreamChannel::StreamChannel(std::unique_ptr<fabric::Stream> stream, fabric::Loop* loop,
                             TapConnection info, Tap* tap, Direction incoming,
                             ChannelHandlers handlers)
    : stream_(std::move(stream)),
      loop_(loop),
      info_(std::move(info)),
      tap_(tap),
      incoming_(incoming),
      handlers_(std::move(handlers)),
      read_buffer_(kReadSize),
      read_on_(loop) {
  if (tap_ != nullptr) tap_->OnOpened(info_, loop_->Now());
  stream_->SetHandlers([this] { OnReadable(); }, [this] { Pump(); });
}

StreamChannel::~StreamChannel() { Close(); }

void StreamChannel::Send(OutgoingPdu pdu) {
  // What follows a PDU that was cut short on purpose would make it whole.
  if (!open_ || !writable_ || shutdown_due_) return;
  std::vector<size_t> ends = pdu.cuts;
  ends.push_back(pdu.bytes.size());
  size_t begin = 0;
  // Whoever has as much as the header says may answer: what is there beyond it may come later.
  const size_t whole = WholeAt(pdu);
  Write* whole_in = nullptr;
  size_t whole_at = 0;
  for (const size_t end : ends) {
    if (end <= begin || end > pdu.bytes.size()) continue;
    if (writes_.empty() || !writes_.back().held) writes_.emplace_back();
    Write& write = writes_.back();
    write.held = false;
    write.bytes.insert(write.bytes.end(), pdu.bytes.begin() + static_cast<ptrdiff_t>(begin),
                       pdu.bytes.begin() + static_cast<ptrdiff_t>(end));
    if (begin < whole && whole <= end) {
      whole_in = &write;
      whole_at = write.bytes.size() - (end - whole);
    }
    begin = end;
  }
  if (!writes_.empty()) {
    writes_.back().held = pdu.join_next;
    if (whole_in == nullptr) {
      whole_in = &writes_.back();
      whole_at = whole_in->bytes.size();
    }
    whole_in->completes.push_back({whole_at, std::move(pdu)});
  }
  Pump();
}

void StreamChannel::Flush() {
  if (!writes_.empty()) writes_.back().held = false;
  Pump();
}

void StreamChannel::ShutdownWriteWhenDrained() {
  shutdown_due_ = true;
  Flush();
}

void StreamChannel::Close() {
  read_on_.Cancel();
  if (!open_) return;
  open_ = false;
  stream_->Close();
  if (tap_ != nullptr) tap_->OnClosed(info_, loop_->Now(), /*by_peer=*/false, "");
}

void StreamChannel::Abort() {
  if (!open_) return;
  open_ = false;
  stream_->Abort();
  if (tap_ != nullptr) tap_->OnClosed(info_, loop_->Now(), /*by_peer=*/false, "reset");
}

void StreamChannel::ReportSent(const OutgoingPdu& pdu) {
  if (tap_ == nullptr) return;
  const DecodedPdu decoded = Decode(pdu.bytes, pdu.digests);
  tap_->OnPdu({.connection = &info_,
               .direction = Opposite(incoming_),
               .time = loop_->Now(),
               .bytes = pdu.bytes,
               .decoded = &decoded,
               .digests = pdu.digests,
               .misbehaving = pdu.misbehaving});
}

void StreamChannel::Pump() {
  if (!open_ || !writable_) return;
  while (!writes_.empty() && !writes_.front().held) {
    Write& write = writes_.front();
    const size_t left = write.bytes.size() - written_;
    if (left > 0) {
      const iovec buffer = {write.bytes.data() + written_, left};
      const fabric::IoResult result = stream_->TryWrite({&buffer, 1});
      if (result.kind == fabric::IoResult::Kind::kWouldBlock) return;
      if (result.kind != fabric::IoResult::Kind::kBytes) {
        // The connection is gone for writing. What the peer sent before can still be read, and
        // reading tells the end.
        writable_ = false;
        writes_.clear();
        handlers_.drained();
        return;
      }
      if (tap_ != nullptr) {
        tap_->OnBytes(info_, loop_->Now(), Opposite(incoming_),
                      base::Bytes(write.bytes).subspan(written_, result.bytes));
      }
      written_ += result.bytes;
    }
    // The peer may answer a PDU before the write that it stands in is through.
    while (!write.completes.empty() && write.completes.front().end <= written_) {
      ReportSent(write.completes.front().pdu);
      write.completes.pop_front();
    }
    if (written_ < write.bytes.size()) continue;
    writes_.pop_front();
    written_ = 0;
  }
  if (!writes_.empty()) return;
  if (shutdown_due_) {
    shutdown_due_ = false;
    writable_ = false;
    stream_->ShutdownWrite();
  }
  handlers_.drained();
}

void StreamChannel::End(std::string reason) {
  if (!open_) return;
  open_ = false;
  writes_.clear();
  if (tap_ != nullptr) tap_->OnClosed(info_, loop_->Now(), /*by_peer=*/true, reason);
  stream_->Close();
  handlers_.ended(std::move(reason));
}

bool StreamChannel::TakeFrames() {
  while (open_) {
    std::optional<Frame> frame = framer_.Next();
    if (!frame) break;
    if (tap_ != nullptr) {
      tap_->OnPdu({.connection = &info_,
                   .direction = incoming_,
                   .time = loop_->Now(),
                   .bytes = frame->bytes,
                   .decoded = &frame->decoded,
                   .digests = framer_.digests()});
    }
    handlers_.pdu(*std::move(frame));
  }
  if (open_ && framer_.error()) {
    End(absl::StrCat("what came can't be followed: ", framer_.error()->reason, " (",
                     framer_.error()->section, ")"));
  }
  return open_;
}

void StreamChannel::OnReadable() {
  for (int reads = 0; open_; ++reads) {
    if (reads == kReadsInATurn) {
      read_on_.Start(absl::ZeroDuration(), [this] { OnReadable(); });
      return;
    }
    const iovec buffer = {read_buffer_.data(), read_buffer_.size()};
    const fabric::IoResult result = stream_->TryRead({&buffer, 1});
    switch (result.kind) {
      case fabric::IoResult::Kind::kWouldBlock:
        return;
      case fabric::IoResult::Kind::kEnd:
        End(framer_.pending() == 0 ? ""
                                   : absl::StrCat(kEndedWithinPdu, ", of which ", framer_.pending(),
                                                  " bytes had come"));
        return;
      case fabric::IoResult::Kind::kError:
        End(std::strerror(result.error));
        return;
      case fabric::IoResult::Kind::kBytes:
        break;
    }
    const base::Bytes bytes = base::Bytes(read_buffer_).first(result.bytes);
    if (tap_ != nullptr) tap_->OnBytes(info_, loop_->Now(), incoming_, bytes);
    framer_.Append(bytes);
    if (!TakeFrames()) return;
  }
}

}  // namespace pushpull::initiator_sim
