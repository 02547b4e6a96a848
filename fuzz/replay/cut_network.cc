#include "fuzz/replay/cut_network.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "fabric/handler.h"

namespace pushpull::replay {
namespace {

using fabric::IoResult;

class CutStream final : public fabric::Stream {
 public:
  CutStream(std::unique_ptr<fabric::Stream> inner, fabric::Loop* loop, const WriteCuts& cuts)
      : inner_(std::move(inner)), cuts_(cuts), timer_(loop) {}

  IoResult TryRead(std::span<const iovec> buffers) override { return inner_->TryRead(buffers); }

  IoResult TryWrite(std::span<const iovec> buffers) override {
    // Those at 0, and those at which the last write ended.
    PauseAtCuts();
    if (timer_.pending()) return {.kind = IoResult::Kind::kWouldBlock};
    const std::vector<iovec> some = UpToCut(buffers);
    const IoResult result = inner_->TryWrite(some);
    if (result.kind == IoResult::Kind::kBytes) written_ += result.bytes;
    return result;
  }

  void SetHandlers(fabric::Task readable, fabric::Task writable) override {
    writable_.Set(std::move(writable));
    inner_->SetHandlers(std::move(readable), [this] {
      if (!timer_.pending()) writable_.Run();
    });
  }

  void ShutdownWrite() override { inner_->ShutdownWrite(); }
  void Close() override {
    Stop();
    inner_->Close();
  }
  void Abort() override {
    Stop();
    inner_->Abort();
  }
  fabric::Address local() const override { return inner_->local(); }
  fabric::Address peer() const override { return inner_->peer(); }

 private:
  void Stop() {
    timer_.Cancel();
    writable_.Clear();
  }

  void PauseAtCuts() {
    int pauses = 0;
    const size_t every =
        std::max<size_t>((cuts_.at.size() + cuts_.max_pauses - 1) / cuts_.max_pauses, 1);
    for (; next_ < cuts_.at.size() && cuts_.at[next_] <= written_; ++next_) {
      if (next_ % every == 0) ++pauses;
    }
    if (pauses > 0) timer_.Start(pauses * cuts_.pause, [this] { writable_.Run(); });
  }

  std::vector<iovec> UpToCut(std::span<const iovec> buffers) const {
    uint64_t left = next_ < cuts_.at.size() ? cuts_.at[next_] - written_ : UINT64_MAX;
    std::vector<iovec> some;
    for (const iovec& buffer : buffers) {
      if (left == 0) break;
      const size_t size = std::min<uint64_t>(buffer.iov_len, left);
      some.push_back({buffer.iov_base, size});
      left -= size;
    }
    return some;
  }

  const std::unique_ptr<fabric::Stream> inner_;
  const WriteCuts cuts_;
  fabric::Timer timer_;  // of a pause
  fabric::Handler<fabric::Task> writable_;
  uint64_t written_ = 0;
  size_t next_ = 0;  // cut
};

}  // namespace

// Kept by connections that are being opened.
struct CutNetwork::Shared {
  WriteCuts cuts;
  size_t opened = 0;
};

CutNetwork::CutNetwork(fabric::Network* inner, WriteCuts cuts)
    : inner_(inner), shared_(std::make_shared<Shared>(Shared{std::move(cuts)})) {
  CHECK(std::is_sorted(shared_->cuts.at.begin(), shared_->cuts.at.end()));
}

CutNetwork::~CutNetwork() = default;

absl::StatusOr<std::unique_ptr<fabric::Listener>> CutNetwork::Listen(fabric::Loop* loop,
                                                                     const fabric::Address& address,
                                                                     AcceptHandler accept) {
  return inner_->Listen(loop, address, std::move(accept));
}

void CutNetwork::Connect(fabric::Loop* loop, const fabric::Address& address, ConnectHandler done) {
  inner_->Connect(loop, address,
                  [shared = shared_, loop, done = std::move(done)](
                      absl::StatusOr<std::unique_ptr<fabric::Stream>> stream) mutable {
                    if (stream.ok() && shared->opened++ == shared->cuts.connection) {
                      stream = std::make_unique<CutStream>(*std::move(stream), loop, shared->cuts);
                    }
                    done(std::move(stream));
                  });
}

void CutNetwork::Move(std::unique_ptr<fabric::Stream> stream, fabric::Loop* to,
                      absl::AnyInvocable<void(std::unique_ptr<fabric::Stream>)> done) {
  CHECK(dynamic_cast<CutStream*>(stream.get()) == nullptr) << "a stream that is cut stays";
  inner_->Move(std::move(stream), to, std::move(done));
}

}  // namespace pushpull::replay
