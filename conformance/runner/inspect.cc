#include "conformance/runner/inspect.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/bytes.h"
#include "base/status.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/scsi.h"

namespace pushpull::conformance {
namespace {

using initiator_sim::Direction;
using initiator_sim::PlayResult;
using initiator_sim::TapPdu;

// Further LUNs are of no use to any case.
constexpr size_t kMaxLuns = 8;
constexpr uint32_t kReportLunsBytes = 8 + 8 * 256;
constexpr size_t kMaxAnswerBytes = 1 << 20;

// Status class and detail of a login (RFC 7143 §11.13.5).
constexpr uint32_t kAuthenticationFailure = 0x0201;
constexpr uint32_t kNotAuthorized = 0x0202;

// MODE SENSE (6).
constexpr uint32_t kAllPages = 0x3f;
constexpr size_t kDeviceSpecific = 2;
constexpr uint8_t kWriteProtected = 0x80;

// INQUIRY.
constexpr uint8_t kBlockLimitsPage = 0xb0;
constexpr size_t kMaximumTransferLength = 8;

// How the target answered the last login.
struct LoginAnswer {
  uint32_t status = 0;      // class << 8 | detail
  std::string auth_method;  // empty: it said none
};

// What a user can do about a login that was refused; empty: nothing that we know of.
std::string RefusalHint(const LoginAnswer& answer, bool chap) {
  switch (answer.status) {
    case 0x0101:
    case 0x0102:
      return "; give the address that it names as --target";
    case kAuthenticationFailure:
      if (!chap) return "; does it ask for CHAP? --chap-user and --chap-secret-file";
      if (answer.auth_method == "CHAP") return "; are --chap-user and its secret those it knows?";
      return absl::StrCat("; it has no CHAP for this login",
                          answer.auth_method.empty()
                              ? std::string()
                              : absl::StrCat(" (AuthMethod=", answer.auth_method, ")"),
                          ": leave --chap-user and --chap-secret-file out, or set CHAP up there");
    case kNotAuthorized:
      return "; does it let this initiator in? --initiator-name";
    case 0x0203:
      return "; is the IQN right? Where --target has none, discovery finds it";
    default:
      return "";
  }
}

// The data that the target sent in each step.
class Collector : public initiator_sim::Tap {
 public:
  void OnStep(size_t step, absl::Time) override { step_ = step; }

  void OnPdu(const TapPdu& tapped) override {
    if (tapped.direction != Direction::kToInitiator) return;
    answered_ = true;
    const v1::Pdu& pdu = tapped.decoded->pdu;
    if (pdu.has_login_response()) {
      const v1::LoginResponse& response = pdu.login_response();
      login_.status = response.status_class() << 8 | response.status_detail();
      // RFC 7143 §6.2: a key may be cut between two PDUs.
      login_text_ += initiator_sim::DataBytes(pdu.data()).value_or("");
      if (response.text_continue() && login_text_.size() < kMaxAnswerBytes) return;
      const initiator_sim::ParsedKeys parsed = initiator_sim::ParseKeys(login_text_);
      login_text_.clear();
      const std::string* method = initiator_sim::FindKey(parsed.keys, "AuthMethod");
      if (method != nullptr) login_.auth_method = *method;
    }
    std::string& answer = answers_[step_];
    if (pdu.has_data_in()) {
      const size_t offset = pdu.data_in().buffer_offset();
      const size_t end = offset + pdu.data().raw().size();
      if (end > kMaxAnswerBytes) return;
      if (answer.size() < end) answer.resize(end);
      answer.replace(offset, end - offset, pdu.data().raw());
    } else if (pdu.has_text_response() && answer.size() < kMaxAnswerBytes) {
      answer += pdu.data().raw();
    }
  }

  void OnReadData(const initiator_sim::TapConnection&, absl::Time, base::Bytes data) override {
    if (data.size() <= kMaxAnswerBytes) answers_[step_] = base::AsText(data);
  }

  base::Bytes answer(size_t step) { return base::AsBytes(answers_[step]); }
  const std::string& text(size_t step) { return answers_[step]; }
  const LoginAnswer& login() const { return login_; }
  bool answered() const { return answered_; }  // anything at all

 private:
  LoginAnswer login_;
  std::string login_text_;  // since the last PDU without C
  bool answered_ = false;
  size_t step_ = 0;
  std::map<size_t, std::string> answers_;
};

class Inspection {
 public:
  // Who breaks a rule can be asked all the same, and is judged later.
  Inspection(EndpointFactory* factory, const PlaySettings& settings, initiator_sim::Tap* tap)
      : factory_(factory), settings_(settings), tap_(tap) {
    settings_.surplus_is_noted = true;
  }

  // Plays the steps; `answers` has what came. `whose`: what errors begin with, where they are about
  // another portal than the first.
  absl::Status Play(v1::Scenario scenario, const TargetFacts& facts, Collector* answers,
                    const std::string& whose = "") {
    PUSHPULL_ASSIGN_OR_RETURN(std::unique_ptr<Endpoint> endpoint, factory_->Make(1));
    const bool chap = !settings_.chap.user.empty();
    const bool logs_in = scenario.step(0).has_login() && !scenario.step(0).login().discovery();
    initiator_sim::Script script;
    script.scenario = std::move(scenario);
    script.file = "(inspection)";
    std::vector<initiator_sim::Tap*> taps = {answers};
    if (tap_ != nullptr) taps.push_back(tap_);
    const PlayResult played =
        conformance::Play(endpoint.get(), settings_, facts, std::move(script), 1, std::move(taps));
    const LoginAnswer& login = answers->login();
    if (played.verdict == v1::PASS || played.verdict == v1::WARN) {
      if (!chap || !logs_in || login.auth_method == "CHAP") return absl::OkStatus();
      return absl::InvalidArgumentError(absl::StrCat(
          About(factory_->uri()),
          "lets initiators in without CHAP, so --chap-user would be used for "
          "nothing: leave it and --chap-secret-file out, or make the target ask for CHAP"));
    }
    const v1::Failure& failure = played.failure;
    const std::string hint = RefusalHint(login, chap);
    const bool told = failure.actual().empty() || failure.actual() == failure.message();
    return absl::UnavailableError(
        absl::StrCat(whose.empty() ? About(factory_->uri()) : whose, failure.message(), hint,
                     told ? "" : "; came: ", told ? std::string() : failure.actual()));
  }

 private:
  EndpointFactory* const factory_;
  PlaySettings settings_;
  initiator_sim::Tap* const tap_;  // may be null
};

v1::Command* AddCommand(v1::Scenario* scenario, uint64_t lun) {
  v1::Command* command = scenario->add_step()->mutable_command();
  command->set_lun(lun);
  command->set_retry_unit_attention(true);
  return command;
}

// Many targets let nobody discover but with an account of its own, or everybody without one; some
// know no discovery. Of what answers nothing neither is to be said.
absl::Status OfDiscovery(const absl::Status& status, const Collector& answers,
                         const std::string& uri, bool chap) {
  if (!absl::IsUnavailable(status) || !answers.answered()) return status;
  const uint32_t refused = answers.login().status;
  const bool account = chap && (refused == kAuthenticationFailure || refused == kNotAuthorized);
  return absl::UnavailableError(
      absl::StrCat(std::string(status.message()), "\n(This was the discovery of the target's name",
                   account ? ", which may have another CHAP account, or none" : "",
                   ": with the IQN in the URI, ", uri.substr(0, uri.find(':')),
                   "://HOST:PORT/IQN, there is no discovery.)"));
}

absl::StatusOr<std::string> DiscoverName(Inspection* inspection, const std::string& uri,
                                         bool chap) {
  v1::Scenario scenario;
  scenario.add_step()->mutable_login()->set_discovery(true);
  v1::OfferedKey* key = scenario.add_step()->mutable_text_until_final()->add_offer();
  key->set_name("SendTargets");
  key->set_value("All");
  Collector answers;
  const absl::Status played = inspection->Play(std::move(scenario), {}, &answers);
  if (!played.ok()) return OfDiscovery(played, answers, uri, chap);

  std::vector<std::string> names;
  constexpr std::string_view kName = "TargetName=";
  for (absl::string_view pair : absl::StrSplit(answers.text(1), '\0', absl::SkipEmpty())) {
    if (pair.substr(0, kName.size()) == absl::string_view(kName.data(), kName.size())) {
      // A target is told once for each of its portals by some.
      std::string name(pair.substr(kName.size()));
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        names.push_back(std::move(name));
      }
    }
  }
  if (names.empty()) {
    return absl::UnavailableError(
        absl::StrCat(About(uri), "discovery lists no target; name one: ", uri, "/IQN (does it let ",
                     "this initiator name in? see --initiator-name)"));
  }
  if (names.size() > 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        About(uri), "there are ", names.size(), " targets; name one of them: ",
        absl::StrJoin(names.begin(), names.begin() + std::min<size_t>(names.size(), 10), ", ")));
  }
  return names[0];
}

absl::StatusOr<std::vector<uint64_t>> ReportLuns(Inspection* inspection, const TargetFacts& facts) {
  v1::Scenario scenario;
  scenario.add_step()->mutable_login();
  AddCommand(&scenario, 0)
      ->mutable_cdb()
      ->mutable_report_luns()
      ->set_allocation_length(kReportLunsBytes);
  Collector answers;
  PUSHPULL_RETURN_IF_ERROR(inspection->Play(std::move(scenario), facts, &answers));
  const base::Bytes list = answers.answer(1);
  std::vector<uint64_t> luns;
  for (size_t at = 8; at + 8 <= list.size() && luns.size() < kMaxLuns; at += 8) {
    if (const auto lun = initiator_sim::DecodeLun(base::LoadBe64(&list[at]))) luns.push_back(*lun);
  }
  return luns;
}

// Only those that are disks (peripheral device type 0, connected).
absl::Status KeepDisks(Inspection* inspection, TargetFacts* facts) {
  v1::Scenario scenario;
  scenario.add_step()->mutable_login();
  for (const uint64_t lun : facts->luns) {
    AddCommand(&scenario, lun)->mutable_cdb()->mutable_inquiry()->set_allocation_length(36);
  }
  Collector answers;
  PUSHPULL_RETURN_IF_ERROR(inspection->Play(std::move(scenario), *facts, &answers));
  std::vector<uint64_t> disks;
  for (size_t i = 0; i < facts->luns.size(); ++i) {
    const base::Bytes inquiry = answers.answer(i + 1);
    if (inquiry.size() < 36 || inquiry[0] != 0) continue;
    if (disks.empty()) {
      const std::string text(base::AsText(inquiry.subspan(8, 28)));
      facts->identity = absl::StrCat(absl::StripAsciiWhitespace(text.substr(0, 8)), " ",
                                     absl::StripAsciiWhitespace(text.substr(8, 16)), " ",
                                     absl::StripAsciiWhitespace(text.substr(24, 4)));
    }
    disks.push_back(facts->luns[i]);
  }
  facts->luns = std::move(disks);
  return absl::OkStatus();
}

absl::Status ReadCapacity(Inspection* inspection, TargetFacts* facts) {
  v1::Scenario scenario;
  scenario.add_step()->mutable_login();
  v1::AllocationCdb* cdb =
      AddCommand(&scenario, facts->luns[0])->mutable_cdb()->mutable_read_capacity();
  cdb->set_size(16);
  cdb->set_allocation_length(32);
  Collector answers;
  PUSHPULL_RETURN_IF_ERROR(inspection->Play(std::move(scenario), *facts, &answers));
  const base::Bytes capacity = answers.answer(1);
  if (capacity.size() < 12) {
    return absl::UnavailableError("READ CAPACITY(16) gave less than 12 bytes");
  }
  facts->block_count = base::LoadBe64(&capacity[0]) + 1;
  facts->block_size = base::LoadBe32(&capacity[8]);
  return absl::OkStatus();
}

// The data of a command that a LUN need not have; empty: it has it not, or fails it.
std::string AskIfItHas(Inspection* inspection, const TargetFacts& facts, const v1::Cdb& cdb) {
  v1::Scenario scenario;
  scenario.add_step()->mutable_login();
  v1::Send* send = scenario.add_step()->mutable_send();
  send->set_task("ask");
  v1::ScsiCommand* command = send->mutable_pdu()->mutable_scsi_command();
  command->set_lun(facts.luns[0]);
  *command->mutable_cdb() = cdb;
  v1::Expect* expect = scenario.add_step()->mutable_expect();
  expect->set_task("ask");
  expect->add_one_of()->mutable_pdu()->mutable_data_in();
  expect->add_one_of()->mutable_pdu()->mutable_scsi_response();
  scenario.set_epilogue(v1::NOTHING);
  Collector answers;
  if (!inspection->Play(std::move(scenario), facts, &answers).ok()) return "";
  // While the step of `send` or `expect` was played.
  return answers.text(1).empty() ? answers.text(2) : answers.text(1);
}

// Whether the LUN says of itself that it is write-protected (SPC-5 §7.5.4, SBC-4 §6.5.2.1: bit 7 of
// the device-specific parameter), and its mode pages.
void ReadModePages(Inspection* inspection, TargetFacts* facts) {
  v1::Cdb cdb;
  cdb.mutable_mode_sense()->set_page_code(kAllPages);
  std::string pages = AskIfItHas(inspection, *facts, cdb);
  if (pages.size() <= kDeviceSpecific) return;
  facts->write_protected = (base::AsBytes(pages)[kDeviceSpecific] & kWriteProtected) != 0;
  facts->mode_pages = std::move(pages);
}

// MAXIMUM TRANSFER LENGTH of the Block Limits page (SBC-3 §6.6.3).
void ReadTransferLimit(Inspection* inspection, TargetFacts* facts) {
  v1::Cdb cdb;
  cdb.mutable_inquiry()->set_evpd(true);
  cdb.mutable_inquiry()->set_page_code(kBlockLimitsPage);
  const std::string text = AskIfItHas(inspection, *facts, cdb);
  const base::Bytes page = base::AsBytes(text);
  if (page.size() < kMaximumTransferLength + 4 || page[1] != kBlockLimitsPage) return;
  facts->max_transfer_blocks = base::LoadBe32(&page[kMaximumTransferLength]);
}

// Whether the target lets nobody in who doesn't authenticate.
bool RequiresAuthentication(Inspection* inspection, const TargetFacts& facts) {
  v1::Scenario scenario;
  scenario.add_step()->mutable_login()->set_skip_security_stage(true);
  Collector answers;
  return !inspection->Play(std::move(scenario), facts, &answers).ok();
}

}  // namespace

std::string About(const std::string& uri) {
  return absl::StrCat(uri, uri.ends_with(':') ? " " : ": ");
}

absl::StatusOr<TargetFacts> InspectTarget(EndpointFactory* factory, const PlaySettings& settings,
                                          const std::string& target_name,
                                          std::optional<uint64_t> lun, initiator_sim::Tap* tap) {
  Inspection inspection(factory, settings, tap);
  TargetFacts facts;
  facts.target_name = target_name;
  if (facts.target_name.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(
        facts.target_name, DiscoverName(&inspection, factory->uri(), !settings.chap.user.empty()));
  }
  if (lun.has_value()) {
    facts.luns = {*lun};
  } else {
    PUSHPULL_ASSIGN_OR_RETURN(facts.luns, ReportLuns(&inspection, facts));
  }
  if (!facts.luns.empty()) PUSHPULL_RETURN_IF_ERROR(KeepDisks(&inspection, &facts));
  if (facts.luns.empty() && lun.has_value()) {
    return absl::UnavailableError(absl::StrCat(
        About(factory->uri()), "LUN ", *lun, " of ", facts.target_name,
        " isn't there, or is no disk (device type 0 in INQUIRY); without a LUN in --target the "
        "first disk is taken"));
  }
  if (facts.luns.empty()) {
    return absl::UnavailableError(absl::StrCat(
        About(factory->uri()), "there is no disk among the LUNs of ", facts.target_name,
        " (device type 0 in INQUIRY); give the target one, or name its LUN: .../IQN/LUN"));
  }
  PUSHPULL_RETURN_IF_ERROR(ReadCapacity(&inspection, &facts));
  ReadModePages(&inspection, &facts);
  ReadTransferLimit(&inspection, &facts);
  if (!settings.chap.user.empty()) {
    facts.authentication_required = RequiresAuthentication(&inspection, facts);
  }
  return facts;
}

void InspectKeeping(EndpointFactory* factory, const PlaySettings& settings, TargetFacts* facts) {
  constexpr uint32_t kMostBytes = 1 << 16;
  if (facts->write_protected || facts->block_size == 0 || facts->block_size > kMostBytes) return;
  Inspection inspection(factory, settings, nullptr);
  v1::Scenario scenario;
  scenario.add_step()->mutable_login();
  v1::Command* const write = AddCommand(&scenario, facts->luns[0]);
  write->mutable_cdb()->mutable_write()->set_blocks(1);
  write->mutable_write_data()->set_raw(std::string(facts->block_size, '\x5a'));
  v1::Command* const read = AddCommand(&scenario, facts->luns[0]);
  read->mutable_cdb()->mutable_read()->set_blocks(1);
  Collector answers;
  // One that can't do so much is for the cases to judge.
  if (!inspection.Play(std::move(scenario), *facts, &answers).ok()) return;
  const std::string& block = answers.text(2);
  facts->forgets_writes =
      block.size() == facts->block_size && block.find_first_not_of('\0') == std::string::npos;
}

absl::Status CheckPortals(EndpointFactory* factory, const PlaySettings& settings,
                          const TargetFacts& facts, size_t portals, initiator_sim::Tap* tap) {
  Inspection inspection(factory, settings, tap);
  for (size_t portal = 1; portal < portals; ++portal) {
    v1::Scenario scenario;
    scenario.add_step()->mutable_connect()->set_portal(static_cast<uint32_t>(portal));
    Collector answers;
    PUSHPULL_RETURN_IF_ERROR(inspection.Play(
        std::move(scenario), facts, &answers,
        absl::StrCat("portal ", portal + 1, " (each --target after the first is one): ")));
  }
  return absl::OkStatus();
}

absl::Status CheckScratch(const PlaySettings& settings, const TargetFacts& facts,
                          const std::string& uri) {
  const std::optional<uint64_t> last = settings.scratch_last_lba;
  if (!last.has_value() || *last < facts.block_count) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--scratch-lba ", settings.scratch_lba, "-", *last, ": LUN ", facts.luns[0],
                   " of ", uri, " has ", facts.block_count, " blocks, 0-",
                   facts.block_count == 0 ? 0 : facts.block_count - 1));
}

}  // namespace pushpull::conformance
