// Login dialogues as tests write them.
//
//   Dialogue login;
//   EXPECT_EQ(login.Say("0-1", kNames), "0-1 TargetPortalGroupTag=1");
//
// A stage is CSG, then "-NSG" with T or "+" with C. An answer is the response's stage and text;
// "final ..." and "fail STATUS ..." begin with that word; "close" has no response.

#ifndef TARGET_LOGIN_TESTING_H_
#define TARGET_LOGIN_TESTING_H_

#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "target/login/login.h"
#include "target/negotiation/testing.h"

namespace pushpull::target {

inline constexpr char kInitiator[] = "iqn.2026-11.org.example:host";
inline constexpr char kTarget[] = "iqn.2026-11.org.pushpull:reference";
inline const std::string kNames =
    std::string("InitiatorName=") + kInitiator + "|TargetName=" + kTarget;
inline const std::string kDiscoveryNames =
    std::string("InitiatorName=") + kInitiator + "|SessionType=Discovery";
inline constexpr uint16_t kNewTsih = 0x77;

// Knows one target, and the sessions that a test says.
class FakeHost : public LoginHost {
 public:
  LoginTarget FindTarget(const LoginIdentity& identity) override {
    identities.push_back(identity);
    if (identity.target_name && *identity.target_name != kTarget) {
      return {.status = LoginStatus::kNotFound};
    }
    return target;
  }
  LoginPlace FindPlace(const LoginIdentity& identity) override {
    if (place) return *place;
    if (identity.tsih != 0) return {.status = LoginStatus::kSessionDoesNotExist};
    return {};
  }

  LoginTarget target = {.target_portal_group_tag = 1};
  std::optional<LoginPlace> place;
  std::vector<LoginIdentity> identities;  // as they were asked for
};

class Dialogue {
 public:
  Dialogue() : Dialogue(LoginConfig()) {}
  explicit Dialogue(LoginConfig config) : machine(&host, std::move(config)) {
    header.initiator_task_tag = 0x10;
    header.isid = {0x80, 1, 2, 3, 4, 5};
    header.cid = 9;
    header.cmd_sn = 100;
  }

  // Sends a request and admits what can be admitted.
  std::string Say(std::string_view stage, std::string_view text = "") {
    return SayBytes(stage, WireText(text));
  }
  std::string SayBytes(std::string_view stage, std::string_view bytes) {
    LoginRequest request = header;
    request.current_stage = static_cast<Stage>(stage[0] - '0');
    request.text_continue = stage.ends_with('+');
    request.transit = stage.size() == 3;
    if (request.transit) request.next_stage = static_cast<Stage>(stage[2] - '0');
    return Show(machine.OnRequest(request, base::AsBytes(bytes)));
  }

  std::string Show(LoginStep taken) {
    step = std::move(taken);
    if (step.kind == LoginStep::Kind::kAdmit) {
      step = machine.Admit(header.tsih != 0 ? header.tsih : kNewTsih);
    }
    const LoginResponse& response = step.response;
    std::string shown;
    if (step.kind == LoginStep::Kind::kClose) return "close";
    if (step.kind == LoginStep::Kind::kFail) {
      char status[16];
      std::snprintf(status, sizeof status, "fail %02x%02x", response.status_class,
                    response.status_detail);
      CHECK(!response.transit && !response.text_continue);
      CHECK(static_cast<int>(response.current_stage) == 0);
      CHECK(static_cast<int>(response.next_stage) == 0);
      shown = status;
    } else {
      if (step.kind == LoginStep::Kind::kFinal) shown = "final ";
      shown += std::to_string(static_cast<int>(response.current_stage));
      if (response.transit) shown += "-" + std::to_string(static_cast<int>(response.next_stage));
      if (!response.transit) CHECK(static_cast<int>(response.next_stage) == 0);
      if (response.text_continue) shown += "+";
    }
    const std::string text = ShownText(step.text);
    return text.empty() ? shown : shown + " " + text;
  }

  FakeHost host;
  LoginMachine machine;
  LoginRequest header;  // of the next request, but for its flags and stages
  LoginStep step;       // the last
};

}  // namespace pushpull::target

#endif  // TARGET_LOGIN_TESTING_H_
