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
  const auto header = ParseIserHeader(buffer.first(size));
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

// What a defect takes the message for; how long it is then.
size_t IserConnection::MisreadMessage(base::MutableBytes buffer, size_t size) const {
  const uint8_t opcode = size == 0 ? 0 : buffer[0] >> 4;
  if (size >= kIserHeaderBytes + kBhsBytes && opcode != 1 && opcode != 2 && opcode != 3 &&
      Has(Bug::kIserOpcodeUnchecked)) {
    buffer[0] = 0x10;
  }
  if (opcode == 1 && (buffer[0] & 0x03) != 0 && Has(Bug::kIserReservedBitsChecked)) buffer[0] = 0;
  if (opcode == 2 && size > kIserHeaderBytes && Has(Bug::kIserHelloLengthUnchecked)) {
    return kIserHeaderBytes;
  }
  if (opcode == 2 && size >= 2 && Has(Bug::kIserHelloVersionUnchecked)) {
    buffer[1] = kIserVersion << 4 | kIserVersion;
  }
  if (opcode != 1 || size < kIserHeaderBytes + kBhsBytes) return size;
  const BhsView bhs(buffer.data() + kIserHeaderBytes);
  const size_t claimed = kIserHeaderBytes + kBhsBytes + bhs.ahs_bytes() + bhs.data_segment_length();
  if (claimed > buffer.size()) return size;
  const bool lies = size < claimed ? Has(Bug::kIserShortMessageAccepted)
                                   : size > claimed && Has(Bug::kIserLongMessageAccepted);
  return lies ? claimed : size;
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
  if (arriving.task && pdu.bhs().opcode() == Opcode::kScsiCommand) {
    Advertise(*arriving.task, control, pdu.bhs());
  }
}

// Bug::kIserFlagsIgnored: what the command needs is taken as valid.
IserControl IserConnection::MisreadControl(IserControl control, base::Bytes header,
                                           BhsView bhs) const {
  if (bhs.opcode() != Opcode::kScsiCommand) return control;
  const ScsiCommand command = ScsiCommand::Decode(bhs);
  if (command.write && !control.write) {
    control.write = IserBuffer{base::LoadBe32(&header[4]), base::LoadBe64(&header[8])};
  }
  if (command.read && !control.read) {
    control.read = IserBuffer{base::LoadBe32(&header[16]), base::LoadBe64(&header[20])};
  }
  return control;
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
  if (!peer_.send_with_invalidate && !Has(Bug::kIserInvalidatesUnasked)) {
    task.invalidate_key.reset();
  }
}

}  // namespace pushpull::target
