#include "tools/endpoints/cross_check.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "target/pdu/opcode.h"
#include "target/pdu/request.h"

namespace pushpull::tools {
namespace {

// Beyond this a play isn't compared any further: data of large transfers would pile up.
constexpr size_t kMaxComparedPdus = 10'000;
constexpr size_t kMaxComparedData = 64 * 1024;

class Differences {
 public:
  template <typename A, typename B>
  void Compare(const char* field, A target, B initiator) {
    const auto a = static_cast<uint64_t>(target);
    const auto b = static_cast<uint64_t>(initiator);
    if (a == b) return;
    absl::StrAppend(&text_, text_.empty() ? "" : "; ", field, ": the target reads ", a,
                    ", the initiator ", b);
  }
  void Compare(const char* field, const std::string& target, const std::string& initiator) {
    if (target == initiator) return;
    absl::StrAppend(&text_, text_.empty() ? "" : "; ", field, " differs");
  }
  // What all requests have.
  template <typename T>
  void CompareCommon(const T& target, const v1::Pdu& pdu) {
    Compare("immediate", target.immediate, pdu.immediate());
    Compare("total_ahs_length", target.total_ahs_length, pdu.total_ahs_length());
    Compare("data_segment_length", target.data_segment_length, pdu.data_segment_length());
  }
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

template <typename Array>
std::string Text(const Array& bytes) {
  return std::string(bytes.begin(), bytes.end());
}

void CompareNopOut(const target::NopOut& t, const v1::NopOut& i, Differences* out) {
  out->Compare("final", t.final, i.final());
  out->Compare("lun", t.lun, i.lun_bytes());
  out->Compare("initiator_task_tag", t.initiator_task_tag, i.initiator_task_tag());
  out->Compare("target_transfer_tag", t.target_transfer_tag, i.target_transfer_tag());
  out->Compare("cmd_sn", t.cmd_sn, i.cmd_sn());
  out->Compare("exp_stat_sn", t.exp_stat_sn, i.exp_stat_sn());
}

void CompareScsiCommand(const target::ScsiCommand& t, const v1::ScsiCommand& i, Differences* out) {
  out->Compare("final", t.final, i.final());
  out->Compare("read", t.read, i.read());
  out->Compare("write", t.write, i.write());
  out->Compare("attr", t.attr, i.attr());
  out->Compare("lun", t.lun, i.lun_bytes());
  out->Compare("initiator_task_tag", t.initiator_task_tag, i.initiator_task_tag());
  out->Compare("expected_data_transfer_length", t.expected_data_transfer_length,
               i.expected_data_transfer_length());
  out->Compare("cmd_sn", t.cmd_sn, i.cmd_sn());
  out->Compare("exp_stat_sn", t.exp_stat_sn, i.exp_stat_sn());
  // The initiator joins a CDB with its extension in an AHS.
  out->Compare("cdb", Text(t.cdb), i.cdb().raw().substr(0, t.cdb.size()));
}

void CompareTaskManagement(const target::TaskManagementRequest& t,
                           const v1::TaskManagementRequest& i, Differences* out) {
  out->Compare("function", t.function, i.function());
  out->Compare("lun", t.lun, i.lun_bytes());
  out->Compare("initiator_task_tag", t.initiator_task_tag, i.initiator_task_tag());
  out->Compare("referenced_task_tag", t.referenced_task_tag, i.referenced_task_tag());
  out->Compare("cmd_sn", t.cmd_sn, i.cmd_sn());
  out->Compare("exp_stat_sn", t.exp_stat_sn, i.exp_stat_sn());
  out->Compare("ref_cmd_sn", t.ref_cmd_sn, i.ref_cmd_sn());
  out->Compare("exp_data_sn", t.exp_data_sn, i.exp_data_sn());
}

void CompareLogin(const target::LoginRequest& t, const v1::LoginRequest& i, Differences* out) {
  out->Compare("transit", t.transit, i.transit());
  out->Compare("text_continue", t.text_continue, i.text_continue());
  out->Compare("current_stage", t.current_stage, i.current_stage());
  out->Compare("next_stage", t.next_stage, i.next_stage());
  out->Compare("version_max", t.version_max, i.version_max());
  out->Compare("version_min", t.version_min, i.version_min());
  out->Compare("isid", Text(t.isid), i.isid());
  out->Compare("tsih", t.tsih, i.tsih());
  out->Compare("initiator_task_tag", t.initiator_task_tag, i.initiator_task_tag());
  out->Compare("cid", t.cid, i.cid());
  out->Compare("cmd_sn", t.cmd_sn, i.cmd_sn());
  out->Compare("exp_stat_sn", t.exp_stat_sn, i.exp_stat_sn());
}

void CompareText(const target::TextRequest& t, const v1::TextRequest& i, Differences* out) {
  out->Compare("final", t.final, i.final());
  out->Compare("text_continue", t.text_continue, i.text_continue());
  out->Compare("lun", t.lun, i.lun_bytes());
  out->Compare("initiator_task_tag", t.initiator_task_tag, i.initiator_task_tag());
  out->Compare("target_transfer_tag", t.target_transfer_tag, i.target_transfer_tag());
  out->Compare("cmd_sn", t.cmd_sn, i.cmd_sn());
  out->Compare("exp_stat_sn", t.exp_stat_sn, i.exp_stat_sn());
}

void CompareDataOut(const target::DataOut& t, const v1::DataOut& i, Differences* out) {
  out->Compare("final", t.final, i.final());
  out->Compare("lun", t.lun, i.lun_bytes());
  out->Compare("initiator_task_tag", t.initiator_task_tag, i.initiator_task_tag());
  out->Compare("target_transfer_tag", t.target_transfer_tag, i.target_transfer_tag());
  out->Compare("exp_stat_sn", t.exp_stat_sn, i.exp_stat_sn());
  out->Compare("data_sn", t.data_sn, i.data_sn());
  out->Compare("buffer_offset", t.buffer_offset, i.buffer_offset());
}

void CompareLogout(const target::LogoutRequest& t, const v1::LogoutRequest& i, Differences* out) {
  out->Compare("reason", t.reason, i.reason());
  out->Compare("initiator_task_tag", t.initiator_task_tag, i.initiator_task_tag());
  out->Compare("cid", t.cid, i.cid());
  out->Compare("cmd_sn", t.cmd_sn, i.cmd_sn());
  out->Compare("exp_stat_sn", t.exp_stat_sn, i.exp_stat_sn());
}

void CompareSnack(const target::SnackRequest& t, const v1::SnackRequest& i, Differences* out) {
  out->Compare("type", t.type, i.type());
  out->Compare("lun", t.lun, i.lun_bytes());
  out->Compare("initiator_task_tag", t.initiator_task_tag, i.initiator_task_tag());
  out->Compare("target_transfer_tag", t.target_transfer_tag, i.target_transfer_tag());
  out->Compare("exp_stat_sn", t.exp_stat_sn, i.exp_stat_sn());
  out->Compare("beg_run", t.beg_run, i.beg_run());
  out->Compare("run_length", t.run_length, i.run_length());
}

template <typename T, typename I>
void CompareKind(const target::Bhs& bhs, const v1::Pdu& pdu, const I& kind,
                 void (*compare)(const T&, const I&, Differences*), Differences* out) {
  const T decoded = T::Decode(target::BhsView(bhs));
  out->CompareCommon(decoded, pdu);
  compare(decoded, kind, out);
}

}  // namespace

std::string CompareReadings(const target::Bhs& bhs, const v1::Pdu& pdu) {
  Differences out;
  const target::BhsView view(bhs);
  switch (pdu.kind_case()) {
    case v1::Pdu::kNopOut:
      CompareKind(bhs, pdu, pdu.nop_out(), CompareNopOut, &out);
      break;
    case v1::Pdu::kScsiCommand:
      CompareKind(bhs, pdu, pdu.scsi_command(), CompareScsiCommand, &out);
      break;
    case v1::Pdu::kTaskManagementRequest:
      CompareKind(bhs, pdu, pdu.task_management_request(), CompareTaskManagement, &out);
      break;
    case v1::Pdu::kLoginRequest:
      CompareKind(bhs, pdu, pdu.login_request(), CompareLogin, &out);
      break;
    case v1::Pdu::kTextRequest:
      CompareKind(bhs, pdu, pdu.text_request(), CompareText, &out);
      break;
    case v1::Pdu::kDataOut:
      CompareKind(bhs, pdu, pdu.data_out(), CompareDataOut, &out);
      break;
    case v1::Pdu::kLogoutRequest:
      CompareKind(bhs, pdu, pdu.logout_request(), CompareLogout, &out);
      break;
    case v1::Pdu::kSnackRequest:
      CompareKind(bhs, pdu, pdu.snack_request(), CompareSnack, &out);
      break;
    default:  // no request of RFC 7143: there is nothing to read but the opcode
      out.Compare("opcode", static_cast<uint8_t>(view.opcode()), bhs[0] & 0x3f);
      break;
  }
  return out.Take();
}

std::function<void(const target::TapPdu&)> CrossCheck::target_tap() {
  return [this](const target::TapPdu& pdu) {
    Received received;
    std::copy_n(pdu.bhs.data(), received.bhs.size(), received.bhs.begin());
    received.ahs = std::string(base::AsText(pdu.ahs));
    size_t size = 0;
    for (const base::Bytes piece : pdu.data) size += piece.size();
    received.has_data = !pdu.data.empty() && size <= kMaxComparedData;
    if (received.has_data) {
      for (const base::Bytes piece : pdu.data) received.data += base::AsText(piece);
    }
    const std::lock_guard lock(mutex_);
    if (received_.size() < kMaxComparedPdus) received_.push_back(std::move(received));
  };
}

void CrossCheck::OnPdu(const initiator_sim::TapPdu& pdu) {
  if (pdu.direction != initiator_sim::Direction::kToTarget) return;
  if (pdu.bytes.size() < target::kBhsBytes) return;
  Sent sent;
  sent.pdu = pdu.decoded->pdu;
  if (sent.pdu.data().raw().size() > kMaxComparedData) sent.pdu.clear_data();
  sent.bhs = std::string(base::AsText(pdu.bytes.first(target::kBhsBytes)));
  const size_t ahs_end = std::min(pdu.decoded->layout.header_digest, pdu.bytes.size());
  sent.ahs =
      std::string(base::AsText(pdu.bytes.subspan(target::kBhsBytes, ahs_end - target::kBhsBytes)));
  sent_.push_back(std::move(sent));
}

std::vector<std::string> CrossCheck::Complaints() {
  std::multimap<std::string, const Sent*> by_bhs;
  for (const Sent& sent : sent_) by_bhs.emplace(sent.bhs, &sent);
  std::vector<std::string> complaints;
  const std::lock_guard lock(mutex_);
  for (const Received& received : received_) {
    const auto [begin, end] = by_bhs.equal_range(Text(received.bhs));
    if (begin == end) {
      complaints.push_back("our two ends differ: the target took a header that was never sent");
      continue;
    }
    std::string first;
    bool agrees = false;
    for (auto it = begin; it != end && !agrees; ++it) {
      const Sent& sent = *it->second;
      std::string differences = CompareReadings(received.bhs, sent.pdu);
      if (received.ahs != sent.ahs) differences += " the AHS differs";
      if (received.has_data && sent.pdu.has_data() && received.data != sent.pdu.data().raw()) {
        differences += " the data differs";
      }
      agrees = differences.empty();
      if (first.empty()) first = std::move(differences);
    }
    if (!agrees) complaints.push_back(absl::StrCat("our two ends differ: ", first));
  }
  return complaints;
}

}  // namespace pushpull::tools
