// How a login ends: admitted, refused or dropped.

#include <string>
#include <utility>

#include "base/check.h"
#include "target/login/login.h"

namespace pushpull::target {

LoginStep LoginMachine::Admit(uint16_t tsih) {
  CHECK(state_ == State::kAdmitting);
  CHECK_NE(tsih, 0);
  if (first_.tsih != 0) CHECK_EQ(tsih, first_.tsih);
  state_ = State::kDone;
  result_.tsih = tsih;
  LoginStep step;
  step.kind = LoginStep::Kind::kFinal;
  step.response = MakeResponse();
  step.response.transit = true;
  step.response.current_stage = stage_;
  step.response.next_stage = Stage::kFullFeaturePhase;
  step.response.tsih = config_.bugs.Has(Bug::kTsihZeroAtEnd) ? 0 : tsih;
  step.text = std::move(final_text_);
  return step;
}

LoginStep LoginMachine::Refuse(LoginStatus status, std::string reason) {
  CHECK(state_ == State::kAdmitting);
  return Fail({status, {std::move(reason), "RFC 7143 §11.13.5"}, {}});
}

LoginStep LoginMachine::RefuseRequest(const LoginRequest& request, LoginStatus status,
                                      std::string reason) {
  if (state_ == State::kDone) return Close("a request behind the end of the Login Phase");
  Begin(request);
  return Fail({status, {std::move(reason), "RFC 7143 §11.13.5"}, {}});
}

void LoginMachine::SetCommandWindow(uint32_t exp_cmd_sn, uint32_t max_cmd_sn) {
  exp_cmd_sn_ = exp_cmd_sn;
  max_cmd_sn_ = max_cmd_sn;
}

LoginStep LoginMachine::Close(std::string reason) {
  state_ = State::kDone;
  LoginStep step;
  step.error = {std::move(reason), "RFC 7143 §4.2.4"};
  return step;
}

// T, CSG and NSG are reserved in it (§6.3.1).
LoginStep LoginMachine::Fail(Failure failure) {
  state_ = State::kDone;
  out_.Clear();
  LoginStep step;
  step.kind = LoginStep::Kind::kFail;
  step.status = failure.status;
  step.error = std::move(failure.error);
  step.text = std::move(failure.text);
  step.response = MakeResponse();
  step.response.status_class = StatusClass(step.status);
  step.response.status_detail = StatusDetail(step.status);
  return step;
}

LoginResponse LoginMachine::MakeResponse() {
  LoginResponse response;
  if (!config_.bugs.Has(Bug::kLoginIsidNotEchoed)) response.isid = first_.isid;
  response.tsih = first_.tsih;  // a new session's only in the final response (§11.13.3)
  response.initiator_task_tag = current_.initiator_task_tag;
  response.stat_sn = stat_sn_;
  if (!config_.bugs.Has(Bug::kLoginStatSnStuck)) ++stat_sn_;
  if (config_.bugs.Has(Bug::kLoginCmdSnAdvances))
    SetCommandWindow(exp_cmd_sn_ + 1, max_cmd_sn_ + 1);
  response.exp_cmd_sn = exp_cmd_sn_;
  response.max_cmd_sn = max_cmd_sn_;
  return response;
}

}  // namespace pushpull::target
