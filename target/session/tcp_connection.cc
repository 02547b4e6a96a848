#include "target/session/tcp_connection.h"

#include <array>
#include <cstdint>
#include <utility>

namespace pushpull::target {
namespace {

// Slots beyond the window's: for requests whose answer is being sent.
constexpr uint32_t kSpareSlots = 16;

BlockPoolOptions SlotOptions(const Node& node) {
  return {.max_slots = node.options().queue_depth + SessionWindow::kKeptForImmediates +
                       SessionWindow::kKeptForReception + kSpareSlots,
          .bugs = node.bugs()};
}

}  // namespace

TcpConnection::TcpConnection(Worker* worker, std::unique_ptr<fabric::Stream> stream)
    : Connection(worker, stream->local()),
      stream_(std::move(stream)),
      slots_(BlockPool::Create(SlotOptions(worker->node()))),
      source_(stream_.get(), &worker->read_ahead(), slots_.get(), worker->node().bugs()),
      queue_(kQueueCapacity, worker->node().bugs()),
      machine_(&source_, this, &queue_),
      sender_(stream_.get(), &tx(), worker->node().bugs()) {
  machine_.SetBugs(worker->node().bugs());
  slots_->set_on_free([this] { RunSoon(); });
}

void TcpConnection::Open() {
  stream_->SetHandlers([this] { Run(); }, [this] { Run(); });
}

void TcpConnection::Run() {
  if (running_ || stream_ == nullptr || closed()) return;
  running_ = true;
  if (finishing_) {
    DiscardInput();
  } else {
    ReceiveTurn(machine_, queue_);
    // Else nobody would look until it has its place, for nobody.
    if (awaits_place() && source_.HasEnded()) OnReceiveEnd();
  }
  if (!closed()) Pump();
  running_ = false;
}

void TcpConnection::Pump() {
  while (true) {
    switch (sender_.Pump()) {
      case TxStop::kIdle:
        OnSendIdle();
        if (!tx().empty()) continue;
        if (finishing_ && !std::exchange(write_ended_, true)) stream_->ShutdownWrite();
        return;
      case TxStop::kBlocked:
        return;
      case TxStop::kMore:
        return RunSoon();
      case TxStop::kFailed:
        return Close();
    }
  }
}

void TcpConnection::FinishTransport() {
  finishing_ = true;
  RunSoon();
}

// Behind a logout or a failed login nothing is listened to, but reading goes on, so that what was
// sent last isn't lost in a reset.
void TcpConnection::DiscardInput() {
  std::array<uint8_t, 4096> bytes;
  const iovec buffer{bytes.data(), bytes.size()};
  // A peer that never stops sending has no more of the loop than others have.
  constexpr int kReadsAtATime = 16;
  for (int i = 0; i < kReadsAtATime; ++i) {
    const fabric::IoResult result = stream_->TryRead({&buffer, 1});
    if (result.kind == fabric::IoResult::Kind::kWouldBlock) return;
    if (result.kind != fabric::IoResult::Kind::kBytes) return Close();
  }
  RunSoon();
}

void TcpConnection::CloseTransport() {
  if (stream_ == nullptr) return;
  sender_.Pump();  // what was queued before may still go out
  if (variation() != nullptr && variation()->ending.Resets()) return stream_->Abort();
  stream_->Close();
}

}  // namespace pushpull::target
