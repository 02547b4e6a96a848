// What came: set aside by connection and task, taken by steps, passed over.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/bytes.h"
#include "base/text.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/figure.h"
#include "initiator_sim/pdu/match.h"
#include "initiator_sim/pdu/scsi.h"
#include "initiator_sim/pdu/text.h"
#include "initiator_sim/player/play.h"

namespace pushpull::initiator_sim {
namespace {

constexpr size_t kTagOffset = 16;  // of the Initiator Task Tag in a BHS
// Of arrivals that no step took; what comes beyond is no conversation but a flood.
constexpr size_t kMaxArrivals = 100000;
constexpr size_t kMaxSummaries = 8;

// Whether one of them is a NOP-In that the target sends by itself.
bool HasPings(const v1::Expect& expect,
              const google::protobuf::RepeatedPtrField<v1::Alternative>& alternatives) {
  return std::any_of(alternatives.begin(), alternatives.end(), [&](const v1::Alternative& one) {
    return one.pdu().has_nop_in() && expect.task().empty() && one.task().empty();
  });
}

// The header that a Reject carries in its data (RFC 7143 §11.17.4); empty: it is too short.
std::string RejectedHeader(const v1::Pdu& reject) {
  const std::string data = DataBytes(reject.data()).value_or("");
  return data.size() < kBhsSize ? "" : data.substr(0, kBhsSize);
}

bool EndsTask(const v1::Pdu& pdu) {
  switch (pdu.kind_case()) {
    case v1::Pdu::kDataIn:
      return pdu.data_in().status_present();
    case v1::Pdu::kTextResponse:
      return pdu.text_response().final();
    case v1::Pdu::kR2T:
    case v1::Pdu::kReject:
    case v1::Pdu::kLoginResponse:
      return false;
    default:
      return true;
  }
}

}  // namespace

bool Play::PingsAreExpected() const {
  const auto& steps = script_.scenario.step();
  return std::any_of(steps.begin(), steps.end(), [](const v1::Step& step) {
    return HasPings(step.expect(), step.expect().one_of()) ||
           HasPings(step.expect(), step.expect().all_of());
  });
}

Task* Play::TaskFor(const Link* link, const v1::Pdu& pdu) {
  uint32_t tag = InitiatorTaskTagOf(pdu);
  if (pdu.has_reject()) {
    const std::string header = RejectedHeader(pdu);
    if (header.empty()) return nullptr;
    // The very PDU tells more than its tag, which two tasks may have had (on purpose).
    for (auto it = tasks_.rbegin(); it != tasks_.rend(); ++it) {
      if ((*it)->session == link->session && (*it)->WasSent(header)) {
        return (*it)->name.empty() ? nullptr : it->get();
      }
    }
    tag = base::LoadBe32(reinterpret_cast<const uint8_t*>(header.data()) + kTagOffset);
  }
  Task* task = TaskOfTag(link->session, tag);
  return task != nullptr && !task->name.empty() ? task : nullptr;
}

bool Play::CountArrival(const Link& link, const Frame& frame) {
  step_bytes_ += frame.bytes.size();
  if (++step_pdus_ <= options_.max_step_pdus && step_bytes_ <= options_.max_step_bytes) return true;
  const std::string awaiting = action_ == nullptr ? "the next step" : action_->Awaiting();
  const std::string limit = step_pdus_ > options_.max_step_pdus
                                ? absl::StrCat(options_.max_step_pdus, " PDUs")
                                : absl::StrCat(options_.max_step_bytes, " bytes");
  Fail(absl::StrCat("a flood: more than ", limit, " came on connection ", link.name,
                    " within one step, awaiting ", awaiting),
       awaiting, absl::StrCat("last:\n", FullText(frame.decoded.pdu)));
  return false;
}

std::string Play::UnfinishedOn(const Link& link) {
  if (link.channel == nullptr) return "";
  const base::Bytes bytes = link.channel->unfinished();
  if (bytes.empty()) return "";
  std::string text = absl::StrCat(bytes.size(), " bytes of an unfinished PDU");
  if (bytes.size() < kBhsSize) return text;
  const Digests digests = link.channel->receive_digests();
  // Of the header alone: what follows it isn't whole.
  return absl::StrCat(text, " of ", LayoutOf(bytes, digests).end, ":\n",
                      FullText(Decode(bytes.first(kBhsSize), {}).pdu));
}

std::string Play::Unfinished() const {
  std::vector<std::string> texts;
  for (const auto& [name, link] : links_) {
    const std::string text = link->open() ? UnfinishedOn(*link) : "";
    if (!text.empty()) texts.push_back(absl::StrCat("on ", name, ": ", text));
  }
  return absl::StrJoin(texts, "\n");
}

void Play::OnPdu(Link* link, Frame frame) {
  if (!CountArrival(*link, frame)) return;
  if (link->rdma && !JudgeIserMessage(link, frame)) return;
  const DecodedPdu& decoded = frame.decoded;
  if (!decoded.header_digest_ok || !decoded.data_digest_ok || !decoded.flaw.empty()) {
    const std::string what = !decoded.header_digest_ok ? "its header digest is wrong"
                             : !decoded.data_digest_ok ? "its data digest is wrong"
                                                       : decoded.flaw;
    Fail(absl::StrCat("a PDU came on connection ", link->name, " that is wrong in itself: ", what),
         "a PDU that agrees with its own lengths and digests", FullText(decoded.pdu));
    return;
  }
  if (arrivals_.size() >= kMaxArrivals) {
    Fail(absl::StrCat("more than ", kMaxArrivals, " PDUs came that no step expects"));
    return;
  }
  Arrival& arrival = arrivals_.emplace_back();
  arrival.number = ++arrived_;
  arrival.link = link;
  arrival.pdu = std::move(frame.decoded.pdu);
  arrival.header.assign(base::AsText(base::Bytes(frame.bytes).first(kBhsSize)));
  const v1::Pdu& pdu = arrival.pdu;
  if (target_role()) {
    OnRequestPdu(link, &arrival);
    return;
  }
  Absorb(pdu, link->session, &link->state);
  arrival.task = TaskFor(link, pdu);
  Task* const tagged = TaskOfTag(link->session, InitiatorTaskTagOf(pdu));
  if (tagged != nullptr && EndsTask(pdu)) tagged->ended = true;
  if (tagged != nullptr && !tagged->name.starts_with('@')) NoteUnitAttention(pdu);
  if (link->rdma && !JudgeIserArrival(link, pdu, frame, tagged)) return;
  if (pdu.has_login_response() && AbsorbLoginResponse(pdu, link->session, &link->state)) {
    link->channel->EnterFullFeature(link->state.digests);
  }
  // A ping can't wait for a step to look this way.
  const bool unsolicited_nop =
      pdu.has_nop_in() && pdu.nop_in().initiator_task_tag() == kReservedTag;
  if (unsolicited_nop && !pings_are_expected_ && link->full_feature() && Ignorable(pdu)) {
    PassOver(&arrival);
  }
}

void Play::NoteUnitAttention(const v1::Pdu& pdu) {
  const std::optional<v1::SenseData> sense = SenseOf(pdu);
  if (!sense || sense->sense_key() != v1::UNIT_ATTENTION) return;
  result_.unit_attention = DescribeSense(*sense);
}

void Play::OnLatePdu(Link* link, const v1::Pdu& pdu) {
  Task* const task = TaskOfTag(link->session, InitiatorTaskTagOf(pdu));
  if (task != nullptr && EndsTask(pdu)) task->ended = true;
}

Arrival* Play::FirstFor(const Link* link, const Task* task) {
  for (Arrival& arrival : arrivals_) {
    if (arrival.link == link && arrival.task == task) return &arrival;
  }
  return nullptr;
}

Arrival* Play::FirstOn(const Link* link) {
  for (Arrival& arrival : arrivals_) {
    if (arrival.link == link) return &arrival;
  }
  return nullptr;
}

v1::Pdu Play::Take(Arrival* arrival) {
  v1::Pdu pdu = std::move(arrival->pdu);
  Task* task = arrival->task;
  if (task == nullptr) task = TaskOfTag(arrival->link->session, InitiatorTaskTagOf(pdu));
  if (task != nullptr) EnterTaken(pdu, task);
  arrivals_.remove_if([&](const Arrival& one) { return &one == arrival; });
  Progressed();
  return pdu;
}

void Play::EnterTaken(const v1::Pdu& pdu, Task* task) {
  switch (pdu.kind_case()) {
    case v1::Pdu::kR2T: {
      const v1::R2t& r2t = pdu.r2t();
      task->r2t = OpenR2t{.target_transfer_tag = r2t.target_transfer_tag(),
                          .r2t_sn = r2t.r2t_sn(),
                          .buffer_offset = r2t.buffer_offset(),
                          .length = r2t.desired_data_transfer_length()};
      task->target_transfer_tag = r2t.target_transfer_tag();
      task->response_lun_bytes = r2t.lun_bytes();
      task->data_sn = 0;  // each sequence counts from 0 (§11.7.5)
      ++task->r2t_count;
      break;
    }
    case v1::Pdu::kDataIn:
      ++task->data_in_count;
      task->received_length += pdu.data_segment_length();
      if (pdu.data_in().status_present()) ++task->response_count;
      break;
    case v1::Pdu::kTextResponse:
      task->target_transfer_tag = pdu.text_response().target_transfer_tag();
      task->response_lun_bytes = pdu.text_response().lun_bytes();
      ++task->response_count;
      break;
    case v1::Pdu::kNopIn:
      task->target_transfer_tag = pdu.nop_in().target_transfer_tag();
      task->response_lun_bytes = pdu.nop_in().lun_bytes();
      ++task->response_count;
      break;
    default:
      ++task->response_count;
      break;
  }
}

bool Play::Ignorable(const v1::Pdu& pdu,
                     const google::protobuf::RepeatedPtrField<v1::Pdu>* extra) const {
  const auto covers = [&](const google::protobuf::RepeatedPtrField<v1::Pdu>& set) {
    return std::any_of(set.begin(), set.end(),
                       [&](const v1::Pdu& one) { return static_cast<bool>(Matches(one, pdu)); });
  };
  if (extra != nullptr && covers(*extra)) return true;
  if (!target_role() && pdu.has_async_message() && MayComeAtAnyTime(pdu)) return true;
  if (!script_.scenario.ignore().empty()) return covers(script_.scenario.ignore());
  if (target_role()) {
    // An initiator may ping whenever it likes; it may want an answer.
    return pdu.has_nop_out() && pdu.nop_out().initiator_task_tag() == kReservedTag;
  }
  return MayComeAtAnyTime(pdu);
}

void Play::PassOver(Arrival* arrival) {
  Link* const link = arrival->link;
  const v1::Pdu pdu = std::move(arrival->pdu);
  arrivals_.remove_if([&](const Arrival& one) { return &one == arrival; });
  if (pdu.has_nop_in() && pdu.nop_in().initiator_task_tag() == kReservedTag &&
      pdu.nop_in().target_transfer_tag() != kReservedTag) {
    AnswerPing(link, pdu.nop_in());
  }
}

void Play::PassOverIgnorable(const Link* link) {
  for (;;) {
    Arrival* const first = FirstFor(link, nullptr);
    if (first == nullptr || !Ignorable(first->pdu)) return;
    PassOver(first);
  }
}

// RFC 7143 §11.18: LUN and TTT of the ping, ITT reserved, immediate.
void Play::AnswerPing(Link* link, const v1::NopIn& ping) {
  if (!link->open() || !link->full_feature()) return;
  v1::Pdu answer;
  answer.set_immediate(true);
  answer.mutable_nop_out()->set_initiator_task_tag(kReservedTag);
  answer.mutable_nop_out()->set_target_transfer_tag(ping.target_transfer_tag());
  answer.mutable_nop_out()->set_lun_bytes(ping.lun_bytes());
  if (absl::Status status = Send(std::move(answer), link, nullptr); !status.ok()) Error(status);
}

std::string Play::Unexpected(const Link* link, bool of_tasks) {
  std::vector<std::string> lines;
  size_t count = 0;
  for (const Arrival& arrival : arrivals_) {
    if (arrival.link != link || Ignorable(arrival.pdu)) continue;
    if (!of_tasks && arrival.task != nullptr && !arrival.pdu.has_reject()) continue;
    if (++count > kMaxSummaries) continue;
    const std::string whose = arrival.task != nullptr && !arrival.task->name.starts_with('@')
                                  ? absl::StrCat(" (task ", arrival.task->name, ")")
                                  : "";
    lines.push_back(absl::StrCat("on ", link->name, ": ", Summary(arrival.pdu), whose));
  }
  if (count > kMaxSummaries) lines.push_back(absl::StrCat("and ", count - kMaxSummaries, " more"));
  return absl::StrJoin(lines, "\n");
}

// ---- tasks -----------------------------------------------------------------------------------

Task* Play::FindTask(std::string_view name) {
  const auto it = named_tasks_.find(name);
  return it == named_tasks_.end() ? nullptr : it->second;
}

Task* Play::TaskOfTag(const Session* session, uint32_t tag) {
  const auto it = tagged_tasks_.find({session, tag});
  return it == tagged_tasks_.end() ? nullptr : it->second;
}

Task* Play::NewTask(const std::string& name, Link* link) {
  tasks_.push_back(std::make_unique<Task>());
  Task* task = tasks_.back().get();
  task->name = name;
  task->session = link->session;
  task->link = link->name;
  task->tag = kReservedTag;
  if (!name.empty()) named_tasks_[name] = task;
  return task;
}

std::string Play::PrivateName(std::string_view what) {
  return absl::StrCat("@", base::ToAbsl(what), next_private_name_++);
}

void Play::Rename(Task* task, const std::string& name) {
  named_tasks_.erase(task->name);
  task->name = name;
  if (!name.empty()) named_tasks_[name] = task;
}

void Play::RegisterTag(Task* task, uint32_t tag) {
  task->tag = tag;
  if (tag != kReservedTag) tagged_tasks_[{task->session, tag}] = task;
}

}  // namespace pushpull::initiator_sim
