// A connection over a byte stream: receive machine and sender on one fabric::Stream.

#ifndef TARGET_SESSION_TCP_CONNECTION_H_
#define TARGET_SESSION_TCP_CONNECTION_H_

#include <memory>

#include "fabric/stream.h"
#include "target/rx/block_pool.h"
#include "target/rx/pdu_machine.h"
#include "target/rx/pdu_queue.h"
#include "target/rx/tcp_source.h"
#include "target/session/connection.h"
#include "target/tx/stream_sender.h"

namespace pushpull::target {

class TcpConnection final : public Connection {
 public:
  TcpConnection(Worker* worker, std::unique_ptr<fabric::Stream> stream);
  const TransportTraits& traits() const override { return kTcpTraits; }
  fabric::Address peer() const override {
    return stream_ != nullptr ? stream_->peer() : fabric::Address();
  }

 private:
  using Machine = PduMachine<TcpSource, TcpConnection>;
  friend Machine;

  // Of the machine: what came before is done first, so that the answer is up to date.
  void Place(const PduSlot& pdu, Placement& placement) {
    Drain(queue_);
    PlacePdu(pdu, placement);
  }

  void Open() override;
  void SetFraming(const Framing& framing) override { machine_.SetFraming(framing); }
  void Proceed() override { machine_.Proceed(); }
  void CloseTransport() override;
  void FinishTransport() override;
  std::unique_ptr<fabric::Stream> ReleaseStream() override { return std::move(stream_); }
  bool has_unread_bytes() const override { return source_.has_read_ahead(); }
  bool has_begun_pdu() const override {
    return source_.has_read_ahead() || machine_.state() != RxState::kBhs;
  }

  void Run() override;
  void DiscardInput();
  void Pump();

  std::unique_ptr<fabric::Stream> stream_;
  BlockPool::Handle slots_;
  TcpSource source_;
  PduQueue queue_;
  Machine machine_;
  StreamSender sender_;
  bool finishing_ = false;
  bool write_ended_ = false;
};

}  // namespace pushpull::target

#endif  // TARGET_SESSION_TCP_CONNECTION_H_
