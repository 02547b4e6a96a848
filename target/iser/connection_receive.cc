// What an iSER connection receives: messages, their headers, and what these advertise.

#include <algorithm>
#include <cstring>
#include <utility>
#include <variant>

#include "base/check.h"
#include "target/iser/connection.h"
#include "target/pdu/request.h"
#include "target/session/session.h"

namespace pushpull::target {
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
    return Break(slot, {Reason::kShortMessage, "RFC 7145 §10.1.3.3", Action::kCloseConnection});
  }
  const bool in_login = session() == nullptr;
  if (in_login && !ShiftLogin(buffer, size)) {
    return Break(slot, {Reason::kDataSegmentTooLong, "RFC 7143 §6.3", Action::kCloseConnection});
  }
  if (node().bugs().any()) size = MisreadMessage(buffer, size);
  const auto header = Has(Bug::kShortSendRead) ? ParseOverread(buffer.first(size))
                                               : ParseIserHeader(buffer.first(size));
  if (!header.ok()) return Break(slot, header.error());
  if (std::holds_alternative<IserHelloReply>(*header)) {
    return Break(slot, {Reason::kWrongDirection, "RFC 7145 §9.4", Action::kCloseConnection});
  }
  if (const auto* hello = std::get_if<IserHello>(&*header)) {
    if (in_login || full_feature_began_ || HelloIs(HelloVerdict::kError)) {
      if (Has(Bug::kIserUnaskedHelloIgnored)) return PostReceive(slot);
      return Break(
          slot, {Reason::kTransportHeader, "RFC 7145 §5.1.3, §10.1.3.4", Action::kCloseConnection});
    }
    return OnHello(slot, *hello);
  }
  if (!in_login && !std::exchange(full_feature_began_, true) && HelloIs(HelloVerdict::kDue) &&
      !Has(Bug::kIserHelloMissedAccepted)) {
    return Break(slot, {Reason::kTransportHeader, "RFC 7145 §10.1.3.4", Action::kCloseConnection});
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
  if (session() == nullptr) return false;
  const SessionParameters& parameters = session()->parameters();
  const std::optional<bool> required = parameters.iser_hello_negotiated
                                           ? std::optional(parameters.iser_hello_required)
                                           : std::nullopt;
  return JudgeHello(readings_, required) == verdict;
}

void IserConnection::OnHello(uint32_t slot, const IserHello& hello) {
  full_feature_began_ = true;
  PostReceive(slot);
  IserHelloReply reply =
      AnswerHello(hello, readings_.min_hello_version, readings_.max_hello_version, ord_);
  // RFC 7145 §5.1.3.
  ord_ = reply.ord;
  if (Has(Bug::kIserHelloOrdAboveIrd)) reply.ord = static_cast<uint16_t>(hello.ird + 1);
  if (Has(Bug::kIserHelloReplyVersion)) reply.current_version = kIserVersion - 1;
  if (Has(Bug::kIserHelloUnanswered)) return;
  if (Has(Bug::kIserOldHelloRefused) && !session()->parameters().iser_hello_negotiated) {
    reply.reject = true;
  }
  if (idle_flights_.empty()) return Fail();
  PostMessage(Flight(), BuildIserHeader(reply), /*invalidate=*/false);
  // RFC 7145 §10.1.3.2.
  if (reply.reject) Finish();
}

// What came before is done first.
void IserConnection::Break(uint32_t slot, const ProtocolError& error) {
  if (Has(Bug::kIserFormatErrorIgnored) && session() != nullptr) return PostReceive(slot);
  Run();
  if (!closing()) OnReceiveError(error);
}

void IserConnection::Place(const PduSlot& pdu, Placement& placement) {
  Drain(queue_);
  if (session() == nullptr || closing()) return PlacePdu(pdu, placement);
  const auto header = ParseIserHeader(pdu.message_header());
  const auto* parsed = header.ok() ? std::get_if<IserControl>(&*header) : nullptr;
  CHECK(parsed != nullptr) << "OnMessage() let it through";
  const IserControl control = Has(Bug::kIserFlagsIgnored)
                                  ? MisreadControl(*parsed, pdu.message_header(), pdu.bhs())
                                  : *parsed;
  const auto checked =
      CheckIserControl(control, pdu.bhs(), session()->parameters().first_burst_length);
  if (!checked.ok()) {
    arriving = {};
    return placement.Refuse(checked.error());
  }
  PlacePdu(pdu, placement);
  if (placement.error() && placement.error()->ends_connection() &&
      Has(Bug::kIserFormatErrorRejected)) {
    return placement.Refuse(
        {placement.error()->reason, placement.error()->section, Action::kReject});
  }
  if (arriving.task && pdu.bhs().opcode() == Opcode::kScsiCommand) {
    Advertise(*arriving.task, control, pdu.bhs());
  }
}

void IserConnection::Advertise(IscsiTask& task, const IserControl& control, BhsView bhs) {
  task.remote_in = task.remote_out = {};
  task.invalidate_key.reset();
  if (control.write) {
    uint64_t address = control.write->base_offset;
    const SessionParameters& parameters = session()->parameters();
    const bool declared =
        parameters.tagged_buffer_for_solicited_data_only != Has(Bug::kIserTaggedBufferSwapped);
    if (WriteBaseIsSolicited(readings_, declared, peer_)) {
      address -= UnsolicitedBytes(bhs, parameters.first_burst_length);
    }
    task.remote_out = {true, control.write->stag, address};
    task.invalidate_key = control.write->stag;
  }
  if (control.read) {
    task.remote_in = {true, control.read->stag, control.read->base_offset};
    task.invalidate_key = control.read->stag;
  }
  if (!peer_.present && Has(Bug::kIserZeroBased)) {
    task.remote_out.address = task.remote_in.address = 0;
  }
  if (!peer_.send_with_invalidate && !Has(Bug::kIserInvalidatesUnasked)) {
    task.invalidate_key.reset();
  }
}

}  // namespace pushpull::target
