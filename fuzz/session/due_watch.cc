#include "fuzz/session/due_watch.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/serial.h"

namespace pushpull::fuzz {
namespace {

constexpr uint32_t kReserved = 0xffffffff;
constexpr absl::Duration kLong = absl::Seconds(50);
constexpr size_t kTagOffset = 16;  // of the Initiator Task Tag in a header

// Initiator Task Tag, and CmdSN of a request or ExpCmdSN of an answer.
struct Fields {
  uint32_t tag = kReserved;
  std::optional<uint32_t> cmd_sn = {};
};

Fields FieldsOf(const v1::Pdu& pdu) {
  const auto request = [](const auto& r) { return Fields{r.initiator_task_tag(), r.cmd_sn()}; };
  const auto answer = [](const auto& a) { return Fields{a.initiator_task_tag(), a.exp_cmd_sn()}; };
  switch (pdu.kind_case()) {
    case v1::Pdu::kScsiCommand:
      return request(pdu.scsi_command());
    case v1::Pdu::kTaskManagementRequest:
      return request(pdu.task_management_request());
    case v1::Pdu::kNopOut:
      return request(pdu.nop_out());
    case v1::Pdu::kTextRequest:
      return request(pdu.text_request());
    case v1::Pdu::kScsiResponse:
      return answer(pdu.scsi_response());
    case v1::Pdu::kTaskManagementResponse:
      return answer(pdu.task_management_response());
    case v1::Pdu::kNopIn:
      return answer(pdu.nop_in());
    case v1::Pdu::kTextResponse:
      return answer(pdu.text_response());
    case v1::Pdu::kDataIn:
      return answer(pdu.data_in());
    case v1::Pdu::kLoginResponse:
      return answer(pdu.login_response());
    case v1::Pdu::kLogoutResponse:
      return answer(pdu.logout_response());
    case v1::Pdu::kR2T:
      return answer(pdu.r2t());
    case v1::Pdu::kAsyncMessage:
      return {kReserved, pdu.async_message().exp_cmd_sn()};
    case v1::Pdu::kReject:
      return {kReserved, pdu.reject().exp_cmd_sn()};
    default:
      return {};
  }
}

const char* NameOf(v1::Pdu::KindCase kind) {
  return v1::Pdu::descriptor()->FindFieldByNumber(kind)->name().c_str();
}

}  // namespace

void DueWatch::OnClosed(const initiator_sim::TapConnection& connection, absl::Time time,
                        bool by_peer, const std::string&) {
  const auto it = connections_.find(connection.id);
  if (it == connections_.end()) return;
  if (!by_peer) Look(it->second, time);
  // Its writes stay open for the sessions that are left.
  for (const auto& [tag, due] : it->second.due) lost_writes_ = lost_writes_ || due.with_data;
  connections_.erase(it);
}

void DueWatch::OnPdu(const initiator_sim::TapPdu& tapped) {
  const initiator_sim::DecodedPdu& decoded = *tapped.decoded;
  Connection& connection = connections_[tapped.connection->id];
  connection.name = tapped.connection->name;
  connection.session = tapped.connection->session;
  if (tapped.misbehaving || !decoded.flaw.empty() || !decoded.header_digest_ok ||
      !decoded.data_digest_ok) {
    connection.unjudged = true;
    return;
  }
  if (tapped.direction == initiator_sim::Direction::kToTarget) {
    OnRequest(&connection, decoded.pdu, tapped.time);
  } else {
    OnAnswer(&connection, tapped);
  }
}

void DueWatch::OnRequest(Connection* connection, const v1::Pdu& pdu, absl::Time time) {
  Due due;
  due.since = time;
  due.kind = pdu.kind_case();
  const Fields fields = FieldsOf(pdu);
  if (!pdu.immediate()) due.cmd_sn = fields.cmd_sn;
  switch (pdu.kind_case()) {
    case v1::Pdu::kScsiCommand:
      due.with_data = pdu.scsi_command().write();
      break;
    case v1::Pdu::kTaskManagementRequest:
      task_management_ = true;
      break;
    case v1::Pdu::kLogoutRequest:
      logout_ = true;
      return;
    case v1::Pdu::kNopOut:
    case v1::Pdu::kTextRequest:
      break;
    default:
      return;
  }
  const uint32_t tag = fields.tag;
  if (tag == kReserved) return;
  // Of old commands nothing is due, but who sends them is beyond what is judged here.
  const auto exp_cmd_sn = exp_cmd_sn_.find(connection->session);
  if (due.cmd_sn.has_value() && exp_cmd_sn != exp_cmd_sn_.end() &&
      base::SerialLess(*due.cmd_sn, exp_cmd_sn->second)) {
    connection->unjudged = true;
  }
  const bool in_use = !connection->due.try_emplace(tag, due).second;
  connection->unjudged = connection->unjudged || in_use;
}

void DueWatch::OnAnswer(Connection* connection, const initiator_sim::TapPdu& tapped) {
  const v1::Pdu& pdu = tapped.decoded->pdu;
  if (pdu.has_login_response()) {
    connection->full_feature =
        connection->full_feature || (pdu.login_response().transit() &&
                                     pdu.login_response().next_stage() == v1::FULL_FEATURE_PHASE);
  }
  const Fields fields = FieldsOf(pdu);
  if (const auto exp_cmd_sn = fields.cmd_sn; exp_cmd_sn.has_value()) {
    uint32_t& newest = exp_cmd_sn_.try_emplace(connection->session, *exp_cmd_sn).first->second;
    if (base::SerialLess(newest, *exp_cmd_sn)) newest = *exp_cmd_sn;
  }
  if (pdu.has_reject()) {
    // The header of what was rejected is its data (RFC 7143 §11.17).
    const std::string& header = pdu.data().raw();
    if (header.size() < kTagOffset + 4) return;
    const auto* const bytes = reinterpret_cast<const uint8_t*>(header.data());
    const auto rejected = connection->due.find(base::LoadBe32(bytes + kTagOffset));
    if (rejected == connection->due.end()) return;
    // Of a write it may be the command, or one Data-Out of it.
    lost_writes_ = lost_writes_ || rejected->second.with_data;
    connection->due.erase(rejected);
    return;
  }
  const bool ends = pdu.has_scsi_response() || pdu.has_nop_in() || pdu.has_text_response() ||
                    pdu.has_task_management_response() || pdu.data_in().status_present();
  if (ends) connection->due.erase(fields.tag);
}

void DueWatch::Look(const Connection& connection, absl::Time time) {
  if (logout_ || !connection.full_feature || connection.unjudged) return;
  const bool open_writes =
      lost_writes_ || std::any_of(connections_.begin(), connections_.end(), [](const auto& one) {
        const auto& all = one.second.due;
        return std::any_of(all.begin(), all.end(),
                           [](const auto& d) { return d.second.with_data; });
      });
  for (const auto& [tag, due] : connection.due) {
    if (due.with_data || time - due.since < kLong) continue;
    if (task_management_ && due.kind == v1::Pdu::kScsiCommand) continue;
    if (open_writes && due.kind == v1::Pdu::kTaskManagementRequest) continue;
    if (open_writes && memory_is_short_ && due.kind == v1::Pdu::kScsiCommand) continue;
    if (due.cmd_sn.has_value()) {
      const auto exp_cmd_sn = exp_cmd_sn_.find(connection.session);
      if (exp_cmd_sn == exp_cmd_sn_.end()) continue;
      if (!base::SerialLess(*due.cmd_sn, exp_cmd_sn->second)) continue;
    }
    missing_.push_back(absl::StrCat("connection ", connection.name, ": the ", NameOf(due.kind),
                                    " with Initiator Task Tag ", tag,
                                    " was taken and never answered"));
  }
}

}  // namespace pushpull::fuzz
