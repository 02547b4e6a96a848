#include "initiator_sim/player/parts.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "initiator_sim/session/session.h"

namespace pushpull::initiator_sim {
namespace {

constexpr size_t kMaxHeldText = size_t{1} << 20;
constexpr uint32_t kMaxEmptyParts = 64;

// As the request that the response answers, but empty. Numbers are those of now.
v1::Pdu EmptyRequest(const v1::Pdu& request, const v1::Pdu& response) {
  v1::Pdu empty;
  if (request.has_login_request()) {
    *empty.mutable_login_request() = request.login_request();
    empty.mutable_login_request()->clear_exp_stat_sn();
  } else {
    empty.set_immediate(request.immediate());
    v1::TextRequest* const text = empty.mutable_text_request();
    text->set_final(request.text_request().final());
    text->set_lun_bytes(response.text_response().lun_bytes());
    text->set_target_transfer_tag(response.text_response().target_transfer_tag());
  }
  return empty;
}

}  // namespace

bool IsPart(const v1::Pdu& pdu) {
  return (pdu.has_login_response() && pdu.login_response().text_continue() &&
          !pdu.login_response().transit() && pdu.login_response().status_class() == 0) ||
         (pdu.has_text_response() && pdu.text_response().text_continue() &&
          !pdu.text_response().final());
}

Progress AskForRest(Play* play, Link* link, Arrival* arrival) {
  Task* const task = arrival->task;
  const v1::Pdu request = task->request;
  const bool numbered = request.has_text_request() && !request.immediate();
  if (numbered && !play->WindowOpen(*link)) return Progress::kWaiting;
  const v1::Pdu response = play->Take(arrival);
  const std::string part = TextOf(response);
  if (part.empty() && ++task->empty_parts > kMaxEmptyParts) {
    return play->Unmet("text without an end (RFC 7143 §6.2)", "a response without the C bit",
                       absl::StrCat(kMaxEmptyParts, " responses with it that hold no text"));
  }
  task->held_text += part;
  if (task->held_text.size() > kMaxHeldText) {
    return play->Unmet("text without an end (RFC 7143 §6.2)", "a response without the C bit",
                       "more than 1 MiB of text");
  }
  if (!link->open()) return Progress::kDone;
  const absl::Status status = play->Send(EmptyRequest(request, response), link, task);
  if (!status.ok()) return play->Error(status);
  // What the whole answers.
  *task->request.mutable_data() = request.data();
  return Progress::kDone;
}

void PrependHeldText(Task* task, v1::Pdu* response) {
  if (task->held_text.empty()) return;
  if (!response->has_login_response() && !response->has_text_response()) return;
  const std::string text = std::exchange(task->held_text, std::string()) + TextOf(*response);
  response->mutable_data()->set_raw(text);
}

}  // namespace pushpull::initiator_sim
