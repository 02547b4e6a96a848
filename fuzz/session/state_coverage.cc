#include "fuzz/session/state_coverage.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"

namespace pushpull::fuzz {
namespace {

constexpr uint32_t kReserved = 0xffffffff;
constexpr size_t kTagOffset = 16;

uint32_t TagOf(base::Bytes header) {
  return header.size() < kTagOffset + 4 ? kReserved : base::LoadBe32(header.data() + kTagOffset);
}

std::string NameOf(const v1::Pdu& pdu) {
  const auto* const field = v1::Pdu::descriptor()->FindFieldByNumber(pdu.kind_case());
  return field == nullptr ? "unknown" : field->name();
}

// What a request asks for, as far as it makes another state.
std::string RequestOf(const v1::Pdu& pdu) {
  std::string name = NameOf(pdu);
  if (pdu.immediate()) absl::StrAppend(&name, " I");
  if (pdu.has_task_management_request()) {
    absl::StrAppend(&name, " ", pdu.task_management_request().function());
  } else if (pdu.has_scsi_command()) {
    const v1::ScsiCommand& command = pdu.scsi_command();
    absl::StrAppend(&name, command.read() ? " R" : "", command.write() ? " W" : "");
  } else if (pdu.has_logout_request()) {
    absl::StrAppend(&name, " ", pdu.logout_request().reason());
  } else if (pdu.has_login_request()) {
    absl::StrAppend(&name, " ", pdu.login_request().current_stage());
  }
  return name;
}

std::string OutcomeOf(const v1::Pdu& pdu) {
  std::string name = NameOf(pdu);
  if (pdu.has_login_response()) {
    const v1::LoginResponse& response = pdu.login_response();
    absl::StrAppend(&name, " ", response.status_class(), ".", response.status_detail(),
                    response.transit() ? " T" : "");
  } else if (pdu.has_reject()) {
    absl::StrAppend(&name, " ", pdu.reject().reason());
  } else if (pdu.has_scsi_response()) {
    absl::StrAppend(&name, " ", pdu.scsi_response().response(), " ", pdu.scsi_response().status());
    if (pdu.data().has_sense()) {
      absl::StrAppend(&name, " ", pdu.data().sense().sense_key(), " ",
                      pdu.data().sense().additional_sense_code());
    }
  } else if (pdu.has_task_management_response()) {
    absl::StrAppend(&name, " ", pdu.task_management_response().response());
  } else if (pdu.has_logout_response()) {
    absl::StrAppend(&name, " ", pdu.logout_response().response());
  } else if (pdu.has_async_message()) {
    absl::StrAppend(&name, " ", pdu.async_message().async_event());
  }
  return name;
}

// FNV-1a: the same on every machine.
size_t HashOf(const std::string& text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return static_cast<size_t>(hash ^ (hash >> 32));
}

}  // namespace

void StateCoverage::OnPdu(const initiator_sim::TapPdu& tapped) {
  Connection& connection = connections_[tapped.connection->id];
  const v1::Pdu& pdu = tapped.decoded->pdu;
  if (tapped.direction == initiator_sim::Direction::kToTarget) {
    connection.last = RequestOf(pdu);
    connection.by_tag[TagOf(tapped.bytes)] = connection.last;
    return;
  }
  const uint32_t tag =
      pdu.has_reject() ? TagOf(base::AsBytes(pdu.data().raw())) : TagOf(tapped.bytes);
  const auto request = connection.by_tag.find(tag);
  Reach(connection, request == connection.by_tag.end() ? "nothing" : request->second,
        OutcomeOf(pdu));
  const v1::LoginResponse& login = pdu.login_response();
  if (login.transit() && login.next_stage() == v1::FULL_FEATURE_PHASE) {
    connection.full_feature = true;
  }
}

void StateCoverage::OnClosed(const initiator_sim::TapConnection& connection, absl::Time,
                             bool by_peer, const std::string&) {
  const auto it = connections_.find(connection.id);
  if (it == connections_.end()) return;
  if (by_peer) Reach(it->second, it->second.last, "closed");
  connections_.erase(it);
}

void StateCoverage::Reach(const Connection& connection, const std::string& request,
                          const std::string& outcome) {
  std::string state = absl::StrCat(connection.full_feature ? "full feature: " : "login: ", request,
                                   " -> ", outcome);
  uint8_t& counter = counters_[HashOf(state) % counters_.size()];
  if (counter < std::numeric_limits<uint8_t>::max()) ++counter;
  states_.insert(std::move(state));
}

}  // namespace pushpull::fuzz
