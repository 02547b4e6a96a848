#include "initiator_sim/session/session.h"

#include <algorithm>

#include "base/serial.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/figure.h"

namespace pushpull::initiator_sim {
namespace {

// All kinds of responses name these fields alike.
template <typename Message>
ResponseNumbers NumbersOfKind(const Message& message, bool takes_stat_sn) {
  ResponseNumbers numbers;
  if (takes_stat_sn && message.has_stat_sn()) numbers.stat_sn = message.stat_sn();
  if (message.has_exp_cmd_sn()) numbers.exp_cmd_sn = message.exp_cmd_sn();
  if (message.has_max_cmd_sn()) numbers.max_cmd_sn = message.max_cmd_sn();
  return numbers;
}

}  // namespace

uint32_t Session::AllocateTag() {
  if (next_tag == kReservedTag) next_tag = 1;
  return next_tag++;
}

bool Session::MaySend(uint32_t sn) const { return base::SerialLessOrEqual(sn, max_cmd_sn); }

void Session::UpdateWindow(uint32_t exp, uint32_t max) {
  if (base::SerialLess(max, exp - 1)) return;
  if (!window_known) {
    window_known = true;
    exp_cmd_sn = exp;
    max_cmd_sn = max;
    return;
  }
  exp_cmd_sn = base::SerialMax(exp_cmd_sn, exp);
  max_cmd_sn = base::SerialMax(max_cmd_sn, max);
}

ResponseNumbers NumbersOf(const v1::Pdu& pdu) {
  switch (pdu.kind_case()) {
    case v1::Pdu::kNopIn:
      return NumbersOfKind(pdu.nop_in(), pdu.nop_in().initiator_task_tag() != kReservedTag);
    case v1::Pdu::kScsiResponse:
      return NumbersOfKind(pdu.scsi_response(), true);
    case v1::Pdu::kTaskManagementResponse:
      return NumbersOfKind(pdu.task_management_response(), true);
    case v1::Pdu::kLoginResponse:
      if (pdu.login_response().status_class() != 0) return {};
      return NumbersOfKind(pdu.login_response(), true);
    case v1::Pdu::kTextResponse:
      return NumbersOfKind(pdu.text_response(), true);
    case v1::Pdu::kDataIn:
      return NumbersOfKind(pdu.data_in(), pdu.data_in().status_present());
    case v1::Pdu::kLogoutResponse:
      return NumbersOfKind(pdu.logout_response(), true);
    case v1::Pdu::kR2T:
      return NumbersOfKind(pdu.r2t(), false);
    case v1::Pdu::kAsyncMessage:
      return NumbersOfKind(pdu.async_message(), true);
    case v1::Pdu::kReject:
      return NumbersOfKind(pdu.reject(), true);
    default:
      return {};
  }
}

bool MayComeAtAnyTime(const v1::Pdu& pdu) {
  constexpr int kFirstVendorEvent = 248;
  if (pdu.has_nop_in()) return pdu.nop_in().initiator_task_tag() == kReservedTag;
  return pdu.has_async_message() && pdu.async_message().async_event() >= kFirstVendorEvent;
}

void Absorb(const v1::Pdu& pdu, Session* session, ConnectionState* connection) {
  const ResponseNumbers numbers = NumbersOf(pdu);
  if (numbers.exp_cmd_sn && numbers.max_cmd_sn) {
    session->UpdateWindow(*numbers.exp_cmd_sn, *numbers.max_cmd_sn);
  }
  if (!numbers.stat_sn) return;
  const uint32_t next = *numbers.stat_sn + 1;
  // A lower one is sent again (SNACK); one that skips some leaves a hole, which is the monitor's
  // to judge.
  if (!connection->stat_sn_known || base::SerialLess(connection->exp_stat_sn, next)) {
    connection->exp_stat_sn = next;
  }
  connection->stat_sn_known = true;
}

std::string TextOf(const v1::Pdu& pdu) {
  switch (pdu.kind_case()) {
    case v1::Pdu::kLoginRequest:
    case v1::Pdu::kLoginResponse:
    case v1::Pdu::kTextRequest:
    case v1::Pdu::kTextResponse:
      break;
    default:
      return "";
  }
  if (!pdu.has_data()) return "";
  return DataBytes(pdu.data()).value_or("");
}

void NoteLoginRequest(const v1::Pdu& pdu, ConnectionState* connection) {
  const v1::LoginRequest& request = pdu.login_request();
  if (connection->phase == LoginPhase::kNotBegun) {
    connection->phase = LoginPhase::kNegotiating;
    connection->stage = request.current_stage();
    connection->login_tag = request.initiator_task_tag();
  }
  connection->negotiation.Sent(TextOf(pdu), request.text_continue());
}

// The most that each side takes in a data segment of the Full Feature Phase.
static void TakeSegmentLimits(bool iser, ConnectionState* connection) {
  const Negotiation& negotiation = connection->negotiation;
  Parameters own;
  Parameters peer;
  const auto take = [](const std::string* declared, Parameters* parameters) {
    if (declared != nullptr) parameters->Set("MaxRecvDataSegmentLength", *declared);
  };
  if (iser) {
    // MaxRecvDataSegmentLength is ignored (RFC 7145 §6.2).
    const std::optional<std::string> to_initiator =
        negotiation.Outcome("InitiatorRecvDataSegmentLength");
    const std::optional<std::string> to_target = negotiation.Outcome("TargetRecvDataSegmentLength");
    take(to_initiator ? &*to_initiator : nullptr, &own);
    take(to_target ? &*to_target : nullptr, &peer);
  } else {
    take(negotiation.Offered("MaxRecvDataSegmentLength"), &own);
    take(negotiation.OfferedByPeer("MaxRecvDataSegmentLength"), &peer);
  }
  connection->own_max_recv_data_segment_length = own.NumberOr("MaxRecvDataSegmentLength", 8192);
  connection->peer_max_recv_data_segment_length = peer.NumberOr("MaxRecvDataSegmentLength", 8192);
}

bool AbsorbLoginResponse(const v1::Pdu& pdu, Session* session, ConnectionState* connection) {
  const v1::LoginResponse& response = pdu.login_response();
  Negotiation& negotiation = connection->negotiation;
  negotiation.Received(TextOf(pdu), response.text_continue());
  if (connection->phase != LoginPhase::kNegotiating || response.status_class() != 0) return false;
  if (!response.transit()) return false;
  connection->stage = response.next_stage();
  if (response.next_stage() != v1::FULL_FEATURE_PHASE) return false;

  connection->phase = LoginPhase::kFullFeature;
  session->tsih = static_cast<uint16_t>(response.tsih());
  if (const std::string* type = negotiation.Offered("SessionType"); type != nullptr) {
    session->discovery = *type == "Discovery";
  }
  negotiation.Apply(&session->parameters);
  connection->digests.header_digest = negotiation.Outcome("HeaderDigest") == "CRC32C";
  connection->digests.data_digest = negotiation.Outcome("DataDigest") == "CRC32C";
  if (connection->rdma && negotiation.Outcome("RDMAExtensions") == "Yes") session->iser = true;
  TakeSegmentLimits(connection->rdma && session->iser, connection);
  return true;
}

UnsolicitedDue UnsolicitedOf(const Parameters& parameters, uint32_t peer_max_data_segment,
                             uint32_t expected_data_transfer_length) {
  const uint32_t first_burst =
      std::min(parameters.NumberOr("FirstBurstLength", 65536), expected_data_transfer_length);
  UnsolicitedDue due;
  if (parameters.Yes("ImmediateData")) due.immediate = std::min(first_burst, peer_max_data_segment);
  if (!parameters.Yes("InitialR2T")) due.unsolicited = first_burst - due.immediate;
  return due;
}

}  // namespace pushpull::initiator_sim
