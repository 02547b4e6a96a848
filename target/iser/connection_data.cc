// How an iSER connection moves the data of tasks: RDMA Reads and Writes, in turn, the Reads never
// more than the initiator serves (RFC 7145 §7.3.5, §7.3.6, §8.2).

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "target/iser/connection.h"
#include "target/pdu/response.h"
#include "target/session/scsi_commands.h"
#include "target/session/session.h"

namespace pushpull::target {
namespace {

// Data of one operation in place: no more, and other tasks have their turn.
constexpr uint32_t kOperationBytes = 64 << 10;

IscsiTask* TaskOf(Task* task) { return reinterpret_cast<IscsiTask*>(task->order); }

}  // namespace

DataMover* IserConnection::MoverFor(IscsiTask* task, uint32_t bytes) {
  const bool in = task->scsi.direction == DataDirection::kIn;
  const bool reachable = in ? task->remote_in.valid : task->remote_out.valid && ord_ > 0;
  if (closing() || !reachable || Has(Bug::kIserDataInPdus)) return nullptr;
  const Task::Medium& medium = task->scsi.medium;
  if (!store_memory_->Prepare(rdma_->domain(), *medium.store, medium.offset, bytes)) return nullptr;
  return this;
}

// RFC 7145 §7.3.6.
void IserConnection::GetData(IscsiTask* task, const WriteFlow::Request& request) {
  if (Has(Bug::kIserOrdZeroWaits) && ord_ == 0) return;
  if (!task->remote_out.valid || ord_ == 0) {
    // Less came unsolicited than was announced, and there is nowhere to read the rest; or the
    // initiator serves no reads, but needs them (§5.1.1).
    return loop()->Post([life = life()] {
      if (*life == nullptr || (*life)->closing()) return;
      static_cast<IserConnection*>(*life)->OnReceiveError(
          {Reason::kTransportHeader, "RFC 7145 §9.2, §5.1.1", Action::kCloseConnection});
    });
  }
  Queue(std::make_shared<Transfer>(Transfer{.kind = Transfer::Kind::kStagedRead,
                                            .task = TaskRef(task),
                                            .offset = request.offset,
                                            .length = request.length,
                                            .request = request}));
}

// The pieces of the I/O that lie in the store's memory are the end of the command's data.
void IserConnection::Move(Task* scsi) {
  const bool in = scsi->direction == DataDirection::kIn;
  uint64_t offset = 0;
  uint64_t length = 0;
  for (const iovec& piece : scsi->work.io.buffers) {
    const uint8_t* const place = scsi->medium.all.data() + scsi->medium.offset + offset + length;
    if (piece.iov_base == place) {
      length += piece.iov_len;
    } else {
      CHECK_EQ(length, 0u) << "data in place has other data behind it";
      offset += piece.iov_len;
    }
  }
  auto transfer = std::make_shared<Transfer>(
      Transfer{.kind = in ? Transfer::Kind::kWriteInPlace : Transfer::Kind::kReadInPlace,
               .task = TaskRef(TaskOf(scsi)),
               .offset = static_cast<uint32_t>(offset),
               .length = static_cast<uint32_t>(length)});
  if (closed()) return EndTransfer(transfer, false);
  // The last whole block may have been all unsolicited, and what was left less than a block.
  if (length == 0) return EndTransfer(transfer, true);
  if (!in && Has(Bug::kIserUnsolicitedReadAgain)) {
    transfer->length += std::exchange(transfer->offset, 0);
  }
  if (!in && reads_in_flight_ >= ord_ && Has(Bug::kIserReadsNotQueued)) {
    return EndTransfer(transfer, false);
  }
  if (in && Has(Bug::kIserResponseBeforeData)) {
    late_.push_back(transfer);
    return EndTransfer(transfer, true);
  }
  Queue(std::move(transfer));
}

void IserConnection::Queue(TransferRef transfer) {
  (transfer->writes() ? writes_ : reads_).push_back(std::move(transfer));
  if (!running_) RunSoon();
}

void IserConnection::CancelMove(Task* scsi) {
  const IscsiTask* const task = TaskOf(scsi);
  for (std::deque<TransferRef>* const transfers : {&reads_, &writes_}) {
    const auto found = std::ranges::find_if(*transfers, [task](const TransferRef& transfer) {
      return transfer->task.get() == task && transfer->in_place();
    });
    if (found == transfers->end()) continue;
    const TransferRef transfer = *found;
    transfers->erase(found);
    transfer->length = transfer->posted;
    if (transfer->done == transfer->posted) EndTransfer(transfer, false);
  }
}

// One operation of each direction; false: there was none to be posted.
bool IserConnection::PostTransfers() {
  const bool write = PostOneOf(writes_);
  const bool read = reads_in_flight_ < ord_ && PostOneOf(reads_);
  return write || read;
}

bool IserConnection::PostOneOf(std::deque<TransferRef>& transfers) {
  while (!transfers.empty() && !closed()) {
    if (idle_flights_.empty()) return false;
    const TransferRef transfer = std::move(transfers.front());
    transfers.pop_front();
    const bool over = !transfer->in_place() && (transfer->task->session == nullptr ||
                                                transfer->task->state == TaskState::kDone);
    if (over) continue;
    if (!PostTransfer(transfer)) return false;
    if (transfer->posted < transfer->length) transfers.push_back(transfer);
    return true;
  }
  return false;
}

size_t IserConnection::max_segments(bool of_write) const {
  const size_t most = rdma_->limits().max_send_segments;
  return of_write ? most : std::min<size_t>(most, rdma_->domain()->limits().max_read_segments);
}

// As much of it as one operation takes.
bool IserConnection::PostTransfer(const TransferRef& transfer) {
  IscsiTask& task = *transfer->task;
  const uint32_t offset = transfer->offset + transfer->posted;
  uint32_t bytes = std::min(transfer->length - transfer->posted, kOperationBytes);
  RdmaSegments segments;
  const size_t most = max_segments(transfer->writes());
  if (transfer->in_place()) {
    const Task::Medium& medium = task.scsi.medium;
    bytes = static_cast<uint32_t>(store_memory_->AddSegments(
        *rdma_->domain(), medium.all, medium.offset + offset, bytes, most, segments));
  } else {
    const auto added =
        AddBufferSegments(rdma_->domain().get(), task.buffer, offset, bytes, most, segments);
    if (!added.ok()) {
      Fail();
      return false;
    }
    bytes = static_cast<uint32_t>(*added);
  }
  transfer->posted += bytes;
  const bool write = transfer->writes();
  const RemoteMemory& remote = write ? task.remote_in : task.remote_out;
  const bool last = transfer->posted == transfer->length;
  if (!write) ++reads_in_flight_;
  return PostData(Flight{.transfer = transfer, .bytes = bytes},
                  {.write = write, .last = last, .offset = offset, .remote = remote},
                  std::move(segments));
}

bool IserConnection::PostData(Flight flight, const Operation& operation, RdmaSegments segments) {
  uint64_t address = operation.remote.address + operation.offset;
  uint32_t key = operation.remote.key;
  if (node().bugs().any()) Misbehave(operation, segments, address, key);
  return Post(std::move(flight),
              {.op = operation.write ? fabric::RdmaOp::kWrite : fabric::RdmaOp::kRead,
               .segments = segments,
               .remote_address = address,
               .remote_key = key});
}

void IserConnection::Misbehave(const Operation& operation, RdmaSegments& segments,
                               uint64_t& address, uint32_t& key) {
  const bool write = operation.write;
  if (Has(write ? Bug::kIserWriteOffsetIgnored : Bug::kIserReadOffsetIgnored)) {
    address = operation.remote.address;
  }
  if (write && Has(Bug::kIserWriteMisplaced)) address += 8;
  if (operation.last && Has(write ? Bug::kIserWriteShort : Bug::kIserReadShort)) {
    segments.back().length -= std::min(segments.back().length, 4u);
  }
  if (operation.last && write && Has(Bug::kIserWriteBeyond) &&
      segments.size() < max_segments(/*of_write=*/true)) {
    fabric::RdmaSegment more = segments.front();
    more.length = std::min(more.length, 8u);
    segments.push_back(more);
  }
  if (Has(Bug::kIserFormerKeyUsed) && former_key_ != 0) key = former_key_;
  if (operation.last) former_key_ = operation.remote.key;
}

// RFC 7145 §7.3.5. Of a buffer: its SCSI Response can't overtake what is posted before it.
void IserConnection::WriteData(OutPdu pdu) {
  const auto bytes = static_cast<uint32_t>(pdu.data_bytes());
  if (bytes == 0) {
    if (pdu.done) pdu.done();
    return;
  }
  auto& task = static_cast<IscsiTask&>(*pdu.producer);
  RdmaSegments segments;
  const auto added = AddBufferSegments(rdma_->domain().get(), task.buffer, pdu.data_offset, bytes,
                                       max_segments(/*of_write=*/true), segments);
  if (!added.ok()) return Fail();
  CHECK_EQ(*added, bytes);
  worker().counters().Add(Count::kBytesStaged, bytes);
  const Operation operation{.write = true,
                            .last = DataIn::Decode(BhsView(pdu.bhs)).final,
                            .offset = DataIn::Decode(BhsView(pdu.bhs)).buffer_offset,
                            .remote = task.remote_in};
  PostData(Flight{.pdu = std::move(pdu)}, operation, std::move(segments));
}

void IserConnection::OnTransferred(const TransferRef& transfer, uint32_t bytes) {
  if (!transfer->writes()) --reads_in_flight_;
  transfer->done += bytes;
  worker().counters().Add(transfer->in_place() ? Count::kBytesInPlace : Count::kBytesStaged, bytes);
  if (transfer->done == transfer->length) EndTransfer(transfer, true);
}

// Tells who waits for it; later, as the caller may be in the midst of something.
void IserConnection::EndTransfer(const TransferRef& transfer, bool moved) {
  if (std::exchange(transfer->told, true)) return;
  if (!transfer->in_place()) {
    ScsiCommands::OnDataRead(transfer->task.get(), transfer->request);
    return;
  }
  const absl::Status status = moved ? absl::OkStatus() : absl::UnavailableError("not moved");
  loop()->Post([device = &node().device(), task = transfer->task, status] {
    if (task->scsi.in_task_set()) device->OnMoved(&task->scsi, status);
  });
}

// Nothing of them is under way any more.
void IserConnection::AbandonTransfers() {
  for (const std::deque<TransferRef>* transfers : {&reads_, &writes_}) {
    for (const TransferRef& transfer : *transfers) {
      if (transfer->in_place()) EndTransfer(transfer, false);
    }
  }
  for (const Flight& flight : flights_) {
    if (flight.transfer != nullptr && flight.transfer->in_place())
      EndTransfer(flight.transfer, false);
  }
}

}  // namespace pushpull::target
