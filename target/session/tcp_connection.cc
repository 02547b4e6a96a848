#include "target/session/tcp_connection.h"

#include <array>
#include <cstdint>
#include <utility>

namespace pushpull::target {
namespace {

// PDUs in one turn, before the loop's other connections have theirs.
constexpr size_t kPdusInATurn = 32;
// Between receiving and processing. It is drained before each PDU's data is placed, so that more
// than a few never stand in it.
constexpr size_t kQueueCapacity = 8;
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
      sender_(stream_.get(), &tx()),
      life_(std::make_shared<TcpConnection*>(this)) {
  machine_.SetBugs(worker->node().bugs());
  slots_->set_on_free([this] { RunSoon(); });
  tx().set_on_space([this] { RunSoon(); });
  tx().set_on_work([this] {
    if (!running_) RunSoon();
  });
}

TcpConnection::~TcpConnection() { *life_ = nullptr; }

void TcpConnection::Open() {
  stream_->SetHandlers([this] { Run(); }, [this] { Run(); });
}

void TcpConnection::RunSoon() {
  if (std::exchange(run_posted_, true)) return;
  loop()->Post([life = life_] {
    if (*life == nullptr) return;
    (*life)->run_posted_ = false;
    (*life)->Run();
  });
}

// One turn: receives and processes, then sends what came of it.
void TcpConnection::Run() {
  if (running_ || stream_ == nullptr || closed()) return;
  running_ = true;
  if (finishing_) {
    DiscardInput();
  } else {
    Receive();
  }
  if (!closed()) Pump();
  running_ = false;
}

void TcpConnection::Receive() {
  while (!closing()) {
    // A peer that doesn't read what it asks for is not listened to.
    if (tx().full()) return tx().want_space();
    const RxStop stop = machine_.Poll(kPdusInATurn);
    Drain();
    if (closing()) return;
    switch (stop) {
      case RxStop::kQueueFull:
        continue;
      case RxStop::kHeld:
        // The answer to a Login Request lets the next one come.
        if (!machine_.held()) continue;
        return;
      case RxStop::kBudget:
        return RunSoon();
      case RxStop::kNotYet:
      case RxStop::kNoSlot:
        return;
      case RxStop::kEnded:
        return OnReceiveEnd();
      case RxStop::kFailed:
        return OnReceiveError(*machine_.error());
    }
  }
}

void TcpConnection::Drain() {
  while (!queue_.empty()) OnPdu(queue_.Pop());
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
  while (true) {
    const fabric::IoResult result = stream_->TryRead({&buffer, 1});
    if (result.kind == fabric::IoResult::Kind::kWouldBlock) return;
    if (result.kind != fabric::IoResult::Kind::kBytes) return Close();
  }
}

void TcpConnection::CloseTransport() {
  if (stream_ == nullptr) return;
  sender_.Pump();  // what was queued before may still go out
  stream_->Close();
}

}  // namespace pushpull::target
