#include "target/discovery/send_targets.h"

#include "target/negotiation/text.h"
#include "target/negotiation/values.h"

namespace pushpull::target {
namespace {

void AppendRecord(const TargetRecord& record, std::string& text) {
  AppendPair(text, "TargetName", record.name);
  for (const TargetRecord::Portal& portal : record.portals) {
    AppendPair(text, "TargetAddress",
               portal.address + ',' + std::to_string(portal.portal_group_tag));
  }
}

}  // namespace

std::string AnswerSendTargets(const SendTargetsContext& context, std::string_view value,
                              TargetDirectory& directory) {
  std::string text;
  const bool normal = context.session_type == SessionType::kNormal;
  const bool all = value == "All";
  if (all && normal) {
    AppendPair(text, "SendTargets", kValueReject);
    return text;
  }
  for (const TargetRecord& record : directory.TargetsFor(context.initiator_name)) {
    const bool own = context.target_name == record.name;
    const bool asked_for = all || (value.empty() ? own : value == record.name);
    if (asked_for && (own || !normal)) AppendRecord(record, text);
  }
  return text;
}

}  // namespace pushpull::target
