// A stream of an initiator that a proxy stands in.

#ifndef TOOLS_FAULTS_FAULT_STREAM_H_
#define TOOLS_FAULTS_FAULT_STREAM_H_

#include <memory>
#include <vector>

#include "fabric/handler.h"
#include "fabric/loop.h"
#include "fabric/stream.h"
#include "tools/faults/meddler.h"

namespace pushpull::faults {

class FaultStream final : public fabric::Stream {
 public:
  // `planting` and `loop` outlive it.
  FaultStream(std::unique_ptr<fabric::Stream> inner, fabric::Loop* loop, Planting* planting);

  fabric::IoResult TryRead(std::span<const iovec> buffers) override;
  fabric::IoResult TryWrite(std::span<const iovec> buffers) override;
  void SetHandlers(fabric::Task readable, fabric::Task writable) override;
  void ShutdownWrite() override;
  void Close() override;
  void Abort() override;
  fabric::Address local() const override { return inner_->local(); }
  fabric::Address peer() const override { return inner_->peer(); }

 private:
  // Reads what is there and passes it. False: nothing is there now.
  bool Fill();
  void Pump();
  void Stop();
  void FlushRequests();

  const std::unique_ptr<fabric::Stream> inner_;
  Meddler meddler_;
  fabric::Timer read_timer_;  // what is kept back goes on
  fabric::Timer write_timer_;
  fabric::Handler<fabric::Task> readable_;
  fabric::Handler<fabric::Task> writable_;
  std::vector<uint8_t> read_buffer_;
  std::vector<uint8_t> in_;   // passed, not yet read
  std::vector<uint8_t> out_;  // passed, not yet written
  std::optional<fabric::IoResult> ended_;
  int write_error_ = 0;
  bool shutdown_due_ = false;
};

// A network whose connections go through a proxy.
class FaultNetwork final : public fabric::Network {
 public:
  // Both outlive it and its streams.
  FaultNetwork(fabric::Network* inner, Planting* planting) : inner_(inner), planting_(planting) {}

  absl::StatusOr<std::unique_ptr<fabric::Listener>> Listen(fabric::Loop* loop,
                                                           const fabric::Address& address,
                                                           AcceptHandler accept) override;
  void Connect(fabric::Loop* loop, const fabric::Address& address, ConnectHandler done) override;
  // Of streams that it didn't make.
  void Move(std::unique_ptr<fabric::Stream> stream, fabric::Loop* to,
            absl::AnyInvocable<void(std::unique_ptr<fabric::Stream>)> done) override;

 private:
  fabric::Network* const inner_;
  Planting* const planting_;
};

}  // namespace pushpull::faults

#endif  // TOOLS_FAULTS_FAULT_STREAM_H_
