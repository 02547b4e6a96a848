// A connection over a queue pair (RFC 7145): receive machine and sender on one
// fabric::RdmaConnection. Each Send that comes is a push into a slot of the machine's source; what
// goes out as Data-In over TCP is an RDMA Write here, what R2T would ask for an RDMA Read. Both go
// straight to and from the store's memory where that is memory (DataMover).

#ifndef TARGET_ISER_CONNECTION_H_
#define TARGET_ISER_CONNECTION_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "fabric/loop.h"
#include "fabric/rdma/rdma.h"
#include "target/iser/dialect.h"
#include "target/iser/header.h"
#include "target/iser/private_data.h"
#include "target/iser/store_memory.h"
#include "target/rx/pdu_machine.h"
#include "target/rx/pdu_queue.h"
#include "target/rx/push_source.h"
#include "target/session/connection.h"

namespace pushpull::target {

struct IserConnectionOptions {
  IserPrivateData peer;  // of the connection's request
  IserDialect dialect = IserDialect::kPermissive;
  std::shared_ptr<StoreMemory> store_memory;
  // Bug::kIserLostMoveRefusesNext: set by a connection that was lost in the midst of it.
  std::shared_ptr<std::atomic<bool>> damaged = nullptr;
};

class IserConnection final : public Connection, private fabric::RdmaHandler, private DataMover {
 public:
  // The data segment of a control-type PDU, in either direction and also in the Login Phase: what
  // its buffers hold (RFC 7145 §6.4, §6.5).
  static constexpr uint32_t kMaxDataSegment = 8192;

  // What the connection's queue pair must have.
  static fabric::RdmaQueueOptions QueueOptions(const Node& node);

  // `rdma` isn't established yet. Fails where memory can't be registered.
  static absl::StatusOr<std::unique_ptr<Connection>> Create(
      Worker* worker, std::unique_ptr<fabric::RdmaConnection> rdma, IserConnectionOptions options);

  ~IserConnection() override;

  const TransportTraits& traits() const override { return kIserTraits; }
  void GetData(IscsiTask* task, const WriteFlow::Request& request) override;
  uint32_t max_data_in_bytes() const override;
  fabric::Address peer() const override { return rdma_->peer(); }
  SessionWindow::Pledge pledge() const override;
  bool may_hold_slot() const override;
  DataMover* MoverFor(IscsiTask* task, uint32_t bytes) override;

 private:
  using Machine = PduMachine<PushSource, IserConnection>;
  friend Machine;

  // Bytes that belong to the connection and its device.
  struct Registered {
    std::vector<uint8_t> bytes;
    std::unique_ptr<fabric::RdmaMemory> memory;
  };
  // Data of a task that moves in one or more operations.
  struct Transfer {
    enum class Kind : uint8_t {
      kStagedRead,   // what an R2T would have asked for, into the task's buffer
      kReadInPlace,  // RDMA Read into the store's memory
      kWriteInPlace,
    };
    Kind kind;
    TaskRef task;
    uint32_t offset;  // of the command's data
    uint32_t length;
    WriteFlow::Request request = {};  // kStagedRead
    uint32_t posted = 0;              // bytes
    uint32_t done = 0;
    bool told = false;  // who waits for it

    bool in_place() const { return kind != Kind::kStagedRead; }
    bool writes() const { return kind == Kind::kWriteInPlace; }
  };
  using TransferRef = std::shared_ptr<Transfer>;
  // One request in the send queue.
  struct Flight {
    OutPdu pdu = {};
    TransferRef transfer = nullptr;
    uint32_t bytes = 0;  // of `transfer`
  };

  // An RDMA Read or Write.
  struct Operation {
    bool write;
    bool last;        // of its task's data, or of what was asked for
    uint32_t offset;  // of the command's data
    RemoteMemory remote;
  };

  IserConnection(Worker* worker, std::unique_ptr<fabric::RdmaConnection> rdma,
                 IserConnectionOptions options, std::shared_ptr<Registered> receives,
                 std::shared_ptr<Registered> sends);
  PushSourceOptions SourceOptions();
  bool Has(Bug bug) const { return node().Has(bug); }

  // ---- of the connection ----
  void Open() override;
  void SetFraming(const Framing& framing) override;
  void Proceed() override { machine_.Proceed(); }
  void CloseTransport() override { rdma_->Disconnect(); }
  void FinishTransport() override;
  std::unique_ptr<fabric::Stream> ReleaseStream() override;
  bool has_unread_bytes() const override { return false; }
  NegotiationLimits Limits() const override;
  ConnectionParameters InForce(const ConnectionParameters& negotiated) const override;
  bool moves_as_it_is() const override { return true; }
  void MoveTransport(fabric::Loop* loop, absl::AnyInvocable<void()> done) override {
    rdma_->MoveTo(loop, std::move(done));
  }
  void Run() override;

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
  void Break(uint32_t slot, const ProtocolError& error);
  // ---- defects on demand (connection_defects.cc) ----
  // What a defect takes the message for; how long it is then.
  static base::Result<IserHeader, ProtocolError> ParseOverread(base::Bytes message);
  size_t MisreadMessage(base::MutableBytes buffer, size_t size) const;
  size_t MisreadPdu(base::MutableBytes buffer, size_t size) const;
  IserControl MisreadControl(IserControl control, base::Bytes header, BhsView bhs) const;

  // ---- sending ----
  void Pump();
  void SendPdu(OutPdu pdu);
  void SendControl(OutPdu pdu);
  void PostMessage(Flight flight, base::Bytes header, bool invalidate);
  bool Post(Flight flight, fabric::RdmaWork work);
  void OnSent(uint32_t flight);
  void Fail();

  // ---- moving data (connection_data.cc) ----
  void Move(Task* task) override;
  void CancelMove(Task* task) override;
  void WriteData(OutPdu pdu);
  void Queue(TransferRef transfer);
  bool PostOneOf(std::deque<TransferRef>& transfers);
  bool PostTransfers();
  bool PostTransfer(const TransferRef& transfer);
  size_t max_segments(bool of_write) const;  // of an RDMA Write, or of an RDMA Read
  bool PostData(Flight flight, const Operation& operation, RdmaSegments segments);
  void Misbehave(const Operation& operation, RdmaSegments& segments, uint64_t& address,
                 uint32_t& key);
  void OnTransferred(const TransferRef& transfer, uint32_t bytes);
  void EndTransfer(const TransferRef& transfer, bool moved);
  void AbandonTransfers();

  const IserReadings& readings_;
  const IserPrivateData peer_;
  const std::shared_ptr<std::atomic<bool>> damaged_;

  const std::shared_ptr<StoreMemory> store_memory_;
  const std::shared_ptr<Registered> receives_;
  const std::shared_ptr<Registered> sends_;  // one part for each flight
  std::vector<Flight> flights_;
  std::vector<uint32_t> idle_flights_;
  std::deque<TransferRef> reads_;   // not wholly posted
  std::deque<TransferRef> writes_;  // the same
  std::deque<TransferRef> late_;    // Bug::kIserResponseBeforeData
  uint32_t reads_in_flight_ = 0;    // operations
  std::unique_ptr<fabric::RdmaConnection> rdma_;

  PushSource source_;
  PduQueue queue_;
  Machine machine_;
  uint16_t ord_ = 0;
  bool established_ = false;
  bool finishing_ = false;
  std::optional<bool> login_header_;  // once the first message came
  bool full_feature_began_ = false;   // its first message came
  bool login_answered_ = false;       // the Login Response that ends the login is posted
  uint32_t former_key_ = 0;           // Bug::kIserFormerKeyUsed
};

}  // namespace pushpull::target

#endif  // TARGET_ISER_CONNECTION_H_
