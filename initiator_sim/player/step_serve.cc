// serve: a right small target with one disk.

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/figure.h"
#include "initiator_sim/pdu/match.h"
#include "initiator_sim/pdu/scsi.h"
#include "initiator_sim/pdu/text.h"
#include "initiator_sim/player/ram_disk.h"
#include "initiator_sim/player/steps.h"

namespace pushpull::initiator_sim {
namespace {

constexpr uint32_t kDefaultPdus = 65536;
constexpr uint64_t kMaxWriteBytes = uint64_t{1} << 24;

class ServeAction : public Action {
 public:
  ServeAction(Play* play, const v1::Step& step)
      : play_(play),
        serve_(step.serve()),
        link_name_(play->LinkName(step.connection())),
        at_most_(serve_.at_most() == 0 ? kDefaultPdus : serve_.at_most()) {}

  Progress Advance() override {
    link_ = play_->FindLink(link_name_);
    if (link_ == nullptr || !link_->full_feature()) {
      return play_->Error(absl::InvalidArgumentError(absl::StrCat(
          "serve needs connection ", link_name_, " to be logged in; accept_login first")));
    }
    for (;;) {
      Arrival* const arrival = play_->FirstOn(link_);
      if (arrival == nullptr) {
        if (link_->open()) return Progress::kWaiting;
        if (!serve_.or_closed() && !(serve_.until().empty() && logged_out_)) {
          return play_->EndedWhileWaiting(*link_, Awaiting());
        }
        link_->end_taken = true;
        return Progress::kDone;
      }
      if (IsLast(arrival->pdu)) return Progress::kDone;
      if (++served_ > at_most_) {
        return play_->Unmet(absl::StrCat("more than ", at_most_, " PDUs came"), Awaiting(),
                            Summary(arrival->pdu));
      }
      const std::string header = arrival->header;
      const v1::Pdu pdu = play_->Take(arrival);
      if (const absl::Status status = Answer(pdu, header); !status.ok()) {
        return play_->Error(status);
      }
    }
  }

  std::string Awaiting() const override {
    if (serve_.until().empty()) return "logout and the end of the connection";
    return Summary(serve_.until(0));
  }

 private:
  // A write whose data are still coming.
  struct Write {
    v1::Pdu command = {};
    std::string data = {};
    uint64_t received = 0;
    uint64_t unsolicited_end = 0;
    uint64_t asked_end = 0;  // by R2Ts
    uint32_t r2ts = 0;
  };

  bool IsLast(const v1::Pdu& pdu) const {
    return std::any_of(serve_.until().begin(), serve_.until().end(),
                       [&](const v1::Pdu& one) { return static_cast<bool>(Matches(one, pdu)); });
  }

  absl::Status Answer(const v1::Pdu& pdu, const std::string& header) {
    v1::Pdu answer;
    switch (pdu.kind_case()) {
      case v1::Pdu::kNopOut: {
        if (pdu.nop_out().initiator_task_tag() == kReservedTag) return absl::OkStatus();
        answer.mutable_nop_in()->set_initiator_task_tag(pdu.nop_out().initiator_task_tag());
        answer.mutable_nop_in()->set_lun_bytes(pdu.nop_out().lun_bytes());
        if (pdu.has_data()) *answer.mutable_data() = pdu.data();
        break;
      }
      case v1::Pdu::kScsiCommand:
        return OnCommand(pdu);
      case v1::Pdu::kDataOut:
        return OnDataOut(pdu);
      case v1::Pdu::kTaskManagementRequest:
        answer.mutable_task_management_response()->set_initiator_task_tag(
            pdu.task_management_request().initiator_task_tag());
        break;
      case v1::Pdu::kTextRequest:
        OnText(pdu, &answer);
        break;
      case v1::Pdu::kLogoutRequest:
        answer.mutable_logout_response()->set_initiator_task_tag(
            pdu.logout_request().initiator_task_tag());
        logged_out_ = true;
        break;
      default:
        answer.mutable_reject()->set_reason(v1::COMMAND_NOT_SUPPORTED);
        answer.mutable_data()->set_raw(header);
        break;
    }
    return play_->Send(std::move(answer), link_, nullptr);
  }

  void OnText(const v1::Pdu& pdu, v1::Pdu* answer) {
    answer->mutable_text_response()->set_initiator_task_tag(
        pdu.text_request().initiator_task_tag());
    const ParsedKeys asked = ParseKeys(TextOf(pdu));
    v1::KeyList keys;
    const auto add = [&](const std::string& name, const std::string& value) {
      v1::KeyValue* key = keys.add_key();
      key->set_name(name);
      key->set_value(value);
    };
    for (const v1::KeyValue& key : asked.keys.key()) {
      if (key.name() == "SendTargets") {
        add("TargetName", play_->options().target_name);
        const std::vector<fabric::Address> addresses = play_->listening();
        if (!addresses.empty()) add("TargetAddress", absl::StrCat(addresses[0].ToString(), ",1"));
      } else if (key.name() != "MaxRecvDataSegmentLength") {
        add(key.name(), "NotUnderstood");
      }
    }
    if (keys.key_size() > 0) *answer->mutable_data()->mutable_keys() = keys;
  }

  absl::Status OnCommand(const v1::Pdu& pdu) {
    const v1::ScsiCommand& command = pdu.scsi_command();
    const std::vector<uint8_t> cdb = CdbOf(pdu);
    const uint64_t needed = play_->disk()->WriteLength(cdb);
    const uint64_t expected = command.expected_data_transfer_length();
    if (!command.write() || needed == 0) return Execute(pdu, "");
    Write write = {.command = pdu};
    write.data.resize(std::min({needed, expected, kMaxWriteBytes}));
    const std::string immediate = DataBytes(pdu.data()).value_or("");
    Place(&write, 0, immediate);
    const uint64_t burst = link_->session->parameters.NumberOr("FirstBurstLength", 65536);
    write.unsolicited_end = command.final() ? immediate.size() : std::min(burst, expected);
    write.asked_end = write.unsolicited_end;
    const uint32_t tag = command.initiator_task_tag();
    writes_[tag] = std::move(write);
    return GoOn(tag);
  }

  static void Place(Write* write, uint64_t offset, const std::string& data) {
    if (offset < write->data.size()) {
      const size_t length = std::min<uint64_t>(data.size(), write->data.size() - offset);
      std::copy_n(data.begin(), length, write->data.begin() + static_cast<ptrdiff_t>(offset));
    }
    write->received += data.size();
  }

  absl::Status OnDataOut(const v1::Pdu& pdu) {
    const uint32_t tag = pdu.data_out().initiator_task_tag();
    const auto it = writes_.find(tag);
    if (it == writes_.end()) return absl::OkStatus();  // of a command that ended early
    Place(&it->second, pdu.data_out().buffer_offset(), DataBytes(pdu.data()).value_or(""));
    return pdu.data_out().final() ? GoOn(tag) : absl::OkStatus();
  }

  // Asks for what lacks, or executes.
  absl::Status GoOn(uint32_t tag) {
    Write& write = writes_[tag];
    if (write.received < write.asked_end) return absl::OkStatus();
    if (write.received >= write.data.size()) {
      const Write whole = std::move(write);
      writes_.erase(tag);
      return Execute(whole.command, whole.data);
    }
    const uint64_t burst = link_->session->parameters.NumberOr("MaxBurstLength", 262144);
    const uint64_t length = std::min<uint64_t>(burst, write.data.size() - write.received);
    v1::Pdu pdu;
    v1::R2t* r2t = pdu.mutable_r2t();
    r2t->set_initiator_task_tag(tag);
    r2t->set_lun_bytes(write.command.scsi_command().lun_bytes());
    r2t->set_r2t_sn(write.r2ts++);
    r2t->set_buffer_offset(static_cast<uint32_t>(write.received));
    r2t->set_desired_data_transfer_length(static_cast<uint32_t>(length));
    write.asked_end = write.received + length;
    return play_->Send(std::move(pdu), link_, nullptr);
  }

  absl::Status Execute(const v1::Pdu& pdu, const std::string& data) {
    const v1::ScsiCommand& command = pdu.scsi_command();
    const uint64_t lun = DecodeLun(command.lun_bytes()).value_or(~uint64_t{0});
    const RamDisk::Result result = play_->disk()->Execute(lun, CdbOf(pdu), data);
    const uint64_t expected = command.expected_data_transfer_length();
    const uint64_t sent = std::min<uint64_t>(expected, result.data.size());
    if (const absl::Status status = SendData(command, result.data.substr(0, sent)); !status.ok()) {
      return status;
    }
    v1::Pdu answer;
    v1::ScsiResponse* response = answer.mutable_scsi_response();
    response->set_initiator_task_tag(command.initiator_task_tag());
    response->set_status(result.status);
    const uint64_t moved = command.write() ? data.size() : result.data.size();
    if (moved < expected) {
      response->set_residual_underflow(true);
      response->set_residual_count(static_cast<uint32_t>(expected - moved));
    } else if (moved > expected) {
      response->set_residual_overflow(true);
      response->set_residual_count(static_cast<uint32_t>(moved - expected));
    }
    if (!result.sense.empty()) {
      std::string sense(2, '\0');
      base::StoreBe16(reinterpret_cast<uint8_t*>(sense.data()),
                      static_cast<uint16_t>(result.sense.size()));
      answer.mutable_data()->set_raw(sense + result.sense);
    }
    return play_->Send(std::move(answer), link_, nullptr);
  }

  absl::Status SendData(const v1::ScsiCommand& command, const std::string& data) {
    const size_t segment = link_->state.peer_max_recv_data_segment_length;
    const size_t burst = link_->session->parameters.NumberOr("MaxBurstLength", 262144);
    uint32_t data_sn = 0;
    for (size_t at = 0; at < data.size();) {
      const size_t in_burst = burst - at % burst;
      const size_t length = std::min({segment, in_burst, data.size() - at});
      v1::Pdu pdu;
      v1::DataIn* in = pdu.mutable_data_in();
      in->set_initiator_task_tag(command.initiator_task_tag());
      in->set_data_sn(data_sn++);
      in->set_buffer_offset(static_cast<uint32_t>(at));
      // A sequence ends with the burst (RFC 7143 §11.7.1).
      in->set_final(length == in_burst || at + length == data.size());
      pdu.mutable_data()->set_raw(data.substr(at, length));
      if (absl::Status status = play_->Send(std::move(pdu), link_, nullptr); !status.ok()) {
        return status;
      }
      at += length;
    }
    return absl::OkStatus();
  }

  Play* const play_;
  const v1::Serve serve_;
  const std::string link_name_;
  const uint32_t at_most_;
  Link* link_ = nullptr;
  std::map<uint32_t, Write> writes_;
  uint32_t served_ = 0;
  bool logged_out_ = false;
};

}  // namespace

std::unique_ptr<Action> MakeServe(Play* play, const v1::Step& step) {
  return std::make_unique<ServeAction>(play, step);
}

}  // namespace pushpull::initiator_sim
