#include "tools/endpoints/target_hooks.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "pushpull/v1/scenario.pb.h"
#include "target/session/async_events.h"

namespace pushpull::tools {
namespace {

using Kind = target::AsyncRequest::Kind;

struct Named {
  const char* name;
  Kind kind;
};
constexpr Named kHooks[] = {
    {"async_logout", Kind::kLogout},
    {"async_drop_connection", Kind::kDropConnection},
    {"async_drop_session", Kind::kDropSession},
    {"async_negotiate", Kind::kNegotiation},
};

absl::StatusOr<target::AsyncRequest> RequestOf(const v1::Trigger& trigger) {
  target::AsyncRequest request;
  bool known = false;
  for (const Named& hook : kHooks) {
    if (trigger.hook() != hook.name) continue;
    known = true;
    request.kind = hook.kind;
  }
  if (!known) return absl::NotFoundError("the reference target has no such hook");
  for (const v1::Variable& argument : trigger.argument()) {
    if (argument.name() != "within_s" || argument.number() > 0xffff) {
      return absl::InvalidArgumentError(
          absl::StrCat("argument \"", argument.name(),
                       "\": there is within_s, a number of seconds from 0 to 65535"));
    }
    request.within_s = static_cast<uint16_t>(argument.number());
  }
  return request;
}

}  // namespace

std::vector<std::string> TargetHookNames() {
  std::vector<std::string> names;
  for (const Named& hook : kHooks) names.emplace_back(hook.name);
  return names;
}

initiator_sim::Hook HookOfTarget(target::Target* target, fabric::Loop* loop) {
  return [target, loop](const v1::Trigger& trigger, initiator_sim::HookDone done) {
    const absl::StatusOr<target::AsyncRequest> request = RequestOf(trigger);
    if (!request.ok()) return done(request.status());
    target->Announce(*request, [loop, done = std::move(done)](size_t count) mutable {
      loop->Post([count, done = std::move(done)]() mutable {
        done(count > 0 ? absl::OkStatus()
                       : absl::FailedPreconditionError("there is no session to do it to"));
      });
    });
  };
}

}  // namespace pushpull::tools
