// A connection over a queue pair (RFC 7145): receive machine and sender on one
// fabric::RdmaConnection. Each Send that comes is a push into a slot of the machine's source; what
// goes out as Data-In over TCP is an RDMA Write here, what R2T would ask for an RDMA Read.

#ifndef TARGET_ISER_CONNECTION_H_
#define TARGET_ISER_CONNECTION_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "fabric/rdma/rdma.h"
#include "target/iser/dialect.h"
#include "target/iser/header.h"
#include "target/iser/private_data.h"
#include "target/rx/pdu_machine.h"
#include "target/rx/pdu_queue.h"
#include "target/rx/push_source.h"
#include "target/session/connection.h"

namespace pushpull::target {

class IserConnection final : public Connection, private fabric::RdmaHandler {
 public:
  // The data segment of a control-type PDU, in either direction and also in the Login Phase: what
  // its buffers hold (RFC 7145 §6.4, §6.5).
  static constexpr uint32_t kMaxDataSegment = 8192;

  // What the connection's queue pair must have.
  static fabric::RdmaQueueOptions QueueOptions(const Node& node);

  // `rdma` isn't established yet; `peer`: the private data of its request. Fails where memory can't
  // be registered.
  static absl::StatusOr<std::unique_ptr<Connection>> Create(
      Worker* worker, std::unique_ptr<fabric::RdmaConnection> rdma, const IserPrivateData& peer,
      IserDialect dialect);

  ~IserConnection() override;

  const TransportTraits& traits() const override { return kIserTraits; }
  void GetData(IscsiTask* task, const WriteFlow::Request& request) override;
  uint32_t max_data_in_bytes() const override;

 private:
  using Machine = PduMachine<PushSource, IserConnection>;
  friend Machine;

  // Bytes that belong to the connection and its device.
  struct Registered {
    std::vector<uint8_t> bytes;
    std::unique_ptr<fabric::RdmaMemory> memory;
  };
  // What an R2T would have asked for. Read in one or more operations.
  struct Read {
    TaskRef task;
    WriteFlow::Request request;
    uint32_t posted = 0;  // bytes
    uint32_t done = 0;
  };
  // One request in the send queue. Memory is deregistered before what keeps it is given back.
  struct Flight {
    OutPdu pdu = {};
    std::shared_ptr<Read> read = nullptr;
    uint32_t bytes = 0;
    std::vector<std::unique_ptr<fabric::RdmaMemory>> memory = {};
  };

  IserConnection(Worker* worker, std::unique_ptr<fabric::RdmaConnection> rdma,
                 const IserPrivateData& peer, IserDialect dialect,
                 std::shared_ptr<Registered> receives, std::shared_ptr<Registered> sends);
  PushSourceOptions SourceOptions();

  // ---- of the connection ----
  void Open() override;
  void SetFraming(const Framing& framing) override { machine_.SetFraming(framing); }
  void Proceed() override { machine_.Proceed(); }
  void CloseTransport() override { rdma_->Disconnect(); }
  void FinishTransport() override;
  std::unique_ptr<fabric::Stream> ReleaseStream() override;
  bool has_unread_bytes() const override { return false; }
  NegotiationLimits Limits() const override;
  ConnectionParameters InForce(const ConnectionParameters& negotiated) const override;
  bool can_move() const override { return false; }

  // ---- of the queue pair ----
  void OnEstablished(const fabric::RdmaPeer& peer) override;
  void OnRefused(const fabric::RdmaRefusal& refusal) override;
  void OnCompletions(std::span<const fabric::RdmaCompletion> completions) override;
  void OnDisconnected(fabric::RdmaEnd end) override;

  // ---- receiving (connection_receive.cc) ----
  // Of the machine: what came before is done first, so that the answer is up to date.
  void Place(const PduSlot& pdu, Placement& placement);
  void OnMessage(uint32_t slot, uint32_t byte_len);
  bool ShiftLogin(base::MutableBytes buffer, size_t& size);
  void OnHello(uint32_t slot, const IserHello& hello);
  void Advertise(IscsiTask& task, const IserControl& control, BhsView bhs);
  bool HelloIs(HelloVerdict verdict);
  void PostReceive(uint32_t slot);
  void Break(const ProtocolError& error);
  void Run();
  void RunSoon();
  void Receive();
  void Drain();

  // ---- sending ----
  void Pump();
  void SendPdu(OutPdu pdu);
  void SendControl(OutPdu pdu);
  void PostMessage(Flight flight, base::Bytes header, bool invalidate);
  void WriteData(OutPdu pdu);
  void PostReads();
  void PostRead(const std::shared_ptr<Read>& read);
  bool Post(Flight flight, fabric::RdmaWork work);
  bool AddSegment(base::Bytes piece, Flight& flight, std::vector<fabric::RdmaSegment>& segments);
  void OnSent(uint32_t flight);
  void Fail();

  const IserReadings& readings_;
  const IserPrivateData peer_;

  const std::shared_ptr<Registered> receives_;
  const std::shared_ptr<Registered> sends_;  // one part for each flight
  std::vector<Flight> flights_;
  std::vector<uint32_t> idle_flights_;
  std::deque<std::shared_ptr<Read>> reads_;  // not wholly posted
  std::unique_ptr<fabric::RdmaConnection> rdma_;

  PushSource source_;
  PduQueue queue_;
  Machine machine_;
  uint16_t ord_ = 0;
  bool established_ = false;
  bool running_ = false;
  bool run_posted_ = false;
  bool finishing_ = false;
  std::optional<bool> login_header_;       // once the first message came
  bool full_feature_began_ = false;        // its first message came
  bool login_answered_ = false;            // the Login Response that ends the login is posted
  std::shared_ptr<IserConnection*> life_;  // null inside once this is destroyed
};

}  // namespace pushpull::target

#endif  // TARGET_ISER_CONNECTION_H_
