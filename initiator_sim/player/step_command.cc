// command, check_blocks.

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/bytes.h"
#include "base/status.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/match.h"
#include "initiator_sim/pdu/scsi.h"
#include "initiator_sim/pdu/text.h"
#include "initiator_sim/player/drivers.h"
#include "initiator_sim/player/judge.h"
#include "initiator_sim/player/steps.h"
#include "initiator_sim/session/keys.h"

namespace pushpull::initiator_sim {
namespace {

constexpr uint32_t kMaxUnitAttentions = 16;
constexpr uint32_t kMaxCheckBytes = 1 << 20;  // of one READ of check_blocks

std::optional<v1::SenseData> ParsedSense(const CommandOutcome& outcome) {
  return ParseSense(base::AsBytes(outcome.sense));
}

// The sense fields that are set in `due`.
std::string SenseDifference(const v1::SenseData& due, const CommandOutcome& outcome) {
  const std::optional<v1::SenseData> sense = ParsedSense(outcome);
  if (!sense) return absl::StrCat("there is no sense data, due is ", DescribeSense(due));
  const bool same =
      (!due.has_response_code() || due.response_code() == sense->response_code()) &&
      (!due.has_sense_key() || due.sense_key() == sense->sense_key()) &&
      (!due.has_additional_sense_code() ||
       due.additional_sense_code() == sense->additional_sense_code()) &&
      (!due.has_additional_sense_code_qualifier() ||
       due.additional_sense_code_qualifier() == sense->additional_sense_code_qualifier()) &&
      (!due.has_information() || due.information() == sense->information());
  if (same) return "";
  return absl::StrCat("sense is ", DescribeSense(*sense), ", due is ", DescribeSense(due));
}

// Whether a unit attention was told instead of what the command was sent for: any command may meet
// one at any time, of another initiator or an administrator (SAM-5 §5.14). Where data came first
// the command was begun, and the attention came too late.
bool MetUnitAttention(const CommandOutcome& outcome) {
  const std::optional<v1::SenseData> sense = ParsedSense(outcome);
  return outcome.status == v1::CHECK_CONDITION && outcome.data_in == 0 && sense &&
         sense->sense_key() == v1::UNIT_ATTENTION;
}

// INQUIRY, REPORT LUNS and REQUEST SENSE don't end with one (SAM-5 §5.14).
bool MayMeetUnitAttention(const v1::Cdb& cdb) {
  constexpr uint8_t kRequestSense = 0x03;
  constexpr uint8_t kInquiry = 0x12;
  constexpr uint8_t kReportLuns = 0xa0;
  const absl::StatusOr<std::vector<uint8_t>> bytes = EncodeCdb(cdb);
  if (!bytes.ok() || bytes->empty()) return true;
  const uint8_t opcode = bytes->front();
  return opcode != kRequestSense && opcode != kInquiry && opcode != kReportLuns;
}

constexpr char kWriteData[] = "@write_data.";

// Bytes, or a number of 64 bits, in the data to be written, from a byte on.
absl::Status SetWriteData(const v1::Binding& binding, const FieldValue& value, v1::Data* data) {
  std::string bytes(8, '\0');
  if (const uint64_t* number = std::get_if<uint64_t>(&value)) {
    base::StoreBe64(reinterpret_cast<uint8_t*>(bytes.data()), Bound(binding, *number));
  } else {
    bytes = std::get<std::string>(value);
  }
  const std::string place = binding.field().substr(sizeof(kWriteData) - 1);
  const std::optional<uint64_t> offset = ParseNumericalValue(place);
  const bool fits = offset && data->has_raw() && *offset <= data->raw().size() &&
                    bytes.size() <= data->raw().size() - *offset;
  if (!fits) {
    return absl::InvalidArgumentError(
        absl::StrCat("bind { field: \"", binding.field(), "\" from: \"", binding.from(),
                     "\" } needs write_data { raw } with room there"));
  }
  data->mutable_raw()->replace(*offset, bytes.size(), bytes);
  return absl::OkStatus();
}

class CommandAction : public Action {
 public:
  CommandAction(Play* play, const v1::Step& step)
      : play_(play), command_(step.command()), link_name_(play->LinkName(step.connection())) {}

  Progress Advance() override {
    for (;;) {
      if (runner_ == nullptr) {
        link_ = FullFeatureLink(play_, link_name_, "command");
        if (link_ == nullptr) return Progress::kOver;
        absl::StatusOr<CommandRunner::Request> request = MakeRequest();
        if (!request.ok()) return play_->Error(request.status());
        runner_ = std::make_unique<CommandRunner>(play_, link_, *std::move(request));
      }
      const Progress progress = runner_->Advance();
      if (progress != Progress::kDone) return progress;
      if (!IsSentAgain(runner_->outcome()) || ++attempts_ > kMaxUnitAttentions) {
        return Judge(runner_->outcome());
      }
      runner_.reset();
    }
  }

  std::string Awaiting() const override {
    return runner_ == nullptr ? "the response of a command" : runner_->Awaiting();
  }

 private:
  // As it met a unit attention that the step isn't about.
  bool IsSentAgain(const CommandOutcome& outcome) const {
    if (!MetUnitAttention(outcome)) return false;
    if (command_.has_sense()) {
      if (SenseDifference(command_.sense(), outcome).empty()) return false;
      // Which one comes first is what such a step judges, if it doesn't say otherwise.
      if (command_.sense().sense_key() == v1::UNIT_ATTENTION) {
        return command_.retry_unit_attention();
      }
    } else if (command_.has_status() && command_.status() == v1::CHECK_CONDITION) {
      return command_.retry_unit_attention();
    }
    return command_.retry_unit_attention() || MayMeetUnitAttention(command_.cdb());
  }

  absl::StatusOr<CommandRunner::Request> MakeRequest() {
    CommandRunner::Request request;
    request.task_name = command_.task();
    request.lba_is_relative = !command_.absolute_lba();
    v1::ScsiCommand* command = request.pdu.mutable_scsi_command();
    if (command_.has_lun()) command->set_lun(command_.lun());
    *command->mutable_cdb() = command_.cdb();
    if (command_.has_attr()) command->set_attr(command_.attr());
    if (command_.immediate()) request.pdu.set_immediate(true);
    if (command_.has_read_length()) {
      command->set_read(command_.read_length() > 0);
      command->set_expected_data_transfer_length(command_.read_length());
    }
    if (command_.has_write_data()) {
      request.write_data = command_.write_data();
      if (request.write_data->has_unmap() && request.lba_is_relative) {
        for (v1::UnmapRange& range : *request.write_data->mutable_unmap()->mutable_range()) {
          range.set_lba(range.lba() + play_->options().scratch_lba);
        }
      }
    } else {
      request.write_data.emplace().mutable_pattern()->set_seed(play_->options().seed);
    }
    if (command_.has_immediate_length()) request.immediate_length = command_.immediate_length();
    if (command_.has_unsolicited_length()) {
      request.unsolicited_length = command_.unsolicited_length();
    }
    for (const v1::Binding& binding : command_.bind()) {
      PUSHPULL_ASSIGN_OR_RETURN(FieldValue value, play_->Value(binding.from(), link_));
      if (absl::StartsWith(binding.field(), kWriteData)) {
        PUSHPULL_RETURN_IF_ERROR(SetWriteData(binding, value, &*request.write_data));
        continue;
      }
      if (uint64_t* number = std::get_if<uint64_t>(&value)) {
        *number = Bound(binding, *number);
      }
      PUSHPULL_RETURN_IF_ERROR(SetField(&request.pdu, binding.field(), value));
    }
    return request;
  }

  Progress Judge(const CommandOutcome& outcome) {
    std::vector<std::string> differences;
    const v1::ScsiStatus due = command_.has_status()  ? command_.status()
                               : command_.has_sense() ? v1::CHECK_CONDITION
                                                      : v1::GOOD;
    if (outcome.status != static_cast<uint32_t>(due)) {
      differences.push_back(absl::StrCat(
          "status is ", v1::ScsiStatus_Name(static_cast<v1::ScsiStatus>(outcome.status)), " (",
          outcome.status, "), due is ", v1::ScsiStatus_Name(due)));
    }
    if (command_.has_sense()) {
      const std::string difference = SenseDifference(command_.sense(), outcome);
      if (!difference.empty()) differences.push_back(difference);
    }
    if (command_.has_residual_underflow() &&
        outcome.residual_underflow != command_.residual_underflow()) {
      differences.push_back(absl::StrCat("residual underflow is ", outcome.residual_underflow,
                                         ", due is ", command_.residual_underflow()));
    }
    if (command_.has_residual_overflow() &&
        outcome.residual_overflow != command_.residual_overflow()) {
      differences.push_back(absl::StrCat("residual overflow is ", outcome.residual_overflow,
                                         ", due is ", command_.residual_overflow()));
    }
    if (command_.has_expect_data()) {
      v1::Data due_data = command_.expect_data();
      if (due_data.has_pattern() && due_data.pattern().length() == 0) {
        due_data.mutable_pattern()->set_length(static_cast<uint32_t>(outcome.data.size()));
      }
      const MatchResult match = MatchesData(due_data, outcome.data);
      if (!match) differences.push_back(absl::StrCat("data: ", match.ToString()));
    }
    const Subject subject = {
        .pdu = &outcome.last, .arrival = play_->arrived(), .data = &outcome.data};
    const absl::StatusOr<Differences> predicates =
        JudgePredicates(play_, link_, subject, command_.where());
    if (!predicates.ok()) return play_->Error(predicates.status());
    differences.insert(differences.end(), predicates->begin(), predicates->end());
    if (!command_.save_data_as().empty()) play_->SetValue(command_.save_data_as(), outcome.data);
    if (differences.empty()) return Progress::kDone;
    return play_->Unmet(
        absl::StrCat("a command didn't end as it must: ", differences.front()),
        absl::StrCat(
            "status ", v1::ScsiStatus_Name(due),
            command_.has_sense() ? absl::StrCat(", sense ", DescribeSense(command_.sense())) : ""),
        absl::StrCat(absl::StrJoin(differences, "\n"), "\n", FullText(outcome.last)));
  }

  Play* const play_;
  const v1::Command command_;
  const std::string link_name_;
  Link* link_ = nullptr;
  std::unique_ptr<CommandRunner> runner_;
  uint32_t attempts_ = 0;
};

// On a session of its own, so that what it sees isn't what a connection has in flight.
class CheckBlocksAction : public Action {
 public:
  CheckBlocksAction(Play* play, const v1::Step& step)
      : play_(play),
        check_(step.check_blocks()),
        link_name_(play->PrivateName("check_blocks")),
        login_(play, link_name_, Login()) {}

  Progress Advance() override {
    if (!logged_in_) {
      const Progress progress = login_.Advance();
      if (progress != Progress::kDone) return progress;
      logged_in_ = true;
      link_ = play_->FindLink(link_name_);
    }
    while (logout_ == nullptr) {
      if (runner_ == nullptr) {
        absl::StatusOr<CommandRunner::Request> request = NextRead();
        if (!request.ok()) return play_->Error(request.status());
        runner_ = std::make_unique<CommandRunner>(play_, link_, *std::move(request));
      }
      const Progress progress = runner_->Advance();
      if (progress != Progress::kDone) return progress;
      if (MetUnitAttention(runner_->outcome()) && ++attempts_ <= kMaxUnitAttentions) {
        runner_.reset();
        continue;
      }
      const Progress judged = Judge();
      if (judged != Progress::kDone) return judged;
    }
    const Progress progress = logout_->Advance();
    if (progress == Progress::kDone) play_->CloseLink(link_, v1::FIN);
    return progress;
  }

  std::string Awaiting() const override {
    if (!logged_in_) return login_.Awaiting();
    if (logout_ != nullptr) return logout_->Awaiting();
    return runner_ == nullptr ? "data" : runner_->Awaiting();
  }

 private:
  static v1::LoginDriver Login() {
    v1::LoginDriver login;
    login.set_unit_attention(v1::CLEARED);
    return login;
  }

  absl::StatusOr<CommandRunner::Request> NextRead() {
    PUSHPULL_ASSIGN_OR_RETURN(const std::string due, DataBytes(check_.data()));
    due_ = due;
    const uint32_t block = play_->options().block_size;
    if (due_.empty() || due_.size() % block != 0) {
      return absl::InvalidArgumentError(absl::StrCat("check_blocks compares whole blocks of ",
                                                     block, " bytes, its data has ", due_.size(),
                                                     "; say length_in_blocks"));
    }
    length_ = std::min<size_t>(due_.size() - done_, kMaxCheckBytes);
    CommandRunner::Request request;
    request.lba_is_relative = !check_.absolute_lba();
    v1::ScsiCommand* command = request.pdu.mutable_scsi_command();
    if (check_.has_lun()) command->set_lun(check_.lun());
    if (!check_.lun_from().empty()) {
      PUSHPULL_ASSIGN_OR_RETURN(const FieldValue lun, play_->Value(check_.lun_from(), link_));
      PUSHPULL_RETURN_IF_ERROR(SetField(&request.pdu, "lun", lun));
    }
    v1::ReadWriteCdb* read = command->mutable_cdb()->mutable_read();
    const uint64_t lba = check_.lba() + done_ / block;
    read->set_lba(lba);
    read->set_blocks(static_cast<uint32_t>(length_ / block));
    if (lba + play_->options().scratch_lba > UINT32_MAX) read->set_size(16);
    return request;
  }

  Progress Judge() {
    const CommandOutcome& outcome = runner_->outcome();
    if (outcome.status != v1::GOOD || outcome.data.size() != length_) {
      return play_->Unmet("the blocks can't be read back", "a READ that ends with GOOD",
                          FullText(outcome.last));
    }
    for (size_t i = 0; i < length_; ++i) {
      if (outcome.data[i] == due_[done_ + i]) continue;
      v1::Data due = check_.data();
      std::string what;
      if (due.has_pattern()) {
        due.mutable_pattern()->set_offset(due.pattern().offset() + done_);
        due.mutable_pattern()->set_length(static_cast<uint32_t>(length_));
        what = MatchesData(due, outcome.data).ToString();
      }
      const uint32_t block = play_->options().block_size;
      return play_->Unmet(
          absl::StrCat("the LUN holds other data than it should from block ",
                       check_.lba() + (done_ + i) / block, ", byte ", (done_ + i) % block, " on"),
          "the data of check_blocks",
          what.empty() ? absl::StrCat("byte ", static_cast<uint8_t>(outcome.data[i]),
                                      " instead of ", static_cast<uint8_t>(due_[done_ + i]))
                       : what);
    }
    done_ += length_;
    runner_.reset();
    if (done_ == due_.size()) {
      logout_ = LogoutRunner::AtTheEnd(play_, link_);
    }
    return Progress::kDone;
  }

  Play* const play_;
  const v1::CheckBlocks check_;
  const std::string link_name_;
  LoginRunner login_;
  bool logged_in_ = false;
  Link* link_ = nullptr;
  std::unique_ptr<CommandRunner> runner_;
  std::unique_ptr<LogoutRunner> logout_;
  std::string due_;
  size_t done_ = 0;    // bytes that were compared
  size_t length_ = 0;  // of the READ that runs
  uint32_t attempts_ = 0;
};

}  // namespace

std::unique_ptr<Action> MakeCommand(Play* play, const v1::Step& step) {
  return std::make_unique<CommandAction>(play, step);
}
std::unique_ptr<Action> MakeCheckBlocks(Play* play, const v1::Step& step) {
  return std::make_unique<CheckBlocksAction>(play, step);
}

}  // namespace pushpull::initiator_sim
