// PDUs of the target that don't come, come twice, too late or unasked, and connections that end.

#include "absl/strings/str_cat.h"
#include "tools/faults/fault.h"
#include "tools/faults/kinds.h"

namespace pushpull::faults {
namespace {

using v1::Pdu;

Fault Of(PduKind kind, const std::string& what,
         std::function<std::optional<Outcome>(Passing*, const Image&)> plant) {
  Fault fault;
  fault.name = absl::StrCat(NameOfKind(kind), ":", what);
  fault.kind = kind;
  fault.plant = [kind, plant = std::move(plant)](Passing* passing,
                                                 const Image& pdu) -> std::optional<Outcome> {
    return pdu.kind() == kind ? plant(passing, pdu) : std::nullopt;
  };
  return fault;
}

std::vector<Fault> ComeWrong(PduKind kind) {
  std::vector<Fault> faults;
  faults.push_back(Of(kind, "dropped", [](Passing*, const Image&) { return Outcome(); }));
  faults.push_back(
      Of(kind, "dropped_and_renumbered", [](Passing*, const Image& pdu) -> std::optional<Outcome> {
        if (!CountsStatSn(pdu)) return std::nullopt;
        Outcome outcome;
        outcome.stat_sn_shift = -1;
        return outcome;
      }));
  faults.back().renumbers = true;
  faults.push_back(Of(kind, "twice", [](Passing*, const Image& pdu) {
    Outcome outcome;
    outcome.now = {pdu, pdu};
    return outcome;
  }));
  faults.push_back(
      Of(kind, "twice_and_renumbered", [](Passing*, const Image& pdu) -> std::optional<Outcome> {
        if (!CountsStatSn(pdu)) return std::nullopt;
        Outcome outcome;
        outcome.now = {pdu, pdu};
        outcome.now[1].SetWord(kStatSn, pdu.Word(kStatSn) + 1);
        outcome.stat_sn_shift = 1;
        return outcome;
      }));
  faults.back().renumbers = true;
  faults.push_back(Of(kind, "behind_the_next", [](Passing*, const Image& pdu) {
    Outcome outcome;
    outcome.later = {pdu};
    return outcome;
  }));
  faults.push_back(Of(kind, "then_fin", [](Passing*, const Image& pdu) {
    Outcome outcome = Only(pdu);
    outcome.end = Outcome::End::kFin;
    return outcome;
  }));
  faults.push_back(Of(kind, "reset_instead", [](Passing*, const Image&) {
    Outcome outcome;
    outcome.end = Outcome::End::kReset;
    return outcome;
  }));
  for (const size_t left : {1, 20}) {
    faults.push_back(
        Of(kind, absl::StrCat("cut_", left, "_before_its_end"), [left](Passing*, const Image& pdu) {
          Outcome outcome;
          outcome.raw = PutTogether(pdu);
          outcome.raw.resize(outcome.raw.size() - left);
          outcome.end = Outcome::End::kFin;
          return outcome;
        }));
  }
  return faults;
}

// ---- what nobody asked for -------------------------------------------------------------------

struct Unasked {
  const char* name;
  Pdu pdu;
};

constexpr uint32_t kNobodysTag = 0x7fedcba9;

Pdu Tagged(Pdu pdu, uint32_t tag) {
  const auto* kind = Pdu::descriptor()->FindFieldByNumber(static_cast<int>(pdu.kind_case()));
  auto* message = pdu.GetReflection()->MutableMessage(&pdu, kind);
  const auto* field = message->GetDescriptor()->FindFieldByName("initiator_task_tag");
  message->GetReflection()->SetUInt32(message, field, tag);
  return pdu;
}

std::vector<Unasked> AnswersOfEachKind() {
  std::vector<Unasked> all;
  Pdu pdu;
  pdu.mutable_nop_in();
  all.push_back({"nop_in", pdu});
  pdu.mutable_scsi_response();
  all.push_back({"scsi_response", pdu});
  pdu.mutable_task_management_response();
  all.push_back({"task_management_response", pdu});
  pdu.mutable_login_response();
  all.push_back({"login_response", pdu});
  pdu.mutable_text_response();
  all.push_back({"text_response", pdu});
  pdu.mutable_data_in();
  pdu.mutable_data()->set_raw("0123");
  all.push_back({"data_in", pdu});
  pdu.mutable_data_in()->set_status_present(true);
  all.push_back({"data_in_with_status", pdu});
  pdu.clear_data();
  pdu.mutable_logout_response();
  all.push_back({"logout_response", pdu});
  pdu.mutable_r2t()->set_desired_data_transfer_length(512);
  all.push_back({"r2t", pdu});
  return all;
}

std::vector<Unasked> AsyncAndReject() {
  std::vector<Unasked> all;
  Pdu pdu;
  const auto async = [&pdu, &all](const char* name, int event) {
    pdu.mutable_async_message()->set_async_event(static_cast<v1::AsyncEvent>(event));
    all.push_back({name, pdu});
  };
  async("async_message_with_event_6", 6);
  async("async_message_of_terminated_tasks", v1::TASKS_TERMINATED);
  async("async_message_of_a_scsi_event_without_sense", v1::SCSI_ASYNC_EVENT);
  async("async_message_of_a_logout_request", v1::LOGOUT_REQUEST);
  async("async_message_of_a_dropped_session", v1::SESSION_DROP_NOTIFICATION);
  async("async_message_of_a_negotiation_request", v1::NEGOTIATION_REQUEST);
  pdu.mutable_reject()->set_reason(v1::PROTOCOL_ERROR);
  all.push_back({"reject_without_header", pdu});
  pdu.mutable_data()->set_raw(std::string(48, '\x11'));
  all.push_back({"reject_of_what_was_not_sent", pdu});
  return all;
}

enum class Where : uint8_t { kLogin, kFullFeature, kAfterLogout };

bool Stands(Where where, const Passing& passing, const Image& pdu) {
  switch (where) {
    case Where::kLogin:
      return pdu.kind() == Pdu::kLoginResponse && !passing.full_feature;
    case Where::kFullFeature:
      return passing.full_feature && !passing.logged_out;
    case Where::kAfterLogout:
      return pdu.kind() == Pdu::kLogoutResponse;
  }
  return false;
}

// `pdu` with the right numbers, before (or, at the logout, behind) what passes.
Fault Inserted(std::string name, Where where, Pdu message, bool of_a_live_task) {
  Fault fault;
  fault.name = std::move(name);
  fault.renumbers = true;
  fault.plant = [where, message, of_a_live_task](Passing* passing,
                                                 const Image& pdu) -> std::optional<Outcome> {
    if (!Stands(where, *passing, pdu)) return std::nullopt;
    Pdu with_tag = message;
    if (!message.has_async_message() && !message.has_reject()) {
      // Ahead of its own answer.
      const bool live = passing->live.contains(pdu.Word(kItt)) && pdu.kind() != message.kind_case();
      if (of_a_live_task && !live) return std::nullopt;
      with_tag = Tagged(message, of_a_live_task ? pdu.Word(kItt) : kNobodysTag);
    }
    Image extra = ImageOf(with_tag, pdu.digests);
    const bool behind = where == Where::kAfterLogout;
    const bool counts = CountsStatSn(extra);
    extra.SetWord(kStatSn, passing->next_stat_sn - (CountsStatSn(pdu) && !behind ? 1 : 0));
    extra.SetWord(kExpCmdSn, pdu.Word(kExpCmdSn));
    extra.SetWord(kMaxCmdSn, pdu.Word(kMaxCmdSn));
    Image next = pdu;
    if (counts && !behind && (CountsStatSn(pdu) || pdu.kind() != Pdu::kDataIn)) {
      next.SetWord(kStatSn, pdu.Word(kStatSn) + 1);
    }
    Outcome outcome;
    outcome.now = behind ? std::vector<Image>{next, extra} : std::vector<Image>{extra, next};
    outcome.stat_sn_shift = counts ? 1 : 0;
    return outcome;
  };
  return OncePerConnection(std::move(fault));
}

std::vector<Fault> Insertions() {
  std::vector<Fault> faults;
  std::vector<Unasked> all = AnswersOfEachKind();
  for (const Unasked& unasked : all) {
    faults.push_back(
        Inserted(absl::StrCat("inserted:", unasked.name, "_for_a_task_of_another_kind"),
                 Where::kFullFeature, unasked.pdu, true));
  }
  for (Unasked& more : AsyncAndReject()) all.push_back(std::move(more));
  for (const Unasked& unasked : all) {
    const std::string name = absl::StrCat("inserted:", unasked.name, "_for_nobody");
    faults.push_back(Inserted(absl::StrCat(name, "_in_login"), Where::kLogin, unasked.pdu, false));
    faults.push_back(Inserted(name, Where::kFullFeature, unasked.pdu, false));
    faults.push_back(
        Inserted(absl::StrCat(name, "_after_logout"), Where::kAfterLogout, unasked.pdu, false));
  }
  return faults;
}

}  // namespace

std::vector<Fault> OrderFaults() {
  std::vector<Fault> faults;
  for (const PduKind kind : kAnswers) {
    for (Fault& fault : ComeWrong(kind)) faults.push_back(std::move(fault));
  }
  for (Fault& fault : Insertions()) faults.push_back(std::move(fault));
  return faults;
}

}  // namespace pushpull::faults
