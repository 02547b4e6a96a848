#include "fuzz/blackbox/watch.h"

#include "absl/strings/str_cat.h"
#include "pushpull/v1/pdu.pb.h"

namespace pushpull::fuzz {
namespace {

using initiator_sim::Direction;
using initiator_sim::TapConnection;
using initiator_sim::TapPdu;

// Beyond what any right target answers: a PDU may be answered by a few (a SendTargets of many
// names, status of tasks, pings of the target's own), and each of them is no larger than a text.
constexpr uint64_t kPdusForOne = 64;
constexpr uint64_t kPdusForNone = 256;
constexpr uint64_t kBytesForOne = uint64_t{64} << 10;
constexpr uint64_t kBytesForNone = uint64_t{1} << 20;

constexpr uint32_t kClosed = 0xffff;

// What an answer says, in few bits: status, response, reason.
uint32_t SaysOf(const v1::Pdu& pdu) {
  switch (pdu.kind_case()) {
    case v1::Pdu::kScsiResponse:
      return static_cast<uint32_t>(pdu.scsi_response().status());
    case v1::Pdu::kLoginResponse:
      return pdu.login_response().status_class() << 4 | (pdu.login_response().status_detail() & 15);
    case v1::Pdu::kTaskManagementResponse:
      return static_cast<uint32_t>(pdu.task_management_response().response());
    case v1::Pdu::kLogoutResponse:
      return static_cast<uint32_t>(pdu.logout_response().response());
    case v1::Pdu::kReject:
      return static_cast<uint32_t>(pdu.reject().reason());
    default:
      return 0;
  }
}

}  // namespace

void Watch::Reach(const Connection& connection, uint32_t answer) {
  states_.insert(uint32_t{connection.phase} << 28 | uint32_t{connection.sent} << 16 | answer);
}

void Watch::OnOpened(const TapConnection& connection, absl::Time) {
  connections_[connection.id] = {};
}

void Watch::OnClosed(const TapConnection& connection, absl::Time, bool by_peer,
                     const std::string&) {
  const auto it = connections_.find(connection.id);
  if (!by_peer) return;
  const Connection state = it != connections_.end() ? it->second : Connection{};
  Reach(state, kClosed);
  lost_ = lost_ || state.phase != kLoggedOut;
}

void Watch::OnPdu(const TapPdu& tapped) {
  Connection& connection = connections_[tapped.connection->id];
  const v1::Pdu& pdu = tapped.decoded->pdu;
  const auto opcode = static_cast<uint8_t>(tapped.bytes.empty() ? 0xff : tapped.bytes[0] & 0x3f);
  if (tapped.direction == Direction::kToTarget) {
    ++sent_pdus_;
    sent_bytes_ += tapped.bytes.size();
    if (pdu.scsi_command().read()) {
      asked_bytes_ += pdu.scsi_command().expected_data_transfer_length();
    }
    connection.sent = opcode;
    last_ = connection;
    return;
  }
  answered_ = true;
  came_bytes_ += tapped.bytes.size();
  if (!pdu.has_data_in() && !pdu.has_r2t()) ++came_pdus_;
  Reach(connection, uint32_t{opcode} << 8 | (SaysOf(pdu) & 0xff));
  if (pdu.has_login_response()) {
    const v1::LoginResponse& login = pdu.login_response();
    const bool through = login.transit() && login.status_class() == 0 &&
                         login.next_stage() == v1::FULL_FEATURE_PHASE;
    if (connection.phase != kLoggedOut) connection.phase = through ? kFullFeature : kLogin;
  } else if (pdu.has_logout_response()) {
    connection.phase = kLoggedOut;
  }
}

std::string Watch::Disproportion() const {
  const uint64_t pdus = kPdusForNone + kPdusForOne * sent_pdus_ + sent_bytes_ / 48;
  if (came_pdus_ > pdus) {
    return absl::StrCat(came_pdus_, " PDUs came for ", sent_pdus_, " that were sent");
  }
  const uint64_t bytes = kBytesForNone + kBytesForOne * sent_pdus_ + 2 * asked_bytes_ + sent_bytes_;
  if (came_bytes_ > bytes) {
    return absl::StrCat(came_bytes_, " bytes came for ", sent_bytes_, " that were sent and ",
                        asked_bytes_, " that were asked for");
  }
  return "";
}

std::string Watch::last_sent() const {
  static constexpr const char* kPhases[] = {"before the login", "in the login",
                                            "in the full feature phase", "after the logout"};
  if (last_.sent == 0xff) return "before anything was sent";
  return absl::StrCat("opcode 0x", absl::Hex(last_.sent, absl::kZeroPad2), " ",
                      kPhases[last_.phase]);
}

}  // namespace pushpull::fuzz
