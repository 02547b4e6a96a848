#include "target/iser/connection.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "base/check.h"
#include "target/session/scsi_commands.h"
#include "target/session/session.h"

namespace pushpull::target {
namespace {

constexpr size_t kQueueCapacity = 8;
// Requests in the send queue at one time.
constexpr uint32_t kFlights = 64;
// Pieces of a task's buffer that one RDMA operation moves.
constexpr uint32_t kSegments = 16;
// Data of one RDMA Write: no more pieces than that, and other tasks have their turn.
constexpr uint32_t kWriteBytes = 64 << 10;
constexpr uint32_t kMaxAhs = kIserTraits.default_max_ahs_bytes;
constexpr size_t kSlotBytes =
    kIserHeaderBytes + kBhsBytes + kMaxAhs + IserConnection::kMaxDataSegment;
constexpr size_t kSendBytes = kIserHeaderBytes + kBhsBytes + IserConnection::kMaxDataSegment;
// Receives beyond the window's: unsolicited Data-Out and unexpected PDUs, which are done with at
// once, and requests whose answer is being sent.
constexpr uint32_t kSpareSlots = 64;

uint32_t Slots(const Node& node) {
  return node.options().queue_depth + SessionWindow::kKeptForImmediates +
         SessionWindow::kKeptForReception + kSpareSlots;
}

}  // namespace

fabric::RdmaQueueOptions IserConnection::QueueOptions(const Node& node) {
  return {.max_sends = kFlights,
          .max_receives = Slots(node),
          .max_send_segments = kSegments,
          .max_receive_segments = 1};
}

absl::StatusOr<std::unique_ptr<Connection>> IserConnection::Create(
    Worker* worker, std::unique_ptr<fabric::RdmaConnection> rdma, const IserPrivateData& peer,
    IserDialect dialect) {
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
      new IserConnection(worker, std::move(rdma), peer, dialect, *receives, *sends));
}

IserConnection::IserConnection(Worker* worker, std::unique_ptr<fabric::RdmaConnection> rdma,
                               const IserPrivateData& peer, IserDialect dialect,
                               std::shared_ptr<Registered> receives,
                               std::shared_ptr<Registered> sends)
    : Connection(worker, rdma->local()),
      readings_(ReadingsOf(dialect)),
      peer_(peer),
      receives_(std::move(receives)),
      sends_(std::move(sends)),
      flights_(kFlights),
      rdma_(std::move(rdma)),
      source_(SourceOptions()),
      queue_(kQueueCapacity, worker->node().bugs()),
      machine_(&source_, this, &queue_),
      life_(std::make_shared<IserConnection*>(this)) {
  for (uint32_t i = kFlights; i-- > 0;) idle_flights_.push_back(i);
  machine_.SetBugs(worker->node().bugs());
  tx().set_on_space([this] { RunSoon(); });
  tx().set_on_work([this] {
    if (!running_) RunSoon();
  });
}

IserConnection::~IserConnection() { *life_ = nullptr; }

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
  for (uint32_t slot = 0; slot < source_.slots() && !closed(); ++slot) PostReceive(slot);
  if (closed()) return;
  // Its answer to the peer's flags: whether keys will be invalidated; never a base of zero.
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
void IserConnection::OnDisconnected(fabric::RdmaEnd /*end*/) { OnReceiveEnd(); }

void IserConnection::FinishTransport() {
  finishing_ = true;
  RunSoon();
}

std::unique_ptr<fabric::Stream> IserConnection::ReleaseStream() {
  CHECK(false) << "a queue pair stays on its loop";
  return nullptr;
}

NegotiationLimits IserConnection::Limits() const {
  NegotiationLimits limits = Connection::Limits();
  limits.max_recv_data_segment_length =
      std::min(limits.max_recv_data_segment_length, kMaxDataSegment);
  limits.initiator_recv_data_segment_length =
      std::min(limits.initiator_recv_data_segment_length, kMaxDataSegment);
  limits.max_ahs_length = kMaxAhs;
  return limits;
}

ConnectionParameters IserConnection::InForce(const ConnectionParameters& negotiated) const {
  ConnectionParameters parameters = negotiated;
  uint32_t& limit = parameters.initiator_max_recv_data_segment_length;
  limit = std::min(limit, kMaxDataSegment);
  // A Discovery session's texts go into the buffers of its login.
  if (session() != nullptr && !session()->is_discovery()) {
    limit = MaxDataSegmentToSend(readings_, limit, peer_);
  }
  return parameters;
}

uint32_t IserConnection::max_data_in_bytes() const { return kWriteBytes; }

// ---- turns --------------------------------------------------------------------------------------

void IserConnection::OnCompletions(std::span<const fabric::RdmaCompletion> completions) {
  const auto life = life_;
  for (const fabric::RdmaCompletion& completion : completions) {
    if (closed()) return;
    // The first failure ends the queue pair: OnDisconnected() follows.
    if (completion.status != fabric::RdmaStatus::kSuccess) continue;
    if (completion.op == fabric::RdmaOp::kReceive) {
      OnMessage(static_cast<uint32_t>(completion.id), completion.byte_len);
    } else {
      OnSent(static_cast<uint32_t>(completion.id));
    }
    if (*life == nullptr) return;
  }
  Run();
}

void IserConnection::RunSoon() {
  if (std::exchange(run_posted_, true)) return;
  loop()->Post([life = life_] {
    if (*life == nullptr) return;
    (*life)->run_posted_ = false;
    (*life)->Run();
  });
}

void IserConnection::Run() {
  if (running_ || closed()) return;
  running_ = true;
  if (!finishing_) Receive();
  if (!closed()) Pump();
  running_ = false;
}

// ---- sending ------------------------------------------------------------------------------------

void IserConnection::Pump() {
  while (established_ && !closed()) {
    PostReads();
    if (closed() || idle_flights_.empty()) return;
    // RFC 7145 §5.1.3: the reply to the Hello comes first.
    if (login_answered_ && !full_feature_began_ && HelloIs(HelloVerdict::kDue)) return;
    OutPdu pdu;
    if (tx().Next(pdu)) {
      SendPdu(std::move(pdu));
      continue;
    }
    OnSendIdle();
    if (!tx().empty()) continue;
    // What was sent has arrived when it is complete.
    if (finishing_ && idle_flights_.size() == flights_.size()) rdma_->Disconnect();
    return;
  }
}

void IserConnection::SendPdu(OutPdu pdu) {
  const BhsView bhs(pdu.bhs);
  if (bhs.opcode() == Opcode::kDataIn) return WriteData(std::move(pdu));
  if (bhs.opcode() == Opcode::kLoginResponse && session() != nullptr) login_answered_ = true;
  SendControl(std::move(pdu));
}

void IserConnection::SendControl(OutPdu pdu) {
  const bool with_header =
      BhsView(pdu.bhs).opcode() != Opcode::kLoginResponse || login_header_.value_or(true);
  const IserHeaderBytes header = BuildIserHeader(IserControl{});
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
    work.invalidate_key = *flight.pdu.invalidate_key;
  }
  Post(std::move(flight), work);
}

// RFC 7145 §7.3.5. The bytes go out of the task's buffer; its SCSI Response can't overtake them.
void IserConnection::WriteData(OutPdu pdu) {
  if (pdu.data.empty()) {
    if (pdu.done) pdu.done();
    return;
  }
  Flight flight{.pdu = std::move(pdu)};
  std::vector<fabric::RdmaSegment> segments;
  for (const base::Bytes piece : flight.pdu.data) {
    if (!AddSegment(piece, flight, segments)) return;
  }
  const RemoteMemory remote = flight.pdu.remote;
  Post(std::move(flight), {.op = fabric::RdmaOp::kWrite,
                           .segments = segments,
                           .remote_address = remote.address,
                           .remote_key = remote.key});
}

// RFC 7145 §7.3.6.
void IserConnection::GetData(IscsiTask* task, const WriteFlow::Request& request) {
  if (!task->remote_out.valid || ord_ == 0) {
    // Less came unsolicited than was announced, and there is nowhere to read the rest; or the
    // initiator serves no reads, but needs them (§5.1.1).
    return loop()->Post([life = life_] {
      if (*life == nullptr || (*life)->closing()) return;
      (*life)->OnReceiveError(
          {Reason::kTransportHeader, "RFC 7145 §9.2, §5.1.1", Action::kCloseConnection});
    });
  }
  reads_.push_back(std::make_shared<Read>(Read{.task = TaskRef(task), .request = request}));
  if (!running_) RunSoon();
}

void IserConnection::PostReads() {
  while (!reads_.empty() && !closed()) {
    const std::shared_ptr<Read> read = reads_.front();
    const bool over = read->task->session == nullptr || read->task->state == TaskState::kDone;
    if (over || read->posted == read->request.length) {
      reads_.pop_front();
      continue;
    }
    if (idle_flights_.empty()) return;
    PostRead(read);
  }
}

// As much of it as one operation takes.
void IserConnection::PostRead(const std::shared_ptr<Read>& read) {
  Flight flight{.read = read};
  std::vector<fabric::RdmaSegment> segments;
  std::vector<base::Bytes> pieces;
  const uint32_t offset = read->request.offset + read->posted;
  read->task->buffer.Visit(offset, read->request.length - read->posted,
                           [&](base::MutableBytes piece) {
                             if (pieces.size() < kSegments) pieces.push_back(piece);
                           });
  for (const base::Bytes piece : pieces) {
    if (!AddSegment(piece, flight, segments)) return;
    flight.bytes += static_cast<uint32_t>(piece.size());
  }
  read->posted += flight.bytes;
  const RemoteMemory& remote = read->task->remote_out;
  Post(std::move(flight), {.op = fabric::RdmaOp::kRead,
                           .segments = segments,
                           .remote_address = remote.address + offset,
                           .remote_key = remote.key});
}

bool IserConnection::AddSegment(base::Bytes piece, Flight& flight,
                                std::vector<fabric::RdmaSegment>& segments) {
  CHECK_LT(segments.size(), size_t{kSegments});
  // The task's own memory: a Write reads it only.
  const base::MutableBytes bytes(const_cast<uint8_t*>(piece.data()), piece.size());
  auto memory = rdma_->domain()->Register(bytes, fabric::RdmaRights::kLocal);
  if (!memory.ok()) {
    Fail();
    return false;
  }
  segments.push_back((*memory)->Segment(0, piece.size()));
  flight.memory.push_back(*std::move(memory));
  return true;
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
  flight.memory.clear();
  if (flight.read != nullptr) {
    Read& read = *flight.read;
    read.done += flight.bytes;
    if (read.done == read.request.length) ScsiCommands::OnDataRead(read.task.get(), read.request);
  } else if (flight.pdu.done) {
    flight.pdu.done();
  }
}

// Not within what runs: the caller may be in the midst of its queues.
void IserConnection::Fail() {
  loop()->Post([life = life_] {
    if (*life != nullptr) (*life)->Close();
  });
}

}  // namespace pushpull::target
