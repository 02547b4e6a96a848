#include "target/iser/connection.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "target/session/session.h"

namespace pushpull::target {
namespace {

// Requests in the send queue at one time.
constexpr uint32_t kFlights = 64;
// Pieces of memory that one operation moves, where the device takes so many.
constexpr uint32_t kSegments = 16;
// Data of one RDMA Write out of a buffer: no more, and other tasks have their turn.
constexpr uint32_t kWriteBytes = 64 << 10;
constexpr uint32_t kMaxAhs = kIserTraits.default_max_ahs_bytes;
constexpr size_t kSlotBytes =
    kIserHeaderBytes + kBhsBytes + kMaxAhs + IserConnection::kMaxDataSegment;
constexpr size_t kSendBytes = kIserHeaderBytes + kBhsBytes + IserConnection::kMaxDataSegment;
// Receives for unsolicited Data-Out. What they hold is kept in them until its command is done, as
// long as so many are free as one command may need; then it's copied out of them.
constexpr uint32_t kUnsolicitedSlots = 64;
constexpr uint32_t kFreeSlots = 32;

// Immediate PDUs (RFC 7145 §8.1.1.3) beyond the one that every connection takes, and the one of
// task management, as none of all need be that.
uint32_t FurtherImmediates(const Node& node) {
  return std::max(node.options().limits.max_outstanding_unexpected_pdus, 1u) - 1;
}

// All receives in one account: the window's, and what its pledge keeps out of that.
uint32_t Slots(const Node& node) {
  return node.options().queue_depth + SessionWindow::kKeptForImmediates +
         SessionWindow::kKeptForReception + FurtherImmediates(node) + kUnsolicitedSlots;
}

}  // namespace

fabric::RdmaQueueOptions IserConnection::QueueOptions(const Node& node) {
  return {.max_sends = kFlights,
          .max_receives = Slots(node),
          .max_send_segments = kSegments,
          .max_receive_segments = 1,
          .fewer_segments = true};
}

SessionWindow::Pledge IserConnection::pledge() const {
  return {.slots = Slots(node()),
          .unsolicited_data_slots = kUnsolicitedSlots,
          .further_immediate_slots = FurtherImmediates(node())};
}

bool IserConnection::may_hold_slot() const { return source_.slots_posted() > kFreeSlots; }

absl::StatusOr<std::unique_ptr<Connection>> IserConnection::Create(
    Worker* worker, std::unique_ptr<fabric::RdmaConnection> rdma, IserConnectionOptions options) {
  const auto make = [&](size_t bytes) -> absl::StatusOr<std::shared_ptr<Registered>> {
    auto made = std::make_shared<Registered>();
    made->bytes.resize(bytes);
    auto memory = rdma->domain()->Register(made->bytes, fabric::RdmaRights::kLocal);
    if (!memory.ok()) return memory.status();
    made->memory = *std::move(memory);
    return made;
  };
  auto receives = make(Slots(worker->node()) * kSlotBytes);
  if (!receives.ok()) return receives.status();
  auto sends = make(kFlights * kSendBytes);
  if (!sends.ok()) return sends.status();
  return std::unique_ptr<Connection>(
      new IserConnection(worker, std::move(rdma), std::move(options), *receives, *sends));
}

IserConnection::IserConnection(Worker* worker, std::unique_ptr<fabric::RdmaConnection> rdma,
                               IserConnectionOptions options, std::shared_ptr<Registered> receives,
                               std::shared_ptr<Registered> sends)
    : Connection(worker, rdma->local()),
      readings_(ReadingsOf(options.dialect)),
      peer_(options.peer),
      damaged_(std::move(options.damaged)),
      store_memory_(std::move(options.store_memory)),
      receives_(std::move(receives)),
      sends_(std::move(sends)),
      flights_(kFlights),
      rdma_(std::move(rdma)),
      source_(SourceOptions()),
      queue_(kQueueCapacity, worker->node().bugs()),
      machine_(&source_, this, &queue_) {
  for (uint32_t i = kFlights; i-- > 0;) idle_flights_.push_back(i);
  machine_.SetBugs(worker->node().bugs());
}

IserConnection::~IserConnection() {
  rdma_.reset();
  AbandonTransfers();
}

PushSourceOptions IserConnection::SourceOptions() {
  return {.slots = Slots(worker().node()),
          .slot_bytes = kSlotBytes,
          .bugs = worker().node().bugs(),
          .memory = receives_->bytes,
          .keep_alive = receives_,
          .repost = [this](uint32_t slot) { PostReceive(slot); }};
}

// ---- setup --------------------------------------------------------------------------------------

void IserConnection::Open() {
  const uint32_t slots = Has(Bug::kIserFewReceives) ? 2 : source_.slots();
  for (uint32_t slot = 0; slot < slots && !closed(); ++slot) PostReceive(slot);
  if (closed()) return;
  // Whether keys will be invalidated; never a base of zero.
  const auto private_data =
      BuildIserPrivateData({.present = true, .send_with_invalidate = peer_.send_with_invalidate});
  rdma_->Establish({.private_data = private_data, .responder_resources = 1}, this);
}

void IserConnection::OnEstablished(const fabric::RdmaPeer& peer) {
  ord_ = peer.initiator_depth;
  established_ = true;
  Run();
}

void IserConnection::OnRefused(const fabric::RdmaRefusal& /*refusal*/) { Close(); }

// RFC 7145 §10.1.3.3: the session hears of the end like of any other connection's.
void IserConnection::OnDisconnected(fabric::RdmaEnd /*end*/) {
  if (Has(Bug::kIserLostMoveRefusesNext) && damaged_ != nullptr) {
    const bool moves = std::ranges::any_of(
        flights_, [](const Flight& flight) { return flight.transfer != nullptr; });
    if (moves || !reads_.empty() || !writes_.empty()) *damaged_ = true;
  }
  OnReceiveEnd();
}

void IserConnection::FinishTransport() {
  finishing_ = true;
  RunSoon();
}

std::unique_ptr<fabric::Stream> IserConnection::ReleaseStream() {
  CHECK(false) << "a queue pair has no stream";
  return nullptr;
}

void IserConnection::SetFraming(const Framing& framing) {
  Framing own = framing;
  if (Has(Bug::kIserAhsLimitSmall)) own.max_ahs_bytes = 64;
  if (Has(Bug::kIserSegmentCut)) own.max_recv_data_segment_length = kMaxDataSegment;
  machine_.SetFraming(own);
}

NegotiationLimits IserConnection::Limits() const {
  NegotiationLimits limits = Connection::Limits();
  limits.max_recv_data_segment_length =
      std::min(limits.max_recv_data_segment_length, kMaxDataSegment);
  limits.initiator_recv_data_segment_length =
      std::min(limits.initiator_recv_data_segment_length, kMaxDataSegment);
  limits.max_ahs_length = kMaxAhs;
  if (Has(Bug::kIserOneUnexpectedDeclared)) limits.max_outstanding_unexpected_pdus = 1;
  return limits;
}

ConnectionParameters IserConnection::InForce(const ConnectionParameters& negotiated) const {
  ConnectionParameters parameters = negotiated;
  uint32_t& limit = parameters.initiator_max_recv_data_segment_length;
  limit = std::min(limit, kMaxDataSegment);
  if (Has(Bug::kIserSegmentLimitIgnored)) limit = kMaxDataSegment;
  // A Discovery session's texts go into the buffers of its login.
  if (session() != nullptr && !session()->is_discovery()) {
    limit = MaxDataSegmentToSend(readings_, limit, peer_);
  }
  return parameters;
}

uint32_t IserConnection::max_data_in_bytes() const {
  if (Has(Bug::kIserDataInPdus)) return parameters().initiator_max_recv_data_segment_length;
  // Where the device takes fewer pieces: with one less, for the first may begin anywhere.
  const uint32_t segments = rdma_->limits().max_send_segments;
  if (segments >= kSegments) return kWriteBytes;
  return std::max(segments, 2u) * BufferPool::kSmallBytes - BufferPool::kSmallBytes;
}

// ---- turns --------------------------------------------------------------------------------------

void IserConnection::OnCompletions(std::span<const fabric::RdmaCompletion> completions) {
  const auto alive = life();
  for (const fabric::RdmaCompletion& completion : completions) {
    if (closed()) return;
    // The first failure ends the queue pair: OnDisconnected() follows.
    if (completion.status != fabric::RdmaStatus::kSuccess) {
      if (completion.status == fabric::RdmaStatus::kRemoteAccess &&
          Has(Bug::kIserAccessErrorEndsAll)) {
        loop()->Post([life = worker().life()] {
          if (*life != nullptr) (*life)->EndAllSessions("a defect");
        });
      }
      continue;
    }
    if (completion.op == fabric::RdmaOp::kReceive) {
      OnMessage(static_cast<uint32_t>(completion.id), completion.byte_len);
    } else {
      OnSent(static_cast<uint32_t>(completion.id));
    }
    if (*alive == nullptr) return;
  }
  Run();
}

void IserConnection::Run() {
  if (running_ || closed()) return;
  running_ = true;
  if (!finishing_) ReceiveTurn(machine_, queue_);
  if (!closed()) Pump();
  running_ = false;
}

// ---- sending ------------------------------------------------------------------------------------

// One operation of each kind in turn: neither data nor PDUs can keep the others waiting.
void IserConnection::Pump() {
  while (established_ && !closed()) {
    const bool moves = PostTransfers();
    if (closed() || idle_flights_.empty()) return;
    // RFC 7145 §5.1.3: the reply to the Hello comes first.
    if (login_answered_ && !full_feature_began_ && HelloIs(HelloVerdict::kDue)) return;
    OutPdu pdu;
    if (tx().Next(pdu)) {
      SendPdu(std::move(pdu));
      continue;
    }
    if (moves) continue;
    OnSendIdle();
    if (!tx().empty()) continue;
    if (!late_.empty() && late_.front()->task->state == TaskState::kDone) {
      writes_.swap(late_);
      continue;
    }
    // What was sent has arrived when it is complete.
    if (finishing_ && idle_flights_.size() == flights_.size()) rdma_->Disconnect();
    return;
  }
}

void IserConnection::SendPdu(OutPdu pdu) {
  const BhsView bhs(pdu.bhs);
  if (bhs.opcode() == Opcode::kDataIn && !Has(Bug::kIserDataInPdus)) {
    return WriteData(std::move(pdu));
  }
  if (bhs.opcode() == Opcode::kLoginResponse && session() != nullptr) login_answered_ = true;
  SendControl(std::move(pdu));
}

void IserConnection::SendControl(OutPdu pdu) {
  const bool with_header = BhsView(pdu.bhs).opcode() == Opcode::kLoginResponse
                               ? login_header_.value_or(true) ||
                                     (session() != nullptr && Has(Bug::kIserFinalResponseFormat))
                               : !Has(Bug::kIserHeaderMissing);
  IserControl control;
  if (Has(Bug::kIserHeaderNamesKey) && pdu.invalidate_key.has_value()) {
    control.read = IserBuffer{.stag = *pdu.invalidate_key, .base_offset = 0};
  }
  const IserHeaderBytes header = BuildIserHeader(control);
  const bool invalidate = pdu.invalidate_key.has_value();
  PostMessage(Flight{.pdu = std::move(pdu)}, with_header ? base::Bytes(header) : base::Bytes(),
              invalidate);
}

// A Send of the header and, where it has one, the flight's PDU. They are few bytes, and copied.
void IserConnection::PostMessage(Flight flight, base::Bytes header, bool invalidate) {
  CHECK(!idle_flights_.empty());
  const size_t begin = idle_flights_.back() * kSendBytes;
  uint8_t* const first = sends_->bytes.data() + begin;
  uint8_t* to = std::copy(header.begin(), header.end(), first);
  const bool only_header = flight.pdu.bhs == Bhs{};
  if (!only_header) {
    to = std::copy(flight.pdu.bhs.begin(), flight.pdu.bhs.end(), to);
    CHECK_LE(flight.pdu.data_bytes(), size_t{kMaxDataSegment});
    for (const base::Bytes piece : flight.pdu.data) to = std::copy(piece.begin(), piece.end(), to);
  }
  const fabric::RdmaSegment segment =
      sends_->memory->Segment(begin, static_cast<size_t>(to - first));
  fabric::RdmaWork work{.op = fabric::RdmaOp::kSend, .segments = {&segment, 1}};
  if (invalidate) {
    work.op = fabric::RdmaOp::kSendWithInvalidate;
    work.invalidate_key = *flight.pdu.invalidate_key ^ (Has(Bug::kIserInvalidatesOtherKey) ? 1 : 0);
  }
  Post(std::move(flight), work);
}

bool IserConnection::Post(Flight flight, fabric::RdmaWork work) {
  const uint32_t index = idle_flights_.back();
  work.id = index;
  if (!rdma_->PostSend(work).ok()) {
    Fail();
    return false;
  }
  idle_flights_.pop_back();
  flights_[index] = std::move(flight);
  return true;
}

void IserConnection::OnSent(uint32_t index) {
  CHECK_LT(index, flights_.size());
  Flight flight = std::exchange(flights_[index], Flight());
  idle_flights_.push_back(index);
  if (flight.transfer != nullptr) return OnTransferred(flight.transfer, flight.bytes);
  if (flight.pdu.done) flight.pdu.done();
}

// Not within what runs: the caller may be in the midst of its queues.
void IserConnection::Fail() {
  loop()->Post([life = life()] {
    if (*life != nullptr) (*life)->Close();
  });
}

}  // namespace pushpull::target
