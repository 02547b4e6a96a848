#include "conformance/runner/left_watch.h"

#include <algorithm>

#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/scsi.h"

namespace pushpull::conformance {
namespace {

using initiator_sim::Direction;
using initiator_sim::TapPdu;

// In the Basic Header Segment of a SCSI Command (RFC 7143 §11.3).
constexpr size_t kLunAt = 8;
constexpr size_t kCdbAt = 32;
constexpr size_t kCdbBytes = 16;

constexpr uint8_t kServiceAction = 0x1f;
constexpr uint8_t kSetTargetPortGroups = 0x0a;

void TakeKey(const initiator_sim::ParsedKeys& parsed, const char* name, std::string* value) {
  const std::string* const found = initiator_sim::FindKey(parsed.keys, name);
  if (found != nullptr) *value = *found;
}

}  // namespace

std::optional<Left> LeftBy(base::Bytes cdb) {
  if (cdb.size() < 2) return std::nullopt;
  switch (cdb[0]) {
    case 0x5f:
      return Left::kRegistrations;
    case 0x16:
    case 0x56:
      return Left::kUnitReservation;
    case 0x15:
    case 0x55:
      return Left::kModePages;
    case 0x1e:
      return Left::kPrevention;
    case 0x1b:
      return Left::kStopped;
    case 0xa4:  // MAINTENANCE OUT
      if ((cdb[1] & kServiceAction) == kSetTargetPortGroups) return Left::kPortGroups;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

void LeftWatch::OnPdu(const TapPdu& tapped) {
  const v1::Pdu& pdu = tapped.decoded->pdu;
  if (pdu.has_login_request()) return OnLoginRequest(tapped);
  if (pdu.has_login_response()) return OnLoginResponse(tapped);
  const auto login = logins_.find(tapped.connection->id);
  if (login == logins_.end() || !login->second.index.has_value()) return;
  Port& port = ports_[*login->second.index];
  if (pdu.has_logout_response()) {
    if (pdu.logout_response().response() == v1::CLOSED) port.open = false;
  } else if (pdu.has_scsi_command()) {
    OnCommand(tapped, &port);
  } else if (pdu.has_scsi_response() && pdu.scsi_response().status() != v1::GOOD) {
    const auto set =
        setting_.find({tapped.connection->id, pdu.scsi_response().initiator_task_tag()});
    if (set != setting_.end()) port.deeds[Left::kPortGroups].erase(set->second);
    if (port.deeds[Left::kPortGroups].empty()) port.deeds.erase(Left::kPortGroups);
  }
}

void LeftWatch::OnCommand(const TapPdu& tapped, Port* port) {
  if (tapped.bytes.size() < kCdbAt + kCdbBytes) return;
  const std::optional<Left> left = LeftBy(tapped.bytes.subspan(kCdbAt, kCdbBytes));
  const auto lun = initiator_sim::DecodeLun(base::LoadBe64(&tapped.bytes[kLunAt]));
  if (!left.has_value() || !lun.has_value()) return;
  port->deeds[*left].insert(*lun);
  if (*left != Left::kPortGroups) return;
  const uint32_t tag = tapped.decoded->pdu.scsi_command().initiator_task_tag();
  setting_[{tapped.connection->id, tag}] = *lun;
}

void LeftWatch::OnLoginRequest(const TapPdu& tapped) {
  const v1::Pdu& pdu = tapped.decoded->pdu;
  Login& login = logins_[tapped.connection->id];
  login.port.isid = pdu.login_request().isid();
  const std::string text = initiator_sim::DataBytes(pdu.data()).value_or("");
  const initiator_sim::ParsedKeys parsed = initiator_sim::ParseKeys(text);
  TakeKey(parsed, "InitiatorName", &login.port.name);
  std::string type;
  TakeKey(parsed, "SessionType", &type);
  login.discovery = login.discovery || type == "Discovery";
}

void LeftWatch::OnLoginResponse(const TapPdu& tapped) {
  const v1::LoginResponse& response = tapped.decoded->pdu.login_response();
  Login& login = logins_[tapped.connection->id];
  const bool let_in = response.status_class() == 0 && response.transit() &&
                      response.next_stage() == v1::FULL_FEATURE_PHASE;
  if (!let_in || login.discovery || login.port.isid.size() != 6) return;
  auto at = std::find_if(ports_.begin(), ports_.end(),
                         [&login](const Port& known) { return known.port == login.port; });
  if (at == ports_.end()) at = ports_.insert(at, Port{.port = login.port, .deeds = {}});
  at->open = true;
  login.index = static_cast<size_t>(at - ports_.begin());
}

LeftWatch::Deeds LeftWatch::deeds() const {
  Deeds all;
  for (const Port& port : ports_) {
    for (const auto& [left, luns] : port.deeds) all[left].insert(luns.begin(), luns.end());
  }
  return all;
}

}  // namespace pushpull::conformance
