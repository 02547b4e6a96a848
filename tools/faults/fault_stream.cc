#include "tools/faults/fault_stream.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace pushpull::faults {
namespace {

using fabric::IoResult;

constexpr size_t kReadSize = 65536;
// So long is waited for a PDU behind which one that is kept back can go, or for the rest of a PDU.
constexpr absl::Duration kPatience = absl::Milliseconds(50);

}  // namespace

FaultStream::FaultStream(std::unique_ptr<fabric::Stream> inner, fabric::Loop* loop,
                         Planting* planting)
    : inner_(std::move(inner)),
      meddler_(planting),
      read_timer_(loop),
      write_timer_(loop),
      read_buffer_(kReadSize) {}

bool FaultStream::Fill() {
  const iovec buffer = {read_buffer_.data(), read_buffer_.size()};
  const IoResult result = inner_->TryRead({&buffer, 1});
  if (result.kind == IoResult::Kind::kWouldBlock) return false;
  std::vector<uint8_t> passed;
  if (result.kind == IoResult::Kind::kBytes) {
    passed = meddler_.FromTarget(base::Bytes(read_buffer_).first(result.bytes));
    read_timer_.Cancel();
    if (meddler_.holds_back()) {
      read_timer_.Start(kPatience, [this] {
        const std::vector<uint8_t> late = meddler_.FlushFromTarget();
        in_.insert(in_.end(), late.begin(), late.end());
        readable_.Run();
      });
    }
  } else {
    passed = meddler_.FlushFromTarget();
    ended_ = result;
  }
  in_.insert(in_.end(), passed.begin(), passed.end());
  if (!ended_.has_value() && meddler_.end() != Outcome::End::kNone) {
    const bool reset = meddler_.end() == Outcome::End::kReset;
    ended_ = reset ? IoResult{.kind = IoResult::Kind::kError, .error = ECONNRESET}
                   : IoResult{.kind = IoResult::Kind::kEnd};
    inner_->Close();
  }
  return true;
}

IoResult FaultStream::TryRead(std::span<const iovec> buffers) {
  while (in_.empty()) {
    if (ended_.has_value()) return *ended_;
    if (!Fill()) return {.kind = IoResult::Kind::kWouldBlock};
  }
  size_t taken = 0;
  for (const iovec& buffer : buffers) {
    const size_t size = std::min(buffer.iov_len, in_.size() - taken);
    std::memcpy(buffer.iov_base, in_.data() + taken, size);
    taken += size;
  }
  in_.erase(in_.begin(), in_.begin() + static_cast<ptrdiff_t>(taken));
  return {.kind = IoResult::Kind::kBytes, .bytes = taken};
}

void FaultStream::Pump() {
  while (!out_.empty() && write_error_ == 0) {
    const iovec buffer = {out_.data(), out_.size()};
    const IoResult result = inner_->TryWrite({&buffer, 1});
    if (result.kind == IoResult::Kind::kWouldBlock) return;
    if (result.kind != IoResult::Kind::kBytes) {
      write_error_ = result.error;
      out_.clear();
      return;
    }
    out_.erase(out_.begin(), out_.begin() + static_cast<ptrdiff_t>(result.bytes));
  }
  if (shutdown_due_) inner_->ShutdownWrite();
  shutdown_due_ = false;
}

IoResult FaultStream::TryWrite(std::span<const iovec> buffers) {
  if (!meddler_.changes_requests()) {
    const IoResult result = inner_->TryWrite(buffers);
    size_t left = result.kind == IoResult::Kind::kBytes ? result.bytes : 0;
    for (const iovec& buffer : buffers) {
      const size_t size = std::min(left, buffer.iov_len);
      meddler_.FromInitiator({static_cast<const uint8_t*>(buffer.iov_base), size});
      left -= size;
    }
    return result;
  }
  Pump();
  if (write_error_ != 0) return {.kind = IoResult::Kind::kError, .error = write_error_};
  if (!out_.empty()) return {.kind = IoResult::Kind::kWouldBlock};
  size_t taken = 0;
  for (const iovec& buffer : buffers) {
    const std::vector<uint8_t> passed =
        meddler_.FromInitiator({static_cast<const uint8_t*>(buffer.iov_base), buffer.iov_len});
    out_.insert(out_.end(), passed.begin(), passed.end());
    taken += buffer.iov_len;
  }
  write_timer_.Cancel();
  if (meddler_.holds_back_requests()) write_timer_.Start(kPatience, [this] { FlushRequests(); });
  Pump();
  return {.kind = IoResult::Kind::kBytes, .bytes = taken};
}

void FaultStream::FlushRequests() {
  const std::vector<uint8_t> late = meddler_.FlushFromInitiator();
  out_.insert(out_.end(), late.begin(), late.end());
  Pump();
}

void FaultStream::SetHandlers(fabric::Task readable, fabric::Task writable) {
  readable_.Set(std::move(readable));
  writable_.Set(std::move(writable));
  inner_->SetHandlers([this] { readable_.Run(); },
                      [this] {
                        Pump();
                        if (out_.empty()) writable_.Run();
                      });
}

void FaultStream::Stop() {
  read_timer_.Cancel();
  write_timer_.Cancel();
  readable_.Clear();
  writable_.Clear();
  ended_ = IoResult{.kind = IoResult::Kind::kError, .error = EBADF};
}

void FaultStream::ShutdownWrite() {
  if (!meddler_.changes_requests()) return inner_->ShutdownWrite();
  shutdown_due_ = true;
  FlushRequests();
}

void FaultStream::Close() {
  if (meddler_.changes_requests()) FlushRequests();
  Stop();
  inner_->Close();
}

void FaultStream::Abort() {
  Stop();
  inner_->Abort();
}

absl::StatusOr<std::unique_ptr<fabric::Listener>> FaultNetwork::Listen(
    fabric::Loop* loop, const fabric::Address& address, AcceptHandler accept) {
  return inner_->Listen(loop, address, std::move(accept));
}

void FaultNetwork::Connect(fabric::Loop* loop, const fabric::Address& address,
                           ConnectHandler done) {
  inner_->Connect(loop, address,
                  [planting = planting_, loop, done = std::move(done)](
                      absl::StatusOr<std::unique_ptr<fabric::Stream>> stream) mutable {
                    if (stream.ok()) {
                      stream = std::make_unique<FaultStream>(*std::move(stream), loop, planting);
                    }
                    done(std::move(stream));
                  });
}

void FaultNetwork::Move(std::unique_ptr<fabric::Stream> stream, fabric::Loop* to,
                        absl::AnyInvocable<void(std::unique_ptr<fabric::Stream>)> done) {
  CHECK(dynamic_cast<FaultStream*>(stream.get()) == nullptr) << "a stream with a proxy stays";
  inner_->Move(std::move(stream), to, std::move(done));
}

}  // namespace pushpull::faults
