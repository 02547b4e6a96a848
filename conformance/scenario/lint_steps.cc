#include "conformance/scenario/lint_steps.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "initiator_sim/pdu/field_path.h"
#include "initiator_sim/pdu/scsi.h"

namespace pushpull::conformance {
namespace {

using base::ToAbsl;

std::string NameOf(const v1::Step& step) {
  return step.connection().empty() ? "c1" : step.connection();
}

bool IsRdma(const v1::Step& step) {
  return step.has_register_() || step.has_withhold_receives() || step.has_expect_rdma() ||
         step.has_disconnect();
}
bool IsTargets(const v1::Step& step) {
  return step.has_accept() || step.has_accept_login() || step.has_serve();
}
bool IsInitiators(const v1::Step& step) {
  return step.has_connect() || step.has_login() || step.has_serve_r2ts() ||
         step.has_gather_data_in() || step.has_text_until_final() || step.has_command() ||
         step.has_probe() || step.has_logout() || step.has_check_blocks() || step.has_connections();
}

// A step that can't make a case fail by itself, whatever the target does.
bool CanJudge(const v1::Step& step) {
  switch (step.action_case()) {
    case v1::Step::kConnect:
      return step.connect().expect_refused();
    case v1::Step::kSend:
    case v1::Step::kElapse:
    case v1::Step::kTrigger:
    case v1::Step::kRequireNegotiated:
    case v1::Step::kRequire:
    case v1::Step::kClose:
    case v1::Step::kAcknowledge:
    case v1::Step::kRegister:
    case v1::Step::kWithholdReceives:
    case v1::Step::kDisconnect:
    case v1::Step::kAccept:
    case v1::Step::kServe:
      return false;
    default:
      return true;
  }
}

}  // namespace

bool IsWrite(const v1::Cdb& cdb) {
  const auto bytes = initiator_sim::EncodeCdb(cdb);
  if (!bytes.ok() || bytes->empty()) return false;
  switch ((*bytes)[0]) {
    case 0x04:  // FORMAT UNIT
    case 0x0a:  // WRITE (6), (10), (12), (16)
    case 0x2a:
    case 0xaa:
    case 0x8a:
    case 0x2e:  // WRITE AND VERIFY
    case 0xae:
    case 0x8e:
    case 0x41:  // WRITE SAME
    case 0x93:
    case 0x42:  // UNMAP
    case 0x89:  // COMPARE AND WRITE
    case 0x8b:  // ORWRITE
    case 0x9c:  // WRITE ATOMIC
    case 0x48:  // SANITIZE
    case 0x83:  // EXTENDED COPY
    case 0x53:  // XDWRITEREAD
    case 0x51:  // XPWRITE
      return true;
    case 0x7f:  // 32 bytes: WRITE, WRITE AND VERIFY, WRITE SAME
      return bytes->size() > 9 && (*bytes)[9] >= 0x0b && (*bytes)[9] <= 0x0d;
    default:
      return false;
  }
}

StepLinter::StepLinter(const v1::Scenario& scenario, const std::set<std::string>* requirements,
                       Report report)
    : scenario_(scenario), requirements_(requirements), report_(std::move(report)) {
  for (const v1::Variable& variable : scenario.let()) values_.insert(variable.name());
}

void StepLinter::Say(std::string_view rule, std::string message) {
  report_(index_, rule, std::move(message));
}

void StepLinter::Run(bool judged) {
  judged_ = judged;
  LintNames();
  for (index_ = 0; index_ < static_cast<size_t>(scenario_.step_size()); ++index_) {
    const int i = static_cast<int>(index_);
    LintStep(scenario_.step(i));
    LintDelivery(scenario_.step(i),
                 i + 1 < scenario_.step_size() ? &scenario_.step(i + 1) : nullptr);
  }
}

void StepLinter::LintNames() {
  for (index_ = 0; index_ < static_cast<size_t>(scenario_.step_size()); ++index_) {
    const std::string& name = scenario_.step(static_cast<int>(index_)).name();
    if (name.empty()) continue;
    if (!step_names_.emplace(name, index_).second) {
      Say("duplicate_step",
          absl::StrCat("step name \"", name, "\" stands twice; give each its own"));
    }
  }
}

void StepLinter::LintStep(const v1::Step& step) {
  if (resumes_at_ == index_ && index_ > 0) ended_ = false;
  if (ended_) {
    Say("unreachable",
        "no path leads to this step: each alternative before it ends the case; "
        "remove it, or let one go on");
    ended_ = false;  // said once
  }
  if (step.action_case() == v1::Step::ACTION_NOT_SET) {
    Say("no_action", "the step says nothing of what to do; name an action (send, expect ...)");
    return;
  }
  LintRole(step);
  LintCites(step);
  if (scenario_.has_trace()) {
    LintTrace(step);
  } else {
    LintConnection(step);
    if (judged_) LintLimits(step);
  }
  LintAction(step);
  if (CanJudge(step)) judges_ = true;
}

void StepLinter::LintRole(const v1::Step& step) {
  const bool target = scenario_.role() == v1::TARGET;
  if (target && IsInitiators(step)) {
    Say("wrong_role",
        "an initiator's step in a scenario that plays the target; use accept, "
        "accept_login, serve, expect and send");
  }
  if (!target && IsTargets(step)) {
    Say("wrong_role", "a target's step; say role: TARGET, or use connect and login");
  }
  if (IsRdma(step) && scenario_.needs().transport() != v1::ISER_ONLY) {
    Say("needs_transport", "an RDMA step; say needs { transport: ISER_ONLY }");
  }
}

void StepLinter::LintTrace(const v1::Step& step) {
  if (!step.has_send() || NameOf(step) != NameOf(scenario_.step(0))) {
    Say("trace",
        "a trace is encoded without a peer: it has only send steps, all of one connection; "
        "remove this step, or trace {}");
  }
}

void StepLinter::LintCites(const v1::Step& step) {
  for (const std::string& cite : step.cite()) {
    if (requirements_ != nullptr && !requirements_->contains(cite)) {
      Say("unknown_cite", absl::StrCat("cites \"", cite,
                                       "\", which the catalogue doesn't have; "
                                       "look it up with `pushpull list --requirements`"));
    }
    const auto& all = scenario_.cite();
    if (std::find(all.begin(), all.end(), cite) == all.end()) {
      Say("step_cite", absl::StrCat("the step cites \"", cite,
                                    "\", the scenario doesn't; add it "
                                    "to the scenario's cite"));
    }
  }
}

void StepLinter::LintDelivery(const v1::Step& step, const v1::Step* next) {
  const v1::Delivery& delivery = step.delivery();
  for (int i = 1; i < delivery.cut_size(); ++i) {
    if (delivery.cut(i) <= delivery.cut(i - 1)) {
      Say("cuts", absl::StrCat("cut ", delivery.cut(i), " stands after ", delivery.cut(i - 1),
                               "; cuts ascend"));
    }
  }
  if (delivery.cut_size() > 0 && delivery.cut(0) == 0) {
    Say("cuts", "a cut at 0 cuts nothing; the first possible one is 1");
  }
  if (step.has_delivery() && !step.has_send() && !step.has_serve_r2ts()) {
    Say("delivery",
        "delivery stands on a step that has no bytes of its own to send; only send "
        "and serve_r2ts have");
  }
  if (delivery.join_next() && !scenario_.has_trace() &&
      (next == nullptr || !next->has_send() || NameOf(*next) != NameOf(step))) {
    Say("join_next",
        "join_next holds the PDU back, but the next step is no send on the same "
        "connection; put that send right after it");
  }
}

void StepLinter::LintConnection(const v1::Step& step) {
  const std::string name = NameOf(step);
  switch (step.action_case()) {
    case v1::Step::kConnect:
    case v1::Step::kAccept:
      if (connections_.contains(name) && connections_.find(name)->second == Open::kOpen) {
        // A peer may have ended it since; only what the scenario itself does is known here.
        return;
      }
      connections_[name] = Open::kOpen;
      return;
    case v1::Step::kLogin:
      connections_[name] = Open::kOpen;
      return;
    case v1::Step::kProbe:
      if (step.probe().on_new_connection()) return;
      break;
    case v1::Step::kElapse:
      if (step.elapse().negotiated_key().empty()) return;
      break;
    case v1::Step::kTrigger:
    case v1::Step::kCheckBlocks:
    case v1::Step::kConnections:
    case v1::Step::kRegister:
      return;
    default:
      break;
  }
  const auto connection = connections_.find(name);
  if (connection == connections_.end()) {
    Say("connection",
        absl::StrCat("connection ", name, " is used before it is opened; ",
                     scenario_.role() == v1::TARGET ? "accept" : "connect or log in", " first"));
    connections_[name] = Open::kOpen;  // said once
  } else if (connection->second == Open::kClosed && !step.has_close() && !step.has_elapse()) {
    Say("connection", absl::StrCat("connection ", name,
                                   " was closed by a step before; nothing "
                                   "can be sent or come on it"));
  }
  if (step.has_close() && step.close().how() != v1::FIN_WRITE_ONLY) {
    connections_[name] = Open::kClosed;
  }
}

void StepLinter::LintAction(const v1::Step& step) {
  switch (step.action_case()) {
    case v1::Step::kConnect:
      return LintConnect(step.connect());
    case v1::Step::kLogin:
      return LintLogin(step.login());
    case v1::Step::kSend:
      return LintSend(step);
    case v1::Step::kExpect:
      LintExpect(step.expect());
      return LintReachability(step);
    case v1::Step::kServeR2Ts: {
      UseTask(step.serve_r2ts().task(), "serve_r2ts");
      v1::Pdu r2t;
      r2t.mutable_r2t();
      return UsePredicates(step.serve_r2ts().where(), r2t);
    }
    case v1::Step::kGatherDataIn: {
      UseTask(step.gather_data_in().task(), "gather_data_in");
      v1::Pdu data_in;
      data_in.mutable_data_in();
      return UsePredicates(step.gather_data_in().where(), data_in);
    }
    case v1::Step::kTextUntilFinal:
      return LintText(step.text_until_final());
    case v1::Step::kCommand:
      return LintCommand(step.command());
    case v1::Step::kProbe: {
      v1::Pdu nop_in;
      nop_in.mutable_nop_in();
      return UsePredicates(step.probe().where(), nop_in);
    }
    case v1::Step::kConnections:
      return LintConnections(step.connections());
    case v1::Step::kElapse:
      return LintElapse(step.elapse());
    case v1::Step::kRequire:
      return UseValue(step.require().value(), "require");
    case v1::Step::kTrigger: {
      const auto& hooks = scenario_.needs().hook();
      if (std::find(hooks.begin(), hooks.end(), step.trigger().hook()) == hooks.end()) {
        Say("needs_hook",
            absl::StrCat("hook \"", step.trigger().hook(),
                         "\" isn't declared; say needs { hook: \"", step.trigger().hook(), "\" }"));
      }
      return;
    }
    case v1::Step::kCheckBlocks:
      if (!step.check_blocks().lun_from().empty())
        UseValue(step.check_blocks().lun_from(), "lun_from");
      return;
    case v1::Step::kAcceptLogin: {
      v1::Pdu request;
      request.mutable_login_request();
      UseRules(step.accept_login().offered());
      return UseSaves(step.accept_login().save(), request);
    }
    default:
      return;
  }
}

void StepLinter::LintConnect(const v1::Connect& connect) {
  UsePortal(connect.portal());
  if (!connect.address_from().empty()) UseValue(connect.address_from(), "address_from");
}

void StepLinter::LintLogin(const v1::LoginDriver& login) {
  UsePortal(login.portal());
  if (!login.address_from().empty()) UseValue(login.address_from(), "address_from");
  UseKeys(login.key());
  UseRules(login.result());
  v1::Pdu response;
  response.mutable_login_response();
  UseSaves(login.save(), response);
  if (login.has_isid() && login.isid().size() != 6) {
    Say("isid", absl::StrCat("an ISID has six bytes, this one ", login.isid().size()));
  }
  if (login.chap().mutual() && !scenario_.needs().mutual_chap()) {
    Say("needs_chap", "mutual CHAP needs the target's secret; say needs { mutual_chap: true }");
  } else if (login.has_chap() && !scenario_.needs().chap() && !scenario_.needs().mutual_chap() &&
             !(login.chap().has_user() && login.chap().has_secret())) {
    Say("needs_chap", "CHAP needs credentials; say needs { chap: true }, or give user and secret");
  }
}

void StepLinter::LintConnections(const v1::Connections& connections) {
  if (connections.count() == 0) Say("no_action", "connections says not how many; give count");
  if (connections.has_login()) LintLogin(connections.login());
  if (connections.has_command() && !connections.has_login()) {
    Say("connection", "a command needs connections that are logged in; give login {}");
  }
  if (connections.has_command()) LintCommand(connections.command());
}

void StepLinter::LintText(const v1::TextUntilFinal& text) {
  UseKeys(text.offer());
  UseRules(text.key());
  BeginTask(text.task(), 0);
  v1::Pdu response;
  response.mutable_text_response();
  UseSaves(text.save(), response);
  if (!text.save_as().empty()) values_.insert(text.save_as());
}

void StepLinter::LintCommand(const v1::Command& command) {
  v1::Pdu pdu;
  *pdu.mutable_scsi_command()->mutable_cdb() = command.cdb();
  UseBindings(command.bind(), pdu);
  BeginTask(command.task(), 0);
  v1::Pdu response;
  response.mutable_scsi_response();
  UsePredicates(command.where(), response);
  if (!command.save_data_as().empty()) values_.insert(command.save_data_as());
  if (command.cdb().command_case() == v1::Cdb::COMMAND_NOT_SET) {
    Say("no_cdb", "the command has no CDB");
  }
  if (IsWrite(command.cdb())) writes_ = true;
}

void StepLinter::LintElapse(const v1::Elapse& elapse) {
  if (elapse.how_long_case() == v1::Elapse::HOW_LONG_NOT_SET) {
    Say("no_action", "elapse says not how long; give milliseconds or negotiated_key");
  }
  const auto& tags = scenario_.tag();
  const bool slow = std::find(tags.begin(), tags.end(), "slow") != tags.end();
  if (!slow && !scenario_.needs().virtual_time()) {
    Say("slow",
        "lets time pass, which takes as long on a real network; tag the case \"slow\", or "
        "say needs { virtual_time: true }");
  }
}

void StepLinter::LintSend(const v1::Step& step) {
  const v1::Send& send = step.send();
  if (send.pdu().kind_case() == v1::Pdu::KIND_NOT_SET && send.refers_to().empty()) {
    Say("no_kind", "the PDU to be sent has no kind; say which it is (nop_out {} ...), or raw {}");
    return;
  }
  const v1::Pdu& pdu = send.pdu();
  const bool goes_on = pdu.has_data_out() || pdu.has_snack_request();
  // A target names the task of a request that an `expect` took; a trace has none.
  const bool as_target = scenario_.role() == v1::TARGET && !scenario_.has_trace();
  if ((goes_on || as_target) && !send.task().empty()) UseTask(send.task(), "send");
  if (!send.refers_to().empty()) UseTask(send.refers_to(), "refers_to");
  UseBindings(send.bind(), pdu);
  UseKeys(send.key());
  BeginTask(send.task(), send.count());
  for (const v1::Adjustment& adjustment : send.adjust()) CheckField(adjustment.field(), pdu, false);
  LintMisbehaviour(send.misbehaviour(), pdu);
  if (pdu.has_scsi_command() && IsWrite(pdu.scsi_command().cdb())) writes_ = true;
}

void StepLinter::LintExpect(const v1::Expect& expect) {
  if (expect.one_of().empty() && expect.all_of().empty()) {
    Say("no_action", "expect lists nothing; give one_of or all_of");
  }
  if (expect.count() > 0 && expect.task().empty()) {
    Say("expect_count", "count needs the name of the tasks; give task");
  }
  // As a target an expectation may name the task of the request that it takes.
  const bool names = scenario_.role() == v1::TARGET;
  if (!expect.task().empty() && !names) {
    UseTask(expect.count() > 0 ? absl::StrCat(expect.task(), expect.count() - 1) : expect.task(),
            "expect");
  }
  if (names) BeginTask(expect.task(), expect.count());
  for (const v1::Alternative& one : expect.one_of()) LintAlternative(expect, one);
  for (const v1::Alternative& one : expect.all_of()) LintAlternative(expect, one);
}

void StepLinter::LintAlternative(const v1::Expect& expect, const v1::Alternative& alternative) {
  const v1::Pdu& pdu = alternative.pdu();
  const bool anything = !alternative.closed() && pdu.ByteSizeLong() == 0 &&
                        alternative.where().empty() && alternative.key().empty() &&
                        alternative.rejects().empty();
  if (anything && alternative.verdict() != v1::ALTERNATIVE_FAIL) {
    Say("cannot_fail",
        "an alternative that matches every PDU, so the expectation can't fail; say "
        "what is expected");
  }
  if (alternative.closed() && pdu.ByteSizeLong() > 0) {
    Say("cannot_fail", "an alternative is a PDU or the connection's end, not both; make it two");
  }
  if (!alternative.task().empty() && scenario_.role() != v1::TARGET) {
    UseTask(alternative.task(), "expect");
  }
  if (!alternative.rejects().empty()) {
    UseTask(alternative.rejects(), "rejects");
    if (!pdu.has_reject()) {
      Say("rejects", "rejects stands on what is no Reject; give pdu { reject {} }");
    }
  }
  UsePredicates(alternative.where(), pdu);
  UseRules(alternative.key());
  UseSaves(alternative.save(), pdu);
  const v1::AlternativeVerdict verdict = alternative.verdict();
  if (verdict == v1::ALTERNATIVE_AMBIGUOUS && alternative.ambiguity().empty()) {
    Say("ambiguity", "an ambiguous alternative names no ambiguity of the register (\"A18\")");
  }
  if (verdict != v1::ALTERNATIVE_PASS && alternative.why().empty()) {
    Say("verdict_why", absl::StrCat(v1::AlternativeVerdict_Name(verdict),
                                    " without a reason for the reader; give why"));
  }
  if (!alternative.go_to().empty()) {
    const auto target = step_names_.find(alternative.go_to());
    if (target == step_names_.end() || target->second <= index_) {
      Say("go_to", absl::StrCat("go_to \"", alternative.go_to(),
                                "\": no step further down has this name; there are no loops"));
    } else {
      resumes_at_ = target->second;
    }
  }
  (void)expect;
}

void StepLinter::LintReachability(const v1::Step& step) {
  const auto leaves = [](const v1::Alternative& one) {
    return one.ends() || !one.go_to().empty() || one.verdict() == v1::ALTERNATIVE_FAIL ||
           one.verdict() == v1::ALTERNATIVE_SKIP || one.verdict() == v1::ALTERNATIVE_UNSUPPORTED;
  };
  const auto& one_of = step.expect().one_of();
  if (!one_of.empty() && std::all_of(one_of.begin(), one_of.end(), leaves)) ended_ = true;
}

}  // namespace pushpull::conformance
