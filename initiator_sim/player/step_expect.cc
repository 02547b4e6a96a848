// expect, expect_closed.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "initiator_sim/pdu/match.h"
#include "initiator_sim/pdu/text.h"
#include "initiator_sim/player/judge.h"
#include "initiator_sim/player/parts.h"
#include "initiator_sim/player/steps.h"

namespace pushpull::initiator_sim {
namespace {

// What a profile that chose a reading makes of an alternative that the RFCs leave open.
v1::AlternativeVerdict VerdictOf(const v1::Alternative& alternative, const PlayerOptions& options) {
  if (alternative.verdict() != v1::ALTERNATIVE_AMBIGUOUS) return alternative.verdict();
  const auto reading = options.readings.find(alternative.ambiguity());
  if (reading == options.readings.end()) return v1::ALTERNATIVE_AMBIGUOUS;
  return reading->second == alternative.reading() ? v1::ALTERNATIVE_PASS : v1::ALTERNATIVE_FAIL;
}

class ExpectAction : public Action {
 public:
  ExpectAction(Play* play, const v1::Step& step)
      : play_(play), link_name_(play->LinkName(step.connection())), expect_(step.expect()) {
    const uint32_t count = play->CountOf(expect_.task(), expect_.count());
    for (uint32_t i = 0; i < std::max(count, 1u); ++i) {
      const std::string task = count == 0 ? expect_.task() : absl::StrCat(expect_.task(), i);
      for (const v1::Alternative& one : expect_.all_of()) Add(&all_, one, task);
      if (count > 0) {
        // Each of the tasks has its own choice among the same alternatives.
        Group& group = groups_.emplace_back();
        for (const v1::Alternative& one : expect_.one_of()) Add(&group.alternatives, one, task);
      }
    }
    if (count == 0 && !expect_.one_of().empty()) {
      Group& group = groups_.emplace_back();
      for (const v1::Alternative& one : expect_.one_of()) {
        Add(&group.alternatives, one, expect_.task());
      }
    }
  }

  Progress Advance() override {
    link_ = play_->FindLink(link_name_);
    if (link_ == nullptr) {
      return play_->Error(
          absl::InvalidArgumentError(absl::StrCat("connection ", link_name_, " was never opened")));
    }
    for (;;) {
      if (all_.empty() && groups_.empty()) return Progress::kDone;
      Arrival* const arrival = NextArrival();
      if (arrival == nullptr) {
        if (link_->open()) return Progress::kWaiting;
        const Progress progress = OnEnd();
        if (progress != Progress::kDone) return progress;
        continue;
      }
      const Progress progress = OnArrival(arrival);
      if (progress != Progress::kDone) return progress;
    }
  }

  std::string Awaiting() const override { return absl::StrJoin(Expected(), " or "); }

 private:
  // An alternative with the task that it is about.
  struct Due {
    const v1::Alternative* alternative;
    std::string task;
  };
  struct Group {
    std::vector<Due> alternatives;
  };

  static void Add(std::vector<Due>* list, const v1::Alternative& one, const std::string& task) {
    list->push_back({&one, one.task().empty() ? task : one.task()});
  }

  // While all_of stands, it comes first; then one_of.
  std::vector<const Due*> Candidates() const {
    std::vector<const Due*> candidates;
    if (!all_.empty()) {
      for (const Due& due : all_) candidates.push_back(&due);
      return candidates;
    }
    for (const Group& group : groups_) {
      for (const Due& due : group.alternatives) candidates.push_back(&due);
    }
    return candidates;
  }

  std::vector<std::string> Expected() const {
    std::vector<std::string> expected;
    for (const Due* due : Candidates()) {
      std::string text = DescribeAlternative(*due->alternative);
      if (!due->task.empty()) absl::StrAppend(&text, " for task ", due->task);
      expected.push_back(std::move(text));
    }
    return expected;
  }

  bool InScope(const Arrival& arrival) const {
    if (arrival.link != link_) return false;
    for (const Due* due : Candidates()) {
      const Task* task = due->task.empty() ? nullptr : play_->FindTask(due->task);
      // As a target: a request that begins the task to be named.
      if (play_->target_role() && !due->task.empty() && task == nullptr &&
          arrival.task == nullptr) {
        return true;
      }
      if ((due->task.empty() || task != nullptr) && arrival.task == task) return true;
      if (!due->alternative->rejects().empty() && arrival.pdu.has_reject()) {
        const Task* rejected = play_->FindTask(due->alternative->rejects());
        if (rejected != nullptr && arrival.task == rejected) return true;
      }
    }
    return false;
  }

  Arrival* NextArrival() {
    for (Arrival& arrival : play_->arrivals()) {
      if (InScope(arrival)) return &arrival;
    }
    return nullptr;
  }

  absl::StatusOr<Differences> Compare(const Due& due, const Arrival& arrival) const {
    const v1::Alternative& alternative = *due.alternative;
    if (alternative.closed()) return Differences{"the connection didn't end"};
    const Task* task = due.task.empty() ? nullptr : play_->FindTask(due.task);
    if (task != nullptr && arrival.task != task && alternative.rejects().empty()) {
      return Differences{absl::StrCat("it isn't for task ", due.task)};
    }
    const MatchResult match = Matches(alternative.pdu(), arrival.pdu);
    if (!match) return match.differences;
    if (!alternative.rejects().empty()) {
      const Task* rejected = play_->FindTask(alternative.rejects());
      if (rejected == nullptr) {
        return absl::InvalidArgumentError(
            absl::StrCat("rejects: no task \"", alternative.rejects(), "\" was begun"));
      }
      if (!RejectIsOf(arrival.pdu, *rejected)) {
        return Differences{
            absl::StrCat("its data is not the header of a PDU of task ", alternative.rejects())};
      }
    }
    const Subject subject = {.pdu = &arrival.pdu, .arrival = arrival.number};
    auto differences = JudgePredicates(play_, link_, subject, alternative.where());
    if (!differences.ok() || !differences->empty() || alternative.key().empty()) {
      return differences;
    }
    return JudgeKeys(play_, link_, NegotiationOf(arrival), alternative.key());
  }

  // Of the Login Phase; a Text Response's own keys else.
  Negotiation NegotiationOf(const Arrival& arrival) const {
    if (arrival.pdu.has_login_response()) return link_->state.negotiation;
    Negotiation negotiation;
    const Task* task =
        play_->TaskOfTag(link_->session, arrival.pdu.text_response().initiator_task_tag());
    if (task != nullptr) negotiation.Sent(TextOf(task->request), false);
    negotiation.Received(TextOf(arrival.pdu), false);
    return negotiation;
  }

  // A response's text may come in any number of parts (RFC 7143 §6.1, §6.2): where the step doesn't
  // speak of that, it sees the whole.
  bool MentionsParts() const {
    for (const Due* due : Candidates()) {
      const v1::Pdu& pdu = due->alternative->pdu();
      if (pdu.login_response().has_text_continue() || pdu.text_response().has_text_continue()) {
        return true;
      }
    }
    return false;
  }

  Progress OnArrival(Arrival* arrival) {
    if (!MentionsParts() && arrival->task != nullptr) {
      if (IsPart(arrival->pdu)) return AskForRest(play_, link_, arrival);
      PrependHeldText(arrival->task, &arrival->pdu);
    }
    std::vector<std::string> differences;
    for (const Due* due : Candidates()) {
      absl::StatusOr<Differences> found = Compare(*due, *arrival);
      // A field that this kind of PDU doesn't have, in an alternative of another kind.
      if (!found.ok()) return play_->Error(found.status());
      if (found->empty()) return Accept(*due, arrival);
      differences.push_back(absl::StrJoin(*found, "; "));
    }
    if (play_->Ignorable(arrival->pdu, &expect_.ignore())) {
      play_->PassOver(arrival);
      return Progress::kDone;
    }
    const bool one = differences.size() == 1;
    return play_->Unmet(absl::StrCat("another PDU came than was expected",
                                     one ? absl::StrCat(": ", differences[0])
                                         : absl::StrCat(": ", Summary(arrival->pdu))),
                        absl::StrJoin(Expected(), "\n"), FullText(arrival->pdu));
  }

  Progress OnEnd() {
    for (const Due* due : Candidates()) {
      if (!due->alternative->closed() || link_->closed_by_us) continue;
      link_->end_taken = true;
      return Accept(*due, nullptr);
    }
    return play_->EndedWhileWaiting(*link_, Awaiting());
  }

  // `arrival` is null where the connection's end is what was expected.
  Progress Accept(const Due& due, Arrival* arrival) {
    const v1::Alternative& alternative = *due.alternative;
    const std::string actual =
        arrival == nullptr ? "the end of the connection" : FullText(arrival->pdu);
    if (arrival != nullptr) {
      if (play_->target_role() && !due.task.empty() && play_->FindTask(due.task) == nullptr) {
        play_->NameRequest(arrival, due.task);
      }
      const uint64_t number = arrival->number;
      const v1::Pdu pdu = play_->Take(arrival);
      const Subject subject = {.pdu = &pdu, .arrival = number};
      const absl::Status saved = SaveFields(play_, link_, subject, alternative.save());
      if (!saved.ok()) return play_->Error(saved);
    }
    const Progress judged = JudgeVerdict(alternative, actual);
    if (judged == Progress::kOver) return judged;
    if (!alternative.ends() && alternative.go_to().empty()) {
      Remove(&due);
      return Progress::kDone;
    }
    if (alternative.ends()) {
      play_->SkipToEnd();
    } else if (const absl::Status status = play_->GoTo(alternative.go_to()); !status.ok()) {
      return play_->Error(status);
    }
    all_.clear();
    groups_.clear();
    return Progress::kDone;
  }

  Progress JudgeVerdict(const v1::Alternative& alternative, const std::string& actual) {
    const std::string why = alternative.why().empty()
                                ? absl::StrCat("came: ", DescribeAlternative(alternative))
                                : alternative.why();
    Finding finding = {.verdict = v1::FAIL,
                       .message = why,
                       .expected = absl::StrJoin(Expected(), "\n"),
                       .actual = actual,
                       .expectation = true};
    switch (VerdictOf(alternative, play_->options())) {
      case v1::ALTERNATIVE_WARN:
        finding.verdict = v1::WARN;
        play_->Note(std::move(finding));
        return Progress::kDone;
      case v1::ALTERNATIVE_AMBIGUOUS:
        finding.verdict = v1::AMBIGUOUS;
        finding.message = absl::StrCat(finding.message, " [", alternative.ambiguity(), "]");
        play_->Note(std::move(finding));
        return Progress::kDone;
      case v1::ALTERNATIVE_FAIL:
        return play_->End(std::move(finding));
      case v1::ALTERNATIVE_SKIP:
        finding.verdict = v1::SKIP;
        return play_->End(std::move(finding));
      case v1::ALTERNATIVE_UNSUPPORTED:
        finding.verdict = v1::UNSUPPORTED;
        return play_->End(std::move(finding));
      default:
        return Progress::kDone;
    }
  }

  void Remove(const Due* due) {
    const auto is_it = [due](const Due& one) { return &one == due; };
    if (std::erase_if(all_, is_it) != 0) return;
    std::erase_if(groups_, [&is_it](const Group& group) {
      return std::any_of(group.alternatives.begin(), group.alternatives.end(), is_it);
    });
  }

  Play* const play_;
  const std::string link_name_;
  const v1::Expect expect_;
  Link* link_ = nullptr;
  std::vector<Due> all_;
  std::vector<Group> groups_;
};

class ExpectClosedAction : public Action {
 public:
  ExpectClosedAction(Play* play, const v1::Step& step)
      : play_(play), link_name_(play->LinkName(step.connection())), expect_(step.expect_closed()) {}

  Progress Advance() override {
    Link* const link = play_->FindLink(link_name_);
    if (link == nullptr) {
      return play_->Error(
          absl::InvalidArgumentError(absl::StrCat("connection ", link_name_, " was never opened")));
    }
    while (Arrival* const arrival = play_->FirstOn(link)) {
      if (!play_->Ignorable(arrival->pdu, &expect_.ignore())) {
        return play_->Unmet("a PDU came where the connection's end was expected", Awaiting(),
                            FullText(arrival->pdu));
      }
      play_->PassOver(arrival);
    }
    if (link->closed_by_us) return play_->EndedWhileWaiting(*link, Awaiting());
    if (!link->ended_by_peer) return Progress::kWaiting;
    link->end_taken = true;
    return Progress::kDone;
  }

  std::string Awaiting() const override {
    return absl::StrCat("the end of connection ", link_name_);
  }

 private:
  Play* const play_;
  const std::string link_name_;
  const v1::ExpectClosed expect_;
};

}  // namespace

std::unique_ptr<Action> MakeExpect(Play* play, const v1::Step& step) {
  return std::make_unique<ExpectAction>(play, step);
}
std::unique_ptr<Action> MakeExpectClosed(Play* play, const v1::Step& step) {
  return std::make_unique<ExpectClosedAction>(play, step);
}

}  // namespace pushpull::initiator_sim
