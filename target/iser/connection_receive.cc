// What an iSER connection receives: messages, their headers, and what these advertise.

#include <algorithm>
#include <cstring>
#include <utility>
#include <variant>

#include "base/check.h"
#include "target/iser/connection.h"
#include "target/session/session.h"

namespace pushpull::target {
namespace {

// Messages in one turn, before the loop's other connections have theirs.
constexpr size_t kPdusInATurn = 32;

}  // namespace

void IserConnection::PostReceive(uint32_t slot) {
  if (closed()) return;
  const base::MutableBytes buffer = source_.Buffer(slot);
  const size_t begin = static_cast<size_t>(buffer.data() - receives_->bytes.data());
  const fabric::RdmaSegment segment = receives_->memory->Segment(begin, buffer.size());
  // Refused, the connection has ended, and says so.
  rdma_->PostReceive({.id = slot, .segments = {&segment, 1}}).IgnoreError();
}

void IserConnection::OnMessage(uint32_t slot, uint32_t byte_len) {
  if (closing()) return;  // nothing is listened to any more
  const base::MutableBytes buffer = source_.Buffer(slot);
  size_t size = byte_len;
  if (size > buffer.size()) {
    return Break({Reason::kShortMessage, "RFC 7145 §10.1.3.3", Action::kCloseConnection});
  }
  const bool in_login = session() == nullptr;
  if (in_login && !ShiftLogin(buffer, size)) {
    return Break({Reason::kDataSegmentTooLong, "RFC 7143 §6.3", Action::kCloseConnection});
  }
  const auto header = ParseIserHeader(buffer.first(size));
  if (!header.ok()) return Break(header.error());
  if (std::holds_alternative<IserHelloReply>(*header)) {
    return Break({Reason::kWrongDirection, "RFC 7145 §9.4", Action::kCloseConnection});
  }
  if (const auto* hello = std::get_if<IserHello>(&*header)) {
    if (in_login || full_feature_began_ || HelloIs(HelloVerdict::kError)) {
      return Break(
          {Reason::kTransportHeader, "RFC 7145 §5.1.3, §10.1.3.4", Action::kCloseConnection});
    }
    return OnHello(slot, *hello);
  }
  if (!in_login && !std::exchange(full_feature_began_, true) && HelloIs(HelloVerdict::kDue)) {
    return Break({Reason::kTransportHeader, "RFC 7145 §10.1.3.4", Action::kCloseConnection});
  }
  source_.Deliver(slot, size);
}

// Makes a login's message look like all others, where it came without a header.
bool IserConnection::ShiftLogin(base::MutableBytes buffer, size_t& size) {
  if (!login_header_) login_header_ = HasLoginHeader(readings_, size > 0 ? buffer[0] : 0);
  if (*login_header_) return true;
  if (size + kIserHeaderBytes > buffer.size()) return false;
  std::memmove(buffer.data() + kIserHeaderBytes, buffer.data(), size);
  std::ranges::copy(BuildIserHeader(IserControl{}), buffer.begin());
  size += kIserHeaderBytes;
  return true;
}

bool IserConnection::HelloIs(HelloVerdict verdict) {
  return session() != nullptr &&
         JudgeHello(readings_, session()->parameters().iser_hello_required) == verdict;
}

void IserConnection::OnHello(uint32_t slot, const IserHello& hello) {
  full_feature_began_ = true;
  PostReceive(slot);
  const IserHelloReply reply =
      AnswerHello(hello, readings_.min_hello_version, readings_.max_hello_version, ord_);
  if (idle_flights_.empty()) return Fail();
  PostMessage(Flight(), BuildIserHeader(reply), /*invalidate=*/false);
  // RFC 7145 §10.1.3.2.
  if (reply.reject) Finish();
}

// What came before is done first.
void IserConnection::Break(const ProtocolError& error) {
  Run();
  if (!closing()) OnReceiveError(error);
}

void IserConnection::Place(const PduSlot& pdu, Placement& placement) {
  Drain();
  if (session() == nullptr || closing()) return PlacePdu(pdu, placement);
  const auto header = ParseIserHeader(pdu.message_header());
  const auto* control = header.ok() ? std::get_if<IserControl>(&*header) : nullptr;
  CHECK(control != nullptr) << "OnMessage() let it through";
  const auto checked =
      CheckIserControl(*control, pdu.bhs(), session()->parameters().first_burst_length);
  if (!checked.ok()) {
    arriving = {};
    return placement.Refuse(checked.error());
  }
  PlacePdu(pdu, placement);
  if (arriving.task && pdu.bhs().opcode() == Opcode::kScsiCommand) {
    Advertise(*arriving.task, *control, pdu.bhs());
  }
}

void IserConnection::Advertise(IscsiTask& task, const IserControl& control, BhsView bhs) {
  task.remote_in = task.remote_out = {};
  task.invalidate_key.reset();
  if (control.write) {
    uint64_t address = control.write->base_offset;
    const SessionParameters& parameters = session()->parameters();
    if (WriteBaseIsSolicited(readings_, parameters.tagged_buffer_for_solicited_data_only, peer_)) {
      address -= UnsolicitedBytes(bhs, parameters.first_burst_length);
    }
    task.remote_out = {true, control.write->stag, address};
    task.invalidate_key = control.write->stag;
  }
  if (control.read) {
    task.remote_in = {true, control.read->stag, control.read->base_offset};
    task.invalidate_key = control.read->stag;
  }
  if (!peer_.send_with_invalidate) task.invalidate_key.reset();
}

void IserConnection::Receive() {
  while (!closing()) {
    // A peer that doesn't take what it asks for is not listened to.
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

void IserConnection::Drain() {
  while (!queue_.empty()) OnPdu(queue_.Pop());
}

}  // namespace pushpull::target
