// send.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/figure.h"
#include "initiator_sim/pdu/text.h"
#include "initiator_sim/player/misbehave.h"
#include "initiator_sim/player/steps.h"
#include "initiator_sim/session/keys.h"

namespace pushpull::initiator_sim {
namespace {

// Whether a PDU of this kind goes on with a task that exists, rather than beginning one.
bool GoesOn(const v1::Pdu& pdu, const Task& task) {
  switch (pdu.kind_case()) {
    case v1::Pdu::kDataOut:
    case v1::Pdu::kSnackRequest:
    case v1::Pdu::kLoginRequest:
      return true;
    case v1::Pdu::kTextRequest:
      return !task.ended;
    case v1::Pdu::kScsiCommand:
      return true;
    default:
      return IsResponse(pdu.kind_case());
  }
}

// Sets a field from a value; a number goes to a text field in decimal.
absl::Status SetBound(v1::Pdu* pdu, const v1::Binding& binding, FieldValue value) {
  if (uint64_t* number = std::get_if<uint64_t>(&value)) {
    *number = Bound(binding, *number);
    const absl::Status status = SetField(pdu, binding.field(), value);
    if (status.ok() || !absl::IsInvalidArgument(status)) return status;
    return SetField(pdu, binding.field(), absl::StrCat(*number));
  }
  return SetField(pdu, binding.field(), value);
}

void AppendKey(v1::Pdu* pdu, const std::string& name, const std::string& value) {
  v1::Data* data = pdu->mutable_data();
  if (data->has_raw() || data->has_text()) {
    std::string text = data->has_raw() ? data->raw() : data->text();
    absl::StrAppend(&text, name, "=", value);
    text += '\0';
    data->set_raw(text);
    return;
  }
  v1::KeyValue* key = data->mutable_keys()->add_key();
  key->set_name(name);
  key->set_value(value);
}

class SendAction : public Action {
 public:
  SendAction(Play* play, const v1::Step& step)
      : play_(play),
        step_(step),
        send_(step_.send()),
        link_name_(play->LinkName(step.connection())),
        count_(std::max(send_.count(), 1u)) {}

  Progress Advance() override {
    link_ = play_->FindLink(link_name_);
    if (link_ == nullptr || link_->connecting) {
      return play_->Error(absl::InvalidArgumentError(
          absl::StrCat("connection ", link_name_, " isn't open; connect or log in first")));
    }
    if (link_->closed_by_us) {
      return play_->Error(absl::InvalidArgumentError(
          absl::StrCat("connection ", link_name_, " was closed by the scenario")));
    }
    if (send_.misbehaviour() == v1::ISER_TOO_MANY_UNEXPECTED && sent_ == 0) {
      if (!send_.pdu().immediate()) {
        return play_->Error(
            absl::InvalidArgumentError("ISER_TOO_MANY_UNEXPECTED stands on an immediate PDU"));
      }
      count_ = TooManyUnexpected();
    }
    while (sent_ < count_) {
      // What the peer ended takes nothing more; the next expectation judges that.
      if (!link_->open()) return Progress::kDone;
      if (rest_.has_value()) {
        const Progress progress = SendRest();
        if (progress != Progress::kDone) return progress;
        continue;
      }
      if (MustWaitForWindow()) {
        if (!send_.within_window() || sent_ == 0) {
          // What is held back may be what the window waits for.
          if (!link_->channel->drained()) link_->channel->Flush();
          return Progress::kWaiting;
        }
        count_ = sent_;
        break;
      }
      if (const absl::Status status = SendOne(); !status.ok()) return play_->Error(status);
    }
    if (send_.within_window()) play_->NoteCount(send_.task(), sent_);
    if (!link_->open() || HeldBack() || link_->channel->drained()) return Progress::kDone;
    return Progress::kWaiting;
  }

  std::string Awaiting() const override {
    if (rest_.has_value()) return "the empty response to a request with the C bit";
    if (sent_ < count_) return "MaxCmdSN to let the next command through";
    return "the target to take the bytes of this step";
  }

 private:
  // One more than the target declared (RFC 7145 §6.7); it may have declared no limit.
  uint32_t TooManyUnexpected() const {
    constexpr uint32_t kWithoutLimit = 256;
    const std::string* declared =
        link_->state.negotiation.OfferedByPeer("MaxOutstandingUnexpectedPDUs");
    const uint64_t limit = declared == nullptr ? 0 : ParseNumericalValue(*declared).value_or(0);
    return static_cast<uint32_t>(limit == 0 ? kWithoutLimit : std::min<uint64_t>(limit, 4096) + 1);
  }

  bool HeldBack() const { return step_.delivery().join_next(); }

  bool MustWaitForWindow() const {
    if (play_->target_role() || link_->state.phase != LoginPhase::kFullFeature) return false;
    const v1::Misbehaviour misbehaviour = send_.misbehaviour();
    if (misbehaviour == v1::CMD_SN_ABOVE_WINDOW || misbehaviour == v1::CMD_SN_BELOW_WINDOW ||
        misbehaviour == v1::CMD_SN_GAP || send_.pdu().immediate()) {
      return false;
    }
    const auto cmd_sn = GetField(send_.pdu(), "cmd_sn");
    if (!cmd_sn.ok() || cmd_sn->has_value() || !send_.refers_to().empty()) return false;
    for (const v1::Binding& binding : send_.bind()) {
      if (binding.field() == "cmd_sn") return false;
    }
    return !play_->WindowOpen(*link_);
  }

  absl::Status SendOne() {
    if (!link_->rdma && (IsIserMisbehaviour(send_.misbehaviour()) || send_.has_iser())) {
      return absl::InvalidArgumentError(
          "this needs an iSER connection; say needs { transport: ISER_ONLY }");
    }
    if (send_.has_iser() && send_.iser().has_message()) {
      const std::string& message = send_.iser().message();
      link_->iser->SendMessage(std::vector<uint8_t>(message.begin(), message.end()));
      ++sent_;
      return absl::OkStatus();
    }
    v1::Pdu pdu = send_.pdu();
    const std::string name = send_.count() == 0 || send_.task().empty()
                                 ? send_.task()
                                 : absl::StrCat(send_.task(), sent_);
    PUSHPULL_ASSIGN_OR_RETURN(Task * task, TaskOf(name, pdu));
    if (!send_.refers_to().empty()) PUSHPULL_RETURN_IF_ERROR(Refer(&pdu));
    for (const v1::Binding& binding : send_.bind()) {
      PUSHPULL_ASSIGN_OR_RETURN(FieldValue value, play_->Value(binding.from(), link_));
      PUSHPULL_RETURN_IF_ERROR(SetBound(&pdu, binding, std::move(value)));
    }
    PUSHPULL_RETURN_IF_ERROR(AddKeys(&pdu));
    if (task != nullptr && pdu.has_scsi_command()) PUSHPULL_RETURN_IF_ERROR(SetWriteData(task));

    const SendOptions options = Options();
    PUSHPULL_RETURN_IF_ERROR(play_->Complete(&pdu, link_, task, options));
    if (send_.misbehaviour() == v1::KEY_SPLIT_ACROSS_PDUS) return SendSplit(std::move(pdu), task);
    ++sent_;
    return play_->Transmit(std::move(pdu), link_, task, options);
  }

  SendOptions Options() {
    SendOptions options;
    options.misbehaviour = send_.misbehaviour();
    if (step_.has_delivery()) options.delivery = &step_.delivery();
    options.keep_sequence = send_.keep_sequence();
    options.lba_is_relative = !send_.absolute_lba() && send_.refers_to().empty();
    options.adjust = &send_.adjust();
    options.step_offset = &step_offset_;
    if (send_.has_iser()) options.iser = &send_.iser();
    return options;
  }

  // The task that the PDU begins, or goes on with; null where it has no name.
  absl::StatusOr<Task*> TaskOf(const std::string& name, const v1::Pdu& pdu) {
    if (name.empty()) return nullptr;
    Task* task = play_->FindTask(name);
    if (task == nullptr && pdu.has_data_out()) {
      return absl::InvalidArgumentError(
          absl::StrCat("a Data-Out for task \"", name, "\", which was not begun"));
    }
    if (task != nullptr && GoesOn(pdu, *task)) return task;
    if (task != nullptr && !task->ended) {
      return absl::InvalidArgumentError(
          absl::StrCat("task \"", name, "\" is still running; use another name"));
    }
    return play_->NewTask(name, link_);
  }

  absl::Status Refer(v1::Pdu* pdu) {
    const Task* other = play_->FindTask(send_.refers_to());
    if (other == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("refers_to: no task \"", send_.refers_to(), "\" was begun"));
    }
    v1::Pdu referring;
    switch (pdu->kind_case()) {
      case v1::Pdu::kTaskManagementRequest:
        referring.mutable_task_management_request()->set_referenced_task_tag(other->tag);
        referring.mutable_task_management_request()->set_lun_bytes(other->lun_bytes);
        referring.mutable_task_management_request()->set_ref_cmd_sn(other->cmd_sn);
        break;
      case v1::Pdu::kNopOut:
        referring.mutable_nop_out()->set_initiator_task_tag(kReservedTag);
        referring.mutable_nop_out()->set_target_transfer_tag(other->target_transfer_tag);
        referring.mutable_nop_out()->set_lun_bytes(other->response_lun_bytes);
        break;
      case v1::Pdu::kSnackRequest:
        referring.mutable_snack_request()->set_initiator_task_tag(other->tag);
        referring.mutable_snack_request()->set_lun_bytes(other->lun_bytes);
        break;
      case v1::Pdu::kLogoutRequest:
        break;
      default:
        // Sent again as it was; only ExpStatSN is of today (RFC 7143 §7.2.1).
        referring = other->request;
        if (referring.kind_case() != pdu->kind_case()) {
          return absl::InvalidArgumentError(absl::StrCat("refers_to: task \"", send_.refers_to(),
                                                         "\" was begun by a PDU of another kind"));
        }
        if (referring.has_scsi_command()) referring.mutable_scsi_command()->clear_exp_stat_sn();
        break;
    }
    referring.MergeFrom(*pdu);
    *pdu = std::move(referring);
    return absl::OkStatus();
  }

  absl::Status AddKeys(v1::Pdu* pdu) {
    if (send_.identity_keys()) {
      const v1::Data given = pdu->data();
      pdu->clear_data();
      AppendKey(pdu, "InitiatorName", play_->options().initiator_name);
      AppendKey(pdu, "SessionType", "Normal");
      AppendKey(pdu, "TargetName", play_->options().target_name);
      // Without it no Normal session begins over RDMA (RFC 7145 §3.3).
      const v1::LoginRequest& request = pdu->login_request();
      const bool security =
          request.has_current_stage() && request.current_stage() == v1::SECURITY_NEGOTIATION;
      if (link_->rdma && !security) {
        AppendKey(pdu, "RDMAExtensions", "Yes");
      }
      if (given.has_keys()) {
        pdu->mutable_data()->MergeFrom(given);
      } else if (given.form_case() != v1::Data::FORM_NOT_SET) {
        PUSHPULL_ASSIGN_OR_RETURN(const std::string rest, DataBytes(given));
        pdu->mutable_data()->set_raw(EncodeKeys(pdu->data().keys()) + rest);
      }
    }
    for (const v1::OfferedKey& key : send_.key()) {
      std::string value = key.value();
      if (!key.value_from().empty()) {
        PUSHPULL_ASSIGN_OR_RETURN(value, play_->TextValue(key.value_from(), link_));
      }
      value.append(std::max<size_t>(value.size(), key.value_length()) - value.size(), 'a');
      AppendKey(pdu, key.name(), value);
    }
    return absl::OkStatus();
  }

  absl::Status SetWriteData(Task* task) {
    if (!send_.has_write_data()) {
      // Unless the task has its data from when the command was sent first.
      if (task->write_data.empty() && !task->write_pattern) {
        task->write_pattern = true;
        task->pattern.set_seed(play_->options().seed);
      }
      return absl::OkStatus();
    }
    task->write_pattern = send_.write_data().has_pattern();
    if (task->write_pattern) {
      task->pattern = send_.write_data().pattern();
      return absl::OkStatus();
    }
    PUSHPULL_ASSIGN_OR_RETURN(task->write_data, DataBytes(send_.write_data()));
    return absl::OkStatus();
  }

  // ---- a key in two PDUs -----------------------------------------------------------------------

  absl::Status SendSplit(v1::Pdu pdu, Task* task) {
    PUSHPULL_ASSIGN_OR_RETURN(const std::string text, DataBytes(pdu.data()));
    if (text.size() < 4 || (!pdu.has_login_request() && !pdu.has_text_request())) {
      return absl::InvalidArgumentError(
          "KEY_SPLIT_ACROSS_PDUS needs a Login or Text Request with keys");
    }
    // Within the value of the last key.
    const size_t cut = text.size() - 3;
    v1::Pdu first = pdu;
    first.mutable_data()->set_raw(text.substr(0, cut));
    if (task == nullptr) task = play_->NewTask(play_->PrivateName("split"), link_);
    task_ = task;
    rest_ = std::move(pdu);
    rest_->mutable_data()->set_raw(text.substr(cut));
    SendOptions options = Options();
    options.misbehaviour = v1::NONE;
    if (first.has_login_request()) {
      first.mutable_login_request()->set_text_continue(true);
      first.mutable_login_request()->set_transit(false);
      first.mutable_login_request()->clear_next_stage();
    } else {
      first.mutable_text_request()->set_text_continue(true);
      first.mutable_text_request()->set_final(false);
    }
    return play_->Transmit(std::move(first), link_, task, options);
  }

  Progress SendRest() {
    Arrival* const arrival = play_->FirstFor(link_, task_);
    if (arrival == nullptr) return Progress::kWaiting;
    if (!arrival->pdu.has_login_response() && !arrival->pdu.has_text_response()) {
      return play_->Unmet("no answer to a request with the C bit", Awaiting(),
                          FullText(arrival->pdu));
    }
    const v1::Pdu response = play_->Take(arrival);
    const std::string actual = FullText(response);
    if (!TextOf(response).empty() ||
        (response.has_login_response() && response.login_response().status_class() != 0)) {
      return play_->Unmet("the answer to a request with the C bit is not empty (RFC 7143 §6.2)",
                          Awaiting(), actual);
    }
    v1::Pdu pdu = *std::move(rest_);
    rest_.reset();
    // Numbers and tags are of the second PDU's own moment.
    if (pdu.has_login_request()) {
      pdu.mutable_login_request()->clear_exp_stat_sn();
    } else {
      v1::TextRequest* request = pdu.mutable_text_request();
      request->clear_exp_stat_sn();
      request->clear_cmd_sn();
      request->clear_target_transfer_tag();
      request->clear_lun_bytes();
      request->clear_lun();
    }
    SendOptions options = Options();
    options.misbehaviour = v1::NONE;
    ++sent_;
    if (task_->name.starts_with('@')) {
      // The answer to the whole is for the steps that follow, which know no name.
      play_->Rename(task_, "");
    }
    if (absl::Status status = play_->Send(std::move(pdu), link_, task_, options); !status.ok()) {
      return play_->Error(status);
    }
    return Progress::kDone;
  }

  Play* const play_;
  const v1::Step step_;
  const v1::Send& send_;
  const std::string link_name_;
  uint32_t count_;
  Link* link_ = nullptr;
  uint32_t sent_ = 0;
  size_t step_offset_ = 0;
  std::optional<v1::Pdu> rest_;
  Task* task_ = nullptr;
};

}  // namespace

std::unique_ptr<Action> MakeSend(Play* play, const v1::Step& step) {
  return std::make_unique<SendAction>(play, step);
}

}  // namespace pushpull::initiator_sim
